"""Hooks as a registry of the library's own."""

from __future__ import annotations

from snapstart_hooks import Registry

hooks = Registry()


@hooks.before_snapshot
def flush() -> None:
    print("spans flushed")


@hooks.after_restore(priority=-400)
def reseed() -> None:
    print("span ids reseeded")
