"""Opened connections on loops that nobody can use any more, which does no harm without hooks."""

from __future__ import annotations

import asyncio
import os
import threading

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

import snapstart_hooks  # noqa: F401 - it connects itself to the runtime

URL = os.environ["REDIS_URL"]


def pool(name: str) -> redis.asyncio.ConnectionPool:
    """Of connections that try again."""
    return redis.asyncio.ConnectionPool.from_url(URL, client_name=name, retry=Retry(NoBackoff(), 1))


closed, running = pool("closed"), pool("running")


async def ask(of: redis.asyncio.ConnectionPool) -> object:
    return await redis.asyncio.Redis(connection_pool=of).ping()


asyncio.run(ask(closed))
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()
asyncio.run_coroutine_threadsafe(ask(running), loop).result()


def lambda_handler(event: object, context: object) -> object:
    """Ask with a pool of its own."""
    return asyncio.run(ask(pool("own")))
