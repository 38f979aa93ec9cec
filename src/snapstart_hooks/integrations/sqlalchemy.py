"""Closes the idle connections of SQLAlchemy's engines before the snapshot; they connect again when next asked.

Without this the first query on each pooled connection fails in a clone, or hangs where the network drops packets.
``pool_pre_ping`` prevents the failure, but costs a round trip for every checkout, and hangs, too.
An async engine is disposed of on the event loop of its connections. SQLite and DuckDB are left alone: they use no
network, and a database in memory would be lost. Connections that are checked out stay open, and a warning says how
many.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, cast

from ._database import check, each, warn_in_use
from ._live import Live
from ._loops import loop_of
from ._probe import Library

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from snapstart_hooks import Registry

__all__ = ("dispose_on_restore",)

VERSIONS: Final = "SQLAlchemy>=2.0.25,<3"
COST: Final = "nothing after a restore; a connection with the next query"
NEEDLESS: Final = "no SQLAlchemy yet; a release with a hook that disposes of its engines would"

priority: Final = -200  # Priority.CONNECTIONS
required: Final = False
timeout: Final = 5.0
after: Final = ("psycopg_pool", "pymysql")  # back after them, so closed before them

_library: Final = Library(VERSIONS)
_IN_PROCESS: Final = ("sqlite", "duckdb")


class _Dialect(Protocol):
    name: str
    is_async: bool


class _URL(Protocol):
    @property
    def database(self) -> str | None: ...


class _Engine(Protocol):
    @property
    def dialect(self) -> _Dialect: ...
    @property
    def url(self) -> _URL: ...
    @property
    def pool(self) -> object: ...
    def dispose(self, *, close: bool = ...) -> object: ...


class Disposable(Protocol):
    """An ``Engine`` or an ``AsyncEngine``."""

    @property
    def dialect(self) -> object:
        """The dialect of the database."""

    def dispose(self, *, close: bool = ...) -> object:
        """Close the idle connections, and start a new pool."""


E = TypeVar("E", bound=Disposable)

instances: Final = Live[_Engine]("sqlalchemy.engine.base:Engine")


def loop(engine: _Engine) -> asyncio.AbstractEventLoop | None:
    """Return the event loop on which the driver opened the connections, and on which they must be closed."""
    found = _loop(engine)
    return None if found is None or found.is_closed() else found


def before_snapshot(engine: _Engine) -> Awaitable[object] | None:
    """Close the idle connections of an engine."""
    if engine.dialect.name in _IN_PROCESS:
        return None
    checked_out = getattr(engine.pool, "checkedout", None)  # not every kind of pool counts
    warn_in_use(f"{engine!r} of SQLAlchemy", checked_out() if checked_out else 0, "checked out")
    return _dispose(engine)


def dispose_on_restore(
    engine: E,
    *,
    loop: asyncio.AbstractEventLoop | None = None,
    registry: Registry | None = None,
    name: str | None = None,
) -> E:
    """Close the connections of an engine before the snapshot, and forget those of before a restore after it.

    Use it for an engine that the integration leaves alone, such as one of SQLite or DuckDB with a file, or where the
    integration is disabled.

    Args:
        engine: An ``Engine`` or ``AsyncEngine``; the hooks refer to it weakly.
        loop: The event loop of an async engine's connections.  Default: the one that is found, with most drivers.
        registry: The registry for the hooks; ``None`` for the default registry.
        name: The name of the hooks.  Default: that of the engine's class.

    Returns:
        The same engine.

    Raises:
        TypeError: It is no engine.
        ValueError: The engine's database is in memory, or its URL contains "memory": its content would be lost.
    """
    inner = _sync(engine)
    check("dispose_on_restore", inner, "dialect", "dispose", wanted="an Engine or AsyncEngine of SQLAlchemy")
    if inner.dialect.name in _IN_PROCESS and (not inner.url.database or "memory" in str(inner.url)):
        msg = f"{engine!r} has its database in memory, whose content would be lost. It needs no hook."
        raise ValueError(msg)

    def before(engine: E) -> Awaitable[object] | None:
        return _dispose(_sync(engine))

    def after(engine: E) -> None:
        _sync(engine).dispose(close=False)

    return each(engine, before, after, registry=registry, name=name, loop=loop or _loop(inner))


def _sync(engine: Disposable) -> _Engine:
    return cast("_Engine", getattr(engine, "sync_engine", engine))


def _dispose(engine: _Engine) -> Awaitable[object] | None:
    if not engine.dialect.is_async:
        engine.dispose()
        return None
    found = _loop(engine)
    if found is not None and found.is_closed():
        engine.dispose(close=False)  # nothing can be awaited there any more: the collector closes the sockets
        return None
    spawn: Callable[[Callable[[], object]], Awaitable[object]] = import_module("sqlalchemy.util").greenlet_spawn
    return spawn(engine.dispose)


def _loop(engine: _Engine) -> asyncio.AbstractEventLoop | None:
    """Return the event loop of the idle connections; ``None`` without any, or if their driver needs none (psycopg)."""
    pool = engine.pool
    return loop_of(getattr(pool, "_pool", pool)) if engine.dialect.is_async else None
