"""Writes one order to MongoDB before the snapshot and one after each restore."""

from __future__ import annotations

import asyncio
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pymongo

import snapstart_hooks  # noqa: F401 - it connects itself to the runtime

if TYPE_CHECKING:
    from collections.abc import Callable

URL = os.environ["MONGO_URL"]
loop = asyncio.new_event_loop()


def writer() -> Callable[[str], None]:
    """How it is written: with a client that is sync or async."""
    if os.environ["CLIENT"] == "sync":
        client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(URL)
        return lambda order: print(client.shop.orders.insert_one({"by": order}))

    waiting: pymongo.AsyncMongoClient[dict[str, object]] = pymongo.AsyncMongoClient(URL)

    async def write(order: str) -> None:
        await waiting.shop.orders.insert_one({"by": order})

    return lambda order: loop.run_until_complete(write(order))


write = writer()
write("init")


def lambda_handler(event: object, context: object) -> str:
    """Its number, which is another one in each clone."""
    loop.set_default_executor(
        ThreadPoolExecutor()
    )  # it looks names up; clones of namespaces lack the old one's threads
    order = str(uuid.uuid4())
    write(order)
    return order
