"""Tells what of us was imported in a function, which may have no SnapStart."""

from __future__ import annotations

import sys

from snapstart_hooks import after_restore, before_snapshot, default_registry


@before_snapshot
def before() -> None:
    print("before")


@after_restore
def after() -> None:
    print("after")


def handler(event: object, context: object) -> object:
    report = default_registry.last_report
    return {
        "hooks": [hook.name for hook in default_registry.hooks],
        "providers": [provider.name for provider in default_registry.providers],
        "report": report and report.to_dict(),
        "imported": sorted(
            {"acme_driver", "snapshot_restore_py", "importlib.metadata", "asyncio"} & sys.modules.keys()
        ),
    }
