"""
Hooks for AWS Lambda SnapStart, named by the entry point `!pool` in the group `!snapstart.hooks`.

Neither a connection nor a worker is in a snapshot: pools that are open are closed before
it is taken, and opened again, on the same event loop, after each restore.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary
from collections.abc import Awaitable

from .base import BasePool
from .pool import ConnectionPool
from .pool_async import AsyncConnectionPool

Pool: TypeAlias = ConnectionPool[Any] | AsyncConnectionPool[Any]

priority = -200  # closed after those who may still use them, open before those who will
provides = ("psycopg",)  # "after psycopg" means: when there are connections

_closed: WeakKeyDictionary[Pool, asyncio.AbstractEventLoop | None] = WeakKeyDictionary()


def instances() -> list[Pool]:
    return sorted(BasePool._live, key=lambda pool: pool.name)


def loop(pool: Pool) -> asyncio.AbstractEventLoop | None:
    runner = pool._sched_runner
    return runner.get_loop() if isinstance(runner, asyncio.Task) else _closed.get(pool)


def before_snapshot(pool: Pool) -> Awaitable[None] | None:
    if pool.closed:
        return None
    _closed[pool] = loop(pool)
    pool._opened = False  # unlike one that the application closes, it may be opened again
    return pool.close()


def after_restore(pool: Pool) -> Awaitable[None] | None:
    if pool not in _closed:
        return None
    del _closed[pool]
    pool._nconns, pool._growing = pool.min_size, False
    return pool.open()
