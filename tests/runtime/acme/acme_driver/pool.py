"""Hooks as a module, without a dependency on anything."""

from __future__ import annotations

priority = -200


def before_snapshot() -> None:
    print("pool closed")


async def after_restore() -> None:
    print("pool opened")
