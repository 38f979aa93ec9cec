"""Closes the idle connections of asyncpg's pools before the snapshot; they connect again with the next query.

Without this the first query on each pooled connection fails in a clone. Connections that are checked out stay open,
and a warning says how many; they are closed when they are returned after a restore.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, cast

from snapstart_hooks import default_registry

from ._database import check, warn_in_use
from ._live import Live
from ._probe import Library

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine, Generator

    from snapstart_hooks import Registry

__all__ = ("open_on_restore",)

VERSIONS: Final = "asyncpg>=0.29,<1"
COST: Final = "20 µs for each pool after a restore"
NEEDLESS: Final = "no asyncpg yet; a release with a hook that closes idle connections would"

priority: Final = -200  # Priority.CONNECTIONS
required: Final = False
timeout: Final = 5.0

_library: Final = Library(VERSIONS)


class _Holder(Protocol):
    def is_connected(self) -> bool: ...
    def is_idle(self) -> bool: ...
    async def close(self) -> None: ...


class _Pool(Protocol):
    _holders: list[_Holder]
    _loop: asyncio.AbstractEventLoop
    _minsize: int

    def __await__(self) -> Generator[object, None, object]: ...
    def expire_connections(self) -> Coroutine[object, None, None]: ...


class Openable(Protocol):
    """A pool, as ``asyncpg.create_pool`` returns it."""

    def __await__(self) -> Generator[object, None, object]:
        """Open the pool."""
        ...

    def expire_connections(self) -> Coroutine[object, None, None]:
        """Let the pool replace each connection before its next use."""
        ...


P = TypeVar("P", bound=Openable)


class _Closed:
    """A pool whose idle connections are closed. There can be no weak reference to the pool itself."""

    def __init__(self, pool: _Pool) -> None:
        self.pool: Final = pool
        self.floor: int | None = None


_found: Final = Live[_Pool]("asyncpg.pool:Pool")
_known: list[_Closed] = []


def instances() -> list[_Closed]:
    """Return the pools; they are referred to until the next call, or until they are restored."""
    known = {id(one.pool): one for one in _known}
    _known[:] = [known.get(id(pool)) or _Closed(pool) for pool in _found()]
    return list(_known)


def loop(one: _Closed) -> asyncio.AbstractEventLoop | None:
    """Return the event loop of the pool."""
    return getattr(one.pool, "_loop", None)


async def before_snapshot(one: _Closed) -> None:
    """Close the idle connections of a pool."""
    pool = one.pool
    if not _library.has(pool, "_holders", "_minsize", lost="its pools keep connections that are dead in every clone"):
        return
    one.floor, pool._minsize = pool._minsize, 0  # some versions connect again at once what is missing
    connected = [holder for holder in pool._holders if holder.is_connected()]
    idle = [holder for holder in connected if holder.is_idle()]
    warn_in_use("a pool of asyncpg", len(connected) - len(idle))
    for holder in idle:
        await holder.close()


def after_restore(one: _Closed) -> None:
    """Let the pool close connections that are returned, and open new ones."""
    if one.floor is not None:
        one.pool._minsize = one.floor
    _now(one.pool.expire_connections())
    _known.remove(one)


def open_on_restore(pool: P, *, registry: Registry | None = None, name: str | None = None) -> P:
    """Open a pool that is not open yet after each restore, on its own event loop.

    Args:
        pool: A pool of ``asyncpg.create_pool`` that was not awaited.
        registry: The registry for the hook; ``None`` for the default registry.
        name: The name of the hook.  Default: ``Pool``.

    Returns:
        The same pool.

    Raises:
        TypeError: It is no such pool.
    """
    check("open_on_restore", pool, "__await__", "expire_connections", wanted="what asyncpg.create_pool gave")
    opened = _Closed(cast("_Pool", pool))
    hooks = default_registry if registry is None else registry

    @hooks.after_restore.each(lambda: (opened,), loop=loop, priority=priority, name=name or type(pool).__qualname__)
    async def reopen(opened: _Closed) -> None:
        await opened.pool

    return pool


def _now(coroutine: Coroutine[object, None, None]) -> None:
    """Run a coroutine that never waits."""
    with suppress(StopIteration):
        coroutine.send(None)
