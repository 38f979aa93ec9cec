"""Hooks as a registry of the library's own."""

from __future__ import annotations

from snapstart_hooks import Priority, Registry

hooks = Registry()


@hooks.after_restore(priority=Priority.ENTROPY)
def reseed() -> None:
    print("lake reseeded")


@hooks.before_snapshot(name="lake.flush")
def flush() -> None:
    print("lake flushed")
