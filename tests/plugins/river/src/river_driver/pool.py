"""Hooks as a module, with options."""

from __future__ import annotations

priority = -200
required = False


def before_snapshot() -> None:
    print("river pool closed")


async def after_restore() -> None:
    print("river pool opened")
