"""Run in an interpreter of its own: says as JSON what discovery finds, then runs it.

Arguments: folders or zips for the front of ``sys.path``; ``--site=FOLDER`` for one whose
``.pth`` files are obeyed, as in a site-packages.
"""

from __future__ import annotations

import contextlib
import json
import site
import sys
from importlib import import_module


def main(arguments: list[str]) -> None:
    plain = [argument for argument in arguments if not argument.startswith("--site=")]
    sys.path[:0] = plain
    for argument in arguments:
        if argument not in plain:
            site.addsitedir(argument.removeprefix("--site="))

    for package in ("creek_driver", "lake_driver", "river_driver"):  # as an application that uses them does
        with contextlib.suppress(ModuleNotFoundError):
            import_module(package)

    from snapstart_hooks import Phase, Registry

    registry = Registry()
    providers = [
        (info.name, info.distribution, info.version, info.entry_point, info.value) for info in registry.discover()
    ]
    plan = {phase.value: [str(hook.name) for hook in registry.plan(phase)] for phase in Phase}
    skipped = [line for line in registry.skipped if not line.startswith("snapstart-hooks:")]
    where = sorted({hook.location.rpartition(":")[0] for hook in registry.hooks})
    print(json.dumps({"providers": providers, "plan": plan, "where": where, "skipped": skipped}))
    registry.run_before_snapshot()
    registry.run_after_restore()


if __name__ == "__main__":
    main(sys.argv[1:])
