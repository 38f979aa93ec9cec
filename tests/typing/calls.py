"""Right uses of the call forms, where a function is registered with its arguments.

Read by type checkers, never executed. `test_typing.py` says how.
"""

from __future__ import annotations

from typing import assert_type

from snapstart_hooks import (
    Priority,
    after_restore,
    before_checkpoint,
    before_snapshot,
    register_after_restore,
    register_before_snapshot,
)


def open_pool(url: str, size: int = 4, *, wait: bool = False) -> int:
    return size if wait else len(url)


async def warm(*paths: str, **headers: str) -> bytes:
    return b""


def ready() -> str:
    return ""


class Client:
    def __init__(self, url: str) -> None:
        self.url = url

    def reconnect(self, *, hard: bool) -> float:
        return 1.0 if hard else 0.0

    @classmethod
    def forget(cls, name: str) -> None: ...


client = Client("https://")

# With options: `.call(function, its arguments)`.

opened = after_restore(priority=Priority.CONNECTIONS).call(open_pool, "postgresql://", wait=True)
after_restore(name="orders.db").call(open_pool, "postgresql://", 8, wait=True)
after_restore(priority=5).call(client.reconnect, hard=True)
before_snapshot(required=False).call(Client.forget, "orders")
before_checkpoint(timeout=1.0).call(ready)
warmed = after_restore(concurrent=True).call(warm, "/", "/orders", accept="text/html")
built = after_restore().call(Client, "https://")

# Without options: as in AWS's package, with one import changed.

registered = register_after_restore(open_pool, "postgresql://", wait=True)
register_before_snapshot(client.reconnect, hard=False)
register_before_snapshot(Client.forget, "orders")
register_after_restore(warm, "/", accept="text/html")
register_after_restore(ready)
register_after_restore(print, "restored", end="\r\n")


@register_before_snapshot
def cleanup() -> int:
    return 1


@register_after_restore
def reseed(seed: int = 0) -> float:
    return float(seed)


# The function that comes back has its own parameters.


async def use() -> None:
    assert_type(opened("postgresql://"), int)
    assert_type(opened("postgresql://", 2, wait=True), int)
    assert_type(await warmed("/"), bytes)
    assert_type(built("https://").url, str)
    assert_type(registered("postgresql://", size=1), int)
    assert_type(cleanup(), int)
    assert_type(reseed(), float)
    assert_type(reseed(4), float)
