"""Closes the idle connections of SQLAlchemy's engines before the snapshot; they connect again when next asked.

Without this the first query on each pooled connection fails in a clone, or hangs where the network drops what is sent,
unless the engine has ``pool_pre_ping``, which costs a round trip for every checkout and hangs all the same.
An async engine is disposed of on the event loop that its connections belong to. SQLite and DuckDB are left alone:
there is no network in between, and what is in memory would be lost. Connections that are checked out stay, and a
warning says how many.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, cast

from ._database import each, tell
from ._live import Live
from ._loops import loop_of
from ._probe import Library

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from snapstart_hooks import Registry

__all__ = ("dispose_on_restore",)

VERSIONS: Final = "SQLAlchemy>=2.0.25,<3"
COST: Final = "nothing after a restore but to connect again, when it is asked"
NEEDLESS: Final = "no SQLAlchemy yet: one would that disposes of its engines in a hook of its own"

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
        """How it speaks to its database."""

    def dispose(self, *, close: bool = ...) -> object:
        """Close its idle connections, and begin with a new pool."""


E = TypeVar("E", bound=Disposable)

instances: Final = Live[_Engine]("sqlalchemy.engine.base:Engine")


def loop(engine: _Engine) -> asyncio.AbstractEventLoop | None:
    """Where the idle connections of an async engine have to be closed: where their driver opened them."""
    found = _loop(engine)
    return None if found is None or found.is_closed() else found


def before_snapshot(engine: _Engine) -> Awaitable[object] | None:
    """Close its idle connections."""
    if engine.dialect.name in _IN_PROCESS:
        return None
    checked_out = getattr(engine.pool, "checkedout", None)  # not every kind of pool counts
    tell(f"{engine!r} of SQLAlchemy", checked_out() if checked_out else 0, "checked out")
    return _dispose(engine)


def dispose_on_restore(
    engine: E,
    *,
    loop: asyncio.AbstractEventLoop | None = None,
    registry: Registry | None = None,
    name: str | None = None,
) -> E:
    """Dispose of an engine's connections before the snapshot, and after each restore of those made in between.

    For one that the integration leaves alone, such as a file of SQLite or DuckDB, or where it is left out by name.

    Args:
        engine: An ``Engine`` or ``AsyncEngine``; it is held weakly.
        loop: The event loop that an async engine's connections belong to; found by itself with most drivers.
        registry: Where the hooks go; the default registry if ``None``.
        name: The hooks' name; by default that of the engine's class.

    Returns:
        The same engine.

    Raises:
        ValueError: It is a database in memory, or one whose URL says "memory": what is in it would be lost.
    """
    inner = _sync(engine)
    if inner.dialect.name in _IN_PROCESS and (not inner.url.database or "memory" in str(inner.url)):
        msg = f"{engine!r} is a database in memory: what is in it would be lost. It needs no hook."
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
    """That of its idle connections; ``None`` if there are none, or their driver needs none of its own (psycopg)."""
    pool = engine.pool
    return loop_of(getattr(pool, "_pool", pool)) if engine.dialect.is_async else None
