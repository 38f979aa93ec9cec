"""Hooks of all kinds of origin; each prints its name."""

from __future__ import annotations

from snapshot_restore_py import register_after_restore, register_before_snapshot

register_before_snapshot(print, "AWS's, before our import")
register_after_restore(print, "AWS's, before our import")

import contextlib  # noqa: E402

with contextlib.suppress(ImportError):
    import acme_driver  # noqa: F401 - whose hooks run because it is imported

from snapstart_hooks import after_restore, before_snapshot  # noqa: E402 - it is what this is about


@before_snapshot
def first_before() -> None:
    print("first")


@after_restore
def first_after() -> None:
    print("first")


register_before_snapshot(print, "AWS's, between")
register_after_restore(print, "AWS's, between")


@before_snapshot(priority=100)
def warm_before() -> None:
    print("warm-up")


@after_restore(priority=100)
async def warm_after() -> None:
    print("warm-up")


@before_snapshot
async def second_before() -> None:
    print("second")


@after_restore
def second_after() -> None:
    print("second")


register_before_snapshot(print, "AWS's, after the last")
register_after_restore(print, "AWS's, after the last")


def handler(event: object, context: object) -> object:
    return event
