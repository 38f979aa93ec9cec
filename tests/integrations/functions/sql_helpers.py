"""Asks a PostgreSQL through objects that were given to the helpers, and is not helped by the integrations."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import asyncpg
import psycopg_pool
import sqlalchemy
import sqlalchemy.ext.asyncio
from playhouse.db_url import connect as playhouse_connect

from snapstart_hooks.integrations import asyncpg as of_asyncpg
from snapstart_hooks.integrations.peewee import reconnect_on_restore
from snapstart_hooks.integrations.psycopg_pool import open_on_restore
from snapstart_hooks.integrations.sqlalchemy import dispose_on_restore

if TYPE_CHECKING:
    from collections.abc import Callable

URL = os.environ["DATABASE_URL"]
SERVER = URL.partition("//")[2]

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)

engine = dispose_on_restore(sqlalchemy.create_engine(f"postgresql+psycopg://{SERVER}"), name="engine")
async_engine = dispose_on_restore(
    sqlalchemy.ext.asyncio.create_async_engine(f"postgresql+asyncpg://{SERVER}"), loop=loop, name="async engine"
)
pool = open_on_restore(psycopg_pool.ConnectionPool(URL, min_size=1, open=False, timeout=30), name="pool")
async_pool = open_on_restore(psycopg_pool.AsyncConnectionPool(URL, min_size=1, open=False, timeout=30), loop=loop)
asyncpg_pool = of_asyncpg.open_on_restore(asyncpg.create_pool(URL, min_size=1, loop=loop))
database = reconnect_on_restore(playhouse_connect(f"postgresql://{SERVER}", autoconnect=False), name="database")


def ask_engine() -> object:
    with engine.connect() as connection:
        return connection.scalar(sqlalchemy.text("select 1"))


async def ask_async_engine() -> object:
    async with async_engine.connect() as connection:
        return await connection.scalar(sqlalchemy.text("select 1"))


def ask_pool() -> object:
    with pool.connection() as connection:
        return connection.execute("select 1").fetchone()


async def ask_async_pool() -> object:
    async with async_pool.connection() as connection:
        return await (await connection.execute("select 1")).fetchone()


CONNECTED: dict[str, Callable[[], object]] = {
    "engine": ask_engine,
    "async engine": lambda: loop.run_until_complete(ask_async_engine()),
    "database": lambda: database.execute_sql("select 1").fetchone(),
}
OPENED: dict[str, Callable[[], object]] = {
    "pool": ask_pool,
    "async pool": lambda: loop.run_until_complete(ask_async_pool()),
    "asyncpg": lambda: loop.run_until_complete(asyncpg_pool.fetchval("select 1", timeout=30)),
}
database.connect()
for ask in CONNECTED.values():
    ask()


def lambda_handler(event: object, context: object) -> dict[str, str]:
    """Ask all of them once, and tell what came of it."""
    return {name: answer(ask) for name, ask in {**CONNECTED, **OPENED}.items()}


def answer(ask: Callable[[], object]) -> str:
    """What came of it, or the kind of the error."""
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - what is dead fails in many ways
        return type(error).__name__
    return "fine"
