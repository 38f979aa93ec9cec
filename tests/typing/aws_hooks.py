"""Right uses of AWS's own package, typed by our stubs.

Read by type checkers, never executed. `test_typing.py` reads it a second time with its
import line changed to ours: migrating is that one line.
"""

from __future__ import annotations

from typing import assert_type

from snapshot_restore_py import register_after_restore, register_before_snapshot


class Client:
    def reconnect(self, *, hard: bool = False) -> str:
        return ""


def open_pool(url: str, size: int = 4, *, wait: bool = False) -> int:
    return size if wait else len(url)


@register_before_snapshot
def cleanup() -> int:
    return 1


@register_after_restore
def reinitialize(seed: int = 0) -> float:
    return float(seed)


opened = register_after_restore(open_pool, "postgresql://", wait=True)
register_before_snapshot(open_pool, size=2, url="postgresql://")
register_after_restore(Client().reconnect)
register_after_restore(Client().reconnect, hard=True)
register_before_snapshot(print, "publishing", end="\r\n")
register_after_restore(func=cleanup)


def use() -> None:
    assert_type(cleanup(), int)
    assert_type(reinitialize(), float)
    assert_type(reinitialize(3), float)
    assert_type(opened("postgresql://", 2), int)
