"""Right uses of the helpers beside our integrations, on objects shaped as those of the libraries.

Read by type checkers, never executed. `test_typing.py` says how.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import cache
from random import Random
from typing import assert_type

from snapstart_hooks import Registry
from snapstart_hooks.integrations import asyncpg, caches, peewee, psycopg_pool, pymysql, random, sqlalchemy


class Engine:
    """As SQLAlchemy's."""

    @property
    def dialect(self) -> str:
        return "postgresql"

    def dispose(self, close: bool = True) -> None: ...


class AsyncEngine:
    """As SQLAlchemy's, which has a class attribute for what the other has a property for."""

    dialect: str = "postgresql"

    async def dispose(self, close: bool = True) -> None: ...


class ConnectionPool:
    """As psycopg_pool's."""

    @property
    def closed(self) -> bool:
        return True

    def open(self, wait: bool = False, timeout: float = 30.0) -> None: ...


class AsyncConnectionPool:
    """As psycopg_pool's."""

    closed: bool = True

    async def open(self, wait: bool = False, timeout: float = 30.0) -> None: ...


class Pool:
    """As asyncpg's."""

    async def expire_connections(self) -> None: ...

    def __await__(self) -> Generator[object, None, Pool]:
        yield None
        return self


class Connection:
    """As PyMySQL's."""

    def connect(self, sock: object = None) -> None: ...
    def close(self) -> None: ...


class Database:
    """As peewee's."""

    def connect(self, reuse_if_open: bool = False) -> bool:
        return True

    def close(self) -> bool:
        return True


class TorchGenerator:
    """As torch's."""

    def seed(self) -> int:
        return 1


class NumpyGenerator:
    """As numpy's."""

    @property
    def bit_generator(self) -> bytes:
        return b""


@caches.clear_on_restore
@cache
def rate(currency: str) -> float:
    return 1.0


registry = Registry()

assert_type(rate("EUR"), float)
assert_type(caches.clear_on_restore({"a": 1}, name="tokens"), dict[str, int])
assert_type(random.reseed_on_restore(Random(42)), Random)
assert_type(random.reseed_on_restore(TorchGenerator(), registry=registry), TorchGenerator)
assert_type(random.reseed_on_restore(NumpyGenerator(), name="weights"), NumpyGenerator)
assert_type(sqlalchemy.dispose_on_restore(Engine()), Engine)
assert_type(sqlalchemy.dispose_on_restore(AsyncEngine(), registry=registry, name="orders"), AsyncEngine)
assert_type(psycopg_pool.open_on_restore(ConnectionPool()), ConnectionPool)
assert_type(psycopg_pool.open_on_restore(AsyncConnectionPool(), loop=None, name="stock"), AsyncConnectionPool)
assert_type(asyncpg.open_on_restore(Pool(), registry=registry), Pool)
assert_type(pymysql.reconnect_on_restore(Connection()), Connection)
assert_type(peewee.reconnect_on_restore(Database(), registry=registry, name="orders"), Database)
