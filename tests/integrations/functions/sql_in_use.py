"""Uses a connection of each pool while the snapshot is taken, and gives it back in the clone."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import asyncpg
import django
import psycopg2.pool
import psycopg_pool
import sqlalchemy
import sqlalchemy.ext.asyncio
from django.conf import settings
from playhouse.db_url import connect as playhouse_connect

import snapstart_hooks  # noqa: F401 - it connects itself to the runtime

if TYPE_CHECKING:
    from collections.abc import Callable

URL = os.environ["DATABASE_URL"]
SERVER = URL.partition("//")[2]
HOST, _, PORT = SERVER.rpartition("@")[2].partition("/")[0].partition(":")
POSTGRESQL = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": "postgres",
    "USER": "postgres",
    "HOST": HOST,
    "PORT": PORT,
}
settings.configure(DATABASES={"default": POSTGRESQL})
django.setup()
from django.db import connection as django_connection  # noqa: E402 - it needs the settings
from django.db import transaction  # noqa: E402

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)

engine = sqlalchemy.create_engine(f"postgresql+psycopg://{SERVER}")
async_engine = sqlalchemy.ext.asyncio.create_async_engine(f"postgresql+asyncpg://{SERVER}")
pool = psycopg_pool.ConnectionPool(URL, name="orders", min_size=1, max_size=2, open=True, timeout=30)
old_pool = psycopg2.pool.SimpleConnectionPool(1, 2, URL)
asyncpg_pool = loop.run_until_complete(asyncpg.create_pool(URL, min_size=1, max_size=3))
database = playhouse_connect(f"postgresql://{SERVER}")

of_engine = engine.connect()
of_async_engine = loop.run_until_complete(async_engine.connect().start())
of_pool = pool.getconn()
of_old_pool = old_pool.getconn()
of_asyncpg = loop.run_until_complete(asyncpg_pool.acquire())
blocks = database.atomic(), transaction.atomic()
for block in blocks:
    block.__enter__()
database.execute_sql("select 1")
with django_connection.cursor() as cursor:
    cursor.execute("select 1")

# The loop of these is closed, as after `asyncio.run` at import: nothing can be awaited there.
ended = asyncio.new_event_loop()
lost_engine = sqlalchemy.ext.asyncio.create_async_engine(f"postgresql+asyncpg://{SERVER}")


async def ask_async(engine: sqlalchemy.ext.asyncio.AsyncEngine) -> object:
    async with engine.connect() as connection:
        return await connection.scalar(sqlalchemy.text("select 1"))


ended.run_until_complete(ask_async(lost_engine))
ended.close()


async def ask_asyncpg() -> object:
    async with asyncpg_pool.acquire(timeout=30) as one, asyncpg_pool.acquire(timeout=30) as other:
        return [await connection.fetchval("select 1", timeout=30) for connection in (one, other)]


def ask_engine() -> object:
    with engine.connect() as connection:
        return connection.scalar(sqlalchemy.text("select 1"))


def ask_pool() -> object:
    with pool.connection() as one, pool.connection() as other:
        return [connection.execute("select 1").fetchone() for connection in (one, other)]


def ask_old_pool() -> object:
    connection = old_pool.getconn()
    connection.cursor().execute("select 1")
    connection.rollback()
    old_pool.putconn(connection)
    return connection


QUESTIONS: dict[str, Callable[[], object]] = {
    "sqlalchemy": ask_engine,
    "sqlalchemy async": lambda: loop.run_until_complete(ask_async(async_engine)),
    "sqlalchemy whose loop is closed": lambda: loop.run_until_complete(ask_async(lost_engine)),
    "psycopg_pool": ask_pool,
    "psycopg2": ask_old_pool,
    "asyncpg": lambda: loop.run_until_complete(ask_asyncpg()),
}
BUSY: dict[str, Callable[[], object]] = {
    "sqlalchemy": lambda: of_engine.execute(sqlalchemy.text("select 1")),
    "psycopg_pool": lambda: of_pool.execute("select 1"),
    "psycopg2": lambda: of_old_pool.cursor().execute("select 1"),
    "asyncpg": lambda: loop.run_until_complete(of_asyncpg.fetchval("select 1")),
    "peewee": lambda: database.execute_sql("select 1"),
    "django": lambda: django_connection.cursor().execute("select 1"),
}


def lambda_handler(event: object, context: object) -> dict[str, dict[str, str]]:
    """Ask the pools, use what was in use, give it back, and ask again."""
    before = {name: answer(ask) for name, ask in QUESTIONS.items()}
    busy = {name: answer(ask) for name, ask in BUSY.items()}
    of_engine.close()
    loop.run_until_complete(of_async_engine.close())
    pool.putconn(of_pool)
    old_pool.putconn(of_old_pool)
    loop.run_until_complete(asyncpg_pool.release(of_asyncpg))
    return {"before": before, "busy": busy, "after": {name: answer(ask) for name, ask in QUESTIONS.items()}}


def answer(ask: Callable[[], object]) -> str:
    """What came of it, or the kind of the error."""
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - what is dead fails in many ways
        return type(error).__name__
    return "fine"
