"""A pool of connections to PostgreSQL that an async hook opens and the handler uses."""

from __future__ import annotations

import asyncio
import os

from psycopg_pool import AsyncConnectionPool

from snapstart_hooks import Priority, after_restore, before_snapshot

pools: list[AsyncConnectionPool] = []


async def _open() -> None:
    pool = AsyncConnectionPool(os.environ["DATABASE_URL"], min_size=1, max_size=1, open=False)
    await pool.open(wait=True, timeout=20)
    pools.append(pool)


async def _backend() -> int:
    async with pools[-1].connection() as connection:
        row = await (await connection.execute("SELECT pg_backend_pid()")).fetchone()
    assert row is not None
    return int(row[0])


asyncio.set_event_loop(asyncio.new_event_loop())
asyncio.get_event_loop().run_until_complete(_open())
before = asyncio.get_event_loop().run_until_complete(_backend())


@before_snapshot(priority=Priority.CONNECTIONS)
async def close() -> None:
    """On the loop that opened it."""
    await pools[-1].close()


@after_restore(priority=Priority.CONNECTIONS)
async def reopen() -> None:
    """A pool that has been closed cannot be opened again: another one."""
    await _open()


def handler(event: object, context: object) -> dict[str, object]:
    """Use the pool that the hook opened, on the same loop."""
    backend = asyncio.get_event_loop().run_until_complete(_backend())
    return {"before": before, "now": backend}
