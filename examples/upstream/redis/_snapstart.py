"""Hooks for AWS Lambda SnapStart, named by the entry point `pool` in the group `snapstart.hooks`.

The connections of a snapshot are dead when it is restored. So none is in it: before the
snapshot the idle ones are closed, and a pool connects anew when it is next asked.
"""

from asyncio import AbstractEventLoop
from typing import Awaitable, List, Optional, Union

from redis import asyncio, connection

Pool = Union[connection.ConnectionPool, asyncio.ConnectionPool]

priority = -200  # connections are closed after those who may still use them
before_snapshot_required = False  # a connection that stays open costs a retry, not the publishing


def instances() -> List[Pool]:
    return [*connection.ConnectionPool._live, *asyncio.ConnectionPool._live]


def loop(pool: Pool) -> Optional[AbstractEventLoop]:
    writers = (getattr(each, "_writer", None) for each in pool._available_connections)
    return next((writer._loop for writer in writers if writer is not None), None)


def before_snapshot(pool: Pool) -> Optional[Awaitable[None]]:
    return pool.disconnect(inuse_connections=False)
