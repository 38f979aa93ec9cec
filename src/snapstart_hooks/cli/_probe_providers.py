"""Loads the providers of an artifact, in an interpreter of its own that sees what the function sees.

It is started by its path, with a question as JSON on standard input, and answers on standard
output with one error, or ``null``, for each provider.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys


def main() -> None:
    """Answer."""
    question: dict[str, list[str]] = json.load(sys.stdin)
    answers = os.dup(1)
    os.dup2(2, 1)  # what providers print
    standard = [entry for entry in sys.path[1:] if not entry.endswith(("site-packages", "dist-packages"))]
    sys.path[:] = [*question["ours"], *standard]
    from snapstart_hooks._discovery import find
    from snapstart_hooks._hook import ProviderInfo
    from snapstart_hooks._registry import included

    if importlib.util.find_spec("snapshot_restore_py"):  # which the runtime brings
        importlib.import_module("snapshot_restore_py")
    find()
    sys.path[:] = [*question["path"], *standard]
    sys.path_importer_cache.clear()
    found = find()
    found.by_hand(question["by_hand"])
    told: dict[str, str | None] = {}
    for declared in found.declared:
        told[declared.info.name] = None
        subjects = declared.info.value.partition("[")[2].rstrip("] ").split(",")
        if any(map(str.strip, subjects)) and not any(map(_installed, subjects)):
            continue  # for a library that this function does not have
        try:
            provider = declared.load()
            included(provider, ProviderInfo(declared.info.name))
        except BaseException as error:  # noqa: BLE001 - whatever a provider raises
            told[declared.info.name] = str(error)
    os.write(answers, json.dumps(told).encode())
    os._exit(0)  # whatever threads it started


def _installed(name: str) -> bool:
    top = name.strip().partition(".")[0]
    return bool(top) and (top in sys.builtin_module_names or importlib.util.find_spec(top) is not None)


main()
