"""Right uses of values that are made anew after each restore; nothing here may be an error."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Annotated, Any, Protocol, TypeVar

from snapstart_hooks import Priority, Registry, default_registry
from snapstart_hooks.resources import (
    AsyncResource,
    CachedFunction,
    PerRestore,
    Resource,
    RestoreScoped,
    cached_until_restore,
    generation,
    resource,
)
from typing_extensions import assert_type

T = TypeVar("T")

# What may be a factory.


@resource
def db() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect("orders.db")) as connection:
        yield connection


@resource
def generator() -> Generator[int, None, None]:
    yield 1


@resource
async def pool() -> AsyncIterator[list[str]]:
    yield []


@resource
async def async_generator() -> AsyncGenerator[bytes, None]:
    yield b""


@resource
@contextlib.contextmanager
def manager() -> Generator[str, None, None]:
    yield ""


@resource
@contextlib.asynccontextmanager
async def async_manager() -> AsyncGenerator[str, None]:
    yield ""


class Client:
    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None: ...


class Session:
    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *_: object) -> None: ...


def clients() -> AbstractContextManager[Client]:
    return Client()


def sessions() -> AbstractAsyncContextManager[Session]:
    return Session()


assert_type(db, Resource[sqlite3.Connection])
assert_type(generator, Resource[int])
assert_type(pool, AsyncResource[list[str]])
assert_type(async_generator, AsyncResource[bytes])
assert_type(manager, Resource[str])
assert_type(async_manager, AsyncResource[str])
assert_type(resource(Client), Resource[Client])
assert_type(resource(Session), AsyncResource[Session])
assert_type(resource(clients), Resource[Client])
assert_type(resource(sessions), AsyncResource[Session])
assert_type(resource(lambda: contextlib.closing(sqlite3.connect(""))), Resource[sqlite3.Connection])
assert_type(resource(lambda: contextlib.nullcontext(5)), Resource[int])


class Queries(Protocol):
    def count(self) -> int: ...


class Orders:
    def count(self) -> int:
        return 1

    @contextlib.contextmanager
    def connected(self, *, retries: int = 3) -> Generator[Orders, None, None]:
        yield self


@resource
def queries(url: str = "orders.db") -> Iterator[Queries]:
    yield Orders()


def holding(item: T) -> Resource[T]:
    return resource(lambda: contextlib.nullcontext(item))


assert_type(queries, Resource[Queries])
assert_type(resource(Orders().connected), Resource[Orders])
assert_type(holding(b""), Resource[bytes])
restored: RestoreScoped[bytes] = holding(b"")

# With options.


@resource(name="orders.db", eager=True, concurrent=True, priority=Priority.CONNECTIONS, timeout=2.0, required=False)
def configured() -> Iterator[int]:
    yield 1


@resource(registry=Registry())
async def configured_async() -> AsyncIterator[int]:
    yield 1


assert_type(configured, Resource[int])
assert_type(configured_async, AsyncResource[int])
assert_type(resource(eager=True)(Client), Resource[Client])

# What they give.


async def use() -> None:
    assert_type(db(), sqlite3.Connection)
    db().execute("SELECT 1")
    assert_type(await pool(), list[str])
    assert_type(await asyncio.create_task(pool()), list[str])
    assert_type(db.current(5), bool)
    assert_type(db.is_open, bool)
    assert_type(db.name, str)
    db.reset()
    await pool.reset()
    assert_type(instance(), uuid.UUID)
    assert_type(generation(), int)


# As a plain callable.


def call(func: Callable[[], T]) -> T:
    return func()


assert_type(call(db), sqlite3.Connection)
assert_type(call(PerRestore(uuid.uuid4)), uuid.UUID)
getter: Callable[[], sqlite3.Connection] = db
waiter: Callable[[], Awaitable[list[str]]] = pool


# As FastAPI, Flask and Django take it: the signatures are theirs.


def Depends(dependency: Callable[..., Any] | None = None, *, use_cache: bool = True) -> Any: ...


class LocalProxy:
    """Of werkzeug."""

    def __init__(self, local: Callable[[], Any], name: str | None = None) -> None: ...


class SimpleLazyObject:
    """Of Django."""

    def __init__(self, func: Callable[[], object]) -> None: ...


class Extension:
    """Of Flask: it asks for what it works with when it needs it."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None: ...


Db = Annotated[sqlite3.Connection, Depends(db)]
Pool = Annotated[list[str], Depends(pool)]


def endpoint(db: Db, pool: Pool) -> int:
    assert_type(db, sqlite3.Connection)
    assert_type(pool, list[str])
    return db.total_changes


LocalProxy(db)
SimpleLazyObject(db)
Extension(db)
Extension(connect=db)

# Computed anew.

instance = PerRestore(uuid.uuid4)
assert_type(instance, PerRestore[uuid.UUID])
PerRestore(lambda: None, eager=True, name="seed", priority=Priority.ENTROPY, registry=default_registry)


@PerRestore
def folder() -> str:
    return ""


assert_type(folder, PerRestore[str])
assert_type(folder(), str)

# Caches.


@cached_until_restore
def setting(name: str, *, version: int = 1) -> bytes:
    return b""


@cached_until_restore(ttl=60, registry=default_registry)
def flags() -> dict[str, bool]:
    return {}


class Prices:
    @cached_until_restore
    def of(self, item: str) -> int:
        return 1


assert_type(setting("a", version=2), bytes)
assert_type(flags(), dict[str, bool])
assert_type(Prices().of("tea"), int)
setting.cache_clear()
assert_type(setting.cache_info().hits, int)
assert_type(setting.__wrapped__("a"), bytes)
zero: CachedFunction[[], dict[str, bool]] = flags
anything: Callable[[str], bytes] = setting

# In tests.

with default_registry.override(db, sqlite3.connect("")) as fake:
    assert_type(fake, sqlite3.Connection)
with default_registry.override(pool, ["fake"]) as fake_pool:
    assert_type(fake_pool, list[str])
with Registry().override(instance, uuid.UUID(int=0)):
    pass
