"""Asks a PostgreSQL through every library that there are hooks for, with what was connected before the snapshot."""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from typing import TYPE_CHECKING

import asyncpg
import django
import peewee
import psycopg2.pool
import psycopg_pool
import sqlalchemy
import sqlalchemy.ext.asyncio
from django.conf import settings
from playhouse.db_url import connect as playhouse_connect
from playhouse.pool import PooledPostgresqlDatabase
from sqlalchemy.pool import StaticPool

import snapstart_hooks  # noqa: F401 - it connects itself to the runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

URL = os.environ["DATABASE_URL"]
SERVER = URL.partition("//")[2]
HOST, _, PORT = SERVER.rpartition("@")[2].partition("/")[0].partition(":")
PATIENCE = float(os.environ.get("PATIENCE", "30"))  # seconds
TIMES = 2  # connections of each pool: none of them may be dead

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": HOST,
            "PORT": PORT,
            "CONN_MAX_AGE": None,
        },
        "pooled": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": HOST,
            "PORT": PORT,
            "OPTIONS": {"pool": {"timeout": PATIENCE}},
        },
        "memory": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    }
)
django.setup()
from django.db import connections  # noqa: E402 - it needs the settings

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)

engines = {
    f"sqlalchemy {driver}": sqlalchemy.create_engine(f"postgresql+{driver}://{SERVER}")
    for driver in ("psycopg", "psycopg2")
}
async_engines = {
    f"sqlalchemy async {driver}": sqlalchemy.ext.asyncio.create_async_engine(f"postgresql+{driver}://{SERVER}")
    for driver in ("psycopg_async", "asyncpg")
}
memory = sqlalchemy.create_engine("sqlite://", poolclass=StaticPool)
pool = psycopg_pool.ConnectionPool(URL, name="orders", min_size=TIMES, open=True, timeout=PATIENCE)
archive = psycopg_pool.ConnectionPool(URL, name="archive", min_size=1, open=True)
archive.close()  # for good
async_pool = psycopg_pool.AsyncConnectionPool(URL, name="stock", min_size=TIMES, open=False, timeout=PATIENCE)
old_pool = psycopg2.pool.ThreadedConnectionPool(TIMES, 4, URL)
asyncpg_pool = loop.run_until_complete(asyncpg.create_pool(URL, min_size=TIMES, max_size=4))
peewee_database = playhouse_connect(f"postgresql://{SERVER}")
peewee_pool = PooledPostgresqlDatabase("postgres", user="postgres", host=HOST, port=int(PORT))
peewee_memory = peewee.SqliteDatabase(":memory:")
by_hand = peewee.PostgresqlDatabase("postgres", user="postgres", host=HOST, port=int(PORT), autoconnect=False)


def of_engine(engine: sqlalchemy.Engine) -> object:
    """Through `TIMES` of its connections at once."""
    opened = [engine.connect() for _ in range(TIMES)]
    try:
        return [connection.execute(sqlalchemy.text("select 1")).scalar() for connection in opened]
    finally:
        for connection in opened:
            connection.close()


async def of_async_engine(engine: sqlalchemy.ext.asyncio.AsyncEngine) -> object:
    async with engine.connect() as one, engine.connect() as other:
        return [await connection.scalar(sqlalchemy.text("select 1")) for connection in (one, other)]


def of_pool() -> object:
    with pool.connection() as one, pool.connection() as other:
        return [connection.execute("select 1").fetchone() for connection in (one, other)]


async def of_async_pool() -> object:
    async with async_pool.connection() as one, async_pool.connection() as other:
        return [await (await connection.execute("select 1")).fetchone() for connection in (one, other)]


def of_old_pool() -> object:
    opened = [old_pool.getconn() for _ in range(TIMES)]
    try:
        for connection in opened:
            connection.cursor().execute("select 1")
            connection.rollback()
        return opened
    finally:
        for connection in opened:
            old_pool.putconn(connection)


async def of_asyncpg() -> object:
    async with asyncpg_pool.acquire(timeout=PATIENCE) as one, asyncpg_pool.acquire(timeout=PATIENCE) as other:
        return [await connection.fetchval("select 1", timeout=PATIENCE) for connection in (one, other)]


def of_django(alias: str) -> object:
    with connections[alias].cursor() as cursor:
        cursor.execute("select 1")
        return cursor.fetchone()


def of_peewee_pool() -> object:
    """Opened and given back, as in each request."""
    peewee_pool.connect()
    try:
        return peewee_pool.execute_sql("select 1").fetchone()
    finally:
        peewee_pool.close()


def awaiting(ask: Callable[[], Coroutine[object, None, object]]) -> Callable[[], object]:
    return lambda: loop.run_until_complete(ask())


QUESTIONS: dict[str, Callable[[], object]] = {
    **{name: functools.partial(of_engine, engine) for name, engine in engines.items()},
    **{name: awaiting(functools.partial(of_async_engine, engine)) for name, engine in async_engines.items()},
    "psycopg_pool": of_pool,
    "psycopg_pool async": awaiting(of_async_pool),
    "psycopg2": of_old_pool,
    "asyncpg": awaiting(of_asyncpg),
    "django": lambda: of_django("default"),
    "django pool": lambda: of_django("pooled"),
    "peewee": lambda: peewee_database.execute_sql("select 1").fetchone(),
    "peewee pool": of_peewee_pool,
    "peewee by hand": lambda: by_hand.execute_sql("select 1").fetchone(),
}

loop.run_until_complete(async_pool.open())
by_hand.connect()
for ask in QUESTIONS.values():
    ask()

# What is in memory would be lost with its connection.
with memory.begin() as kept:
    kept.execute(sqlalchemy.text("create table kept (id int)"))
peewee_memory.execute_sql("create table kept (id int)")
with connections["memory"].cursor() as cursor:
    cursor.execute("create table kept (id int)")


def of_memory() -> object:
    """All three still have their table."""
    with memory.connect() as kept, connections["memory"].cursor() as cursor:
        kept.execute(sqlalchemy.text("select * from kept"))
        peewee_memory.execute_sql("select * from kept")
        return cursor.execute("select * from kept").fetchall()


elsewhere: list[object] = []


def of_another_thread() -> None:
    """Django has a connection for each thread."""
    of_django("default")
    elsewhere.append(connections["default"])


thread = threading.Thread(target=of_another_thread)
thread.start()
thread.join()


def lambda_handler(event: list[str] | None, context: object) -> dict[str, str]:
    """Ask all of them once, or those that are named, and tell what came of it."""
    asked = {**QUESTIONS, "memory": of_memory, "closed for good": archive.getconn}
    return {
        **{name: answer(ask) for name, ask in asked.items() if not event or name in event},
        "other thread": "open" if getattr(elsewhere[0], "connection", None) else "closed",
    }


def answer(ask: Callable[[], object]) -> str:
    """What came of it, or the kind of the error."""
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - what is dead fails in many ways
        return type(error).__name__
    return "fine"
