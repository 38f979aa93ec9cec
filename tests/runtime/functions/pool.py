"""A pool that lives on an event loop: hooks open and close it, and the handler uses it."""

from __future__ import annotations

import asyncio
import sys

from snapstart_hooks import after_restore, before_snapshot


class Pool:
    """A queue of one connection, which belongs to the loop that it was first waited for on."""

    def __init__(self) -> None:
        self.free: asyncio.Queue[str] = asyncio.Queue()
        self.keeper: asyncio.Task[None] | None = None

    async def open(self) -> None:
        async def keep() -> None:
            await asyncio.sleep(0)
            await self.free.put("pooled")

        self.keeper = asyncio.create_task(keep())
        await self.keeper

    async def use(self) -> str:
        connection = await self.free.get()
        asyncio.get_running_loop().call_soon(self.free.put_nowait, connection)
        await asyncio.sleep(0)
        return connection


pool = Pool()


@before_snapshot
async def close() -> None:
    print("closing")
    await asyncio.sleep(0)
    print("closed")


@after_restore
async def reopen() -> None:
    print("opening")
    await pool.open()
    print("opened")


def handler(event: object, context: object) -> object:
    connection = asyncio.get_event_loop().run_until_complete(pool.use())
    return {"connection": connection, "polls on a thread": "concurrent.futures.thread" in sys.modules}
