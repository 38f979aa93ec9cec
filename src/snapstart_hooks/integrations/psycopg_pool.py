"""Closes the pools of psycopg_pool before the snapshot, and opens them again after each restore.

Without this the first query on each pooled connection fails in a clone. ``drain()`` before a snapshot does not help,
because the pool connects again at once; ``check=ConnectionPool.check_connection`` costs a round trip for every
checkout. An async pool is closed and opened on its own event loop. A pool that the application closed stays closed.
Connections that are checked out stay open, and a warning says how many.
"""

from __future__ import annotations

import asyncio
import gc
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from weakref import WeakKeyDictionary

from ._database import check, each, warn_in_use
from ._live import Live
from ._probe import Library

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sized

    from snapstart_hooks import Registry

__all__ = ("open_on_restore",)

VERSIONS: Final = "psycopg-pool>=3.1,<4"
COST: Final = "0.5 ms for each pool after a restore, to start its workers, which connect in the background"
NEEDLESS: Final = "no psycopg_pool yet; a release with the hooks that are offered to it as a patch would"

priority: Final = -200  # Priority.CONNECTIONS
required: Final = False
timeout: Final = 10.0
provides: Final = ("psycopg",)  # "after psycopg" means: when there are connections

_library: Final = Library(VERSIONS)


class _Pool(Protocol):
    name: str
    connection_class: type
    _opened: bool
    _growing: bool
    _nconns: int
    _drained_at: float
    _pool: Sized
    _sched_runner: object

    @property
    def closed(self) -> bool: ...
    @property
    def min_size(self) -> int: ...
    def open(self) -> Awaitable[None] | None: ...
    def close(self) -> Awaitable[None] | None: ...


class Openable(Protocol):
    """A ``ConnectionPool`` or an ``AsyncConnectionPool``."""

    @property
    def closed(self) -> bool:
        """Whether the pool is not open."""
        ...

    def open(self) -> object:
        """Open the pool, and fill it in the background."""


P = TypeVar("P", bound=Openable)

instances: Final = Live[_Pool]("psycopg_pool:ConnectionPool", "psycopg_pool:AsyncConnectionPool")
_closed: Final[WeakKeyDictionary[_Pool, asyncio.AbstractEventLoop | None]] = WeakKeyDictionary()
_PRIVATE: Final = ("_opened", "_growing", "_nconns", "_pool", "_sched_runner")


def loop(pool: _Pool) -> asyncio.AbstractEventLoop | None:
    """Return the event loop on which the workers of an async pool are, or were."""
    runner: object = getattr(pool, "_sched_runner", None)
    return runner.get_loop() if isinstance(runner, asyncio.Task) else _closed.get(pool)


def before_snapshot(pool: _Pool) -> Awaitable[None] | None:
    """Close a pool that is open, so that it can be opened again."""
    if pool.closed or not _library.has(pool, *_PRIVATE, lost="its pools keep connections that are dead in every clone"):
        return None
    if pool._nconns > len(pool._pool):
        kind = pool.connection_class  # it does not know which: some may be on their way to it
        used = sum(type(thing) is kind and getattr(thing, "_pool", None) is pool for thing in gc.get_objects())
        warn_in_use(f"pool {pool.name!r} of psycopg_pool", used)
    _closed[pool] = loop(pool)
    pool._opened = False  # unlike one that the application closes, it may be opened again
    return pool.close()


def after_restore(pool: _Pool) -> Awaitable[None] | None:
    """Open a pool again that was open; it is filled in the background."""
    if pool not in _closed:
        return None
    del _closed[pool]
    pool._nconns, pool._growing = pool.min_size, False
    pool._drained_at = monotonic()  # what was checked out is replaced when it is given back
    return pool.open()


def open_on_restore(
    pool: P,
    *,
    loop: asyncio.AbstractEventLoop | None = None,
    registry: Registry | None = None,
    name: str | None = None,
) -> P:
    """Open a pool after each restore that is not open in the snapshot, because it was made with ``open=False``.

    Args:
        pool: A ``ConnectionPool`` or ``AsyncConnectionPool``; the hook refers to it weakly.
        loop: The event loop on which an async pool is used; ``None`` for that of all async hooks.
        registry: The registry for the hook; ``None`` for the default registry.
        name: The name of the hook.  Default: that of the pool's class, with the pool's name in brackets.

    Returns:
        The same pool.

    Raises:
        TypeError: It is no such pool.
    """
    check("open_on_restore", pool, "open", "close", wanted="a ConnectionPool or AsyncConnectionPool of psycopg_pool")

    def reopen(pool: P) -> object:
        return pool.open()

    return each(pool, None, reopen, registry=registry, name=name, loop=loop)
