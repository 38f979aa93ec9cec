"""Loads the providers of an artifact, in an interpreter of its own with the function's ``sys.path``.

The file is run as a program: it reads one JSON document from standard input, and writes another one to standard
output, with an error, or ``null``, for each provider.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys


def main() -> None:
    """Load the providers and write the answer."""
    request: dict[str, list[str]] = json.load(sys.stdin)
    answers = os.dup(1)
    os.dup2(2, 1)  # what providers print
    standard = [entry for entry in sys.path[1:] if not entry.endswith(("site-packages", "dist-packages"))]
    sys.path[:] = [*request["ours"], *standard]
    from snapstart_hooks._discovery import find
    from snapstart_hooks._hook import ProviderInfo
    from snapstart_hooks._registry import included

    if importlib.util.find_spec("snapshot_restore_py"):  # which the runtime brings
        importlib.import_module("snapshot_restore_py")
    find()
    sys.path[:] = [*request["path"], *standard]
    sys.path_importer_cache.clear()
    found = find()
    found.by_hand(request["by_hand"])
    errors: dict[str, str | None] = {}
    for declared in found.declared:
        errors[declared.info.name] = None
        modules = declared.info.value.partition("[")[2].rstrip("] ").split(",")
        if any(map(str.strip, modules)) and not any(map(_installed, modules)):
            continue  # its library is not installed
        try:
            provider = declared.load()
            included(provider, ProviderInfo(declared.info.name))
        except BaseException as error:  # noqa: BLE001 - whatever a provider raises
            errors[declared.info.name] = str(error)
    os.write(answers, json.dumps(errors).encode())
    os._exit(0)  # whatever threads it started


def _installed(name: str) -> bool:
    top = name.strip().partition(".")[0]
    return bool(top) and (top in sys.builtin_module_names or importlib.util.find_spec(top) is not None)


main()
