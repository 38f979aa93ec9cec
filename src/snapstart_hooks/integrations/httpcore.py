"""Closes the idle connections of httpcore's pools, which httpx uses, before the snapshot; the next request opens one.

At risk: httpx repeats no request, so the first one after a restore fails, or waits for its timeout.  httpcore notices a
peer that closed the connection, but not one that is gone.

Connections that carry a request stay open.  Those of an `httpx.AsyncClient` are closed on its own event loop.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Final, Protocol

from ._live import Live
from ._loops import loop_of
from ._probe import Library

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Awaitable, Sequence

VERSIONS: Final = "httpcore>=1.0.0,<2"
COST: Final = "nothing after a restore; a handshake with the first request"
NEEDLESS: Final = "no release yet: it closes nothing before a snapshot"

Library(VERSIONS)

priority: Final = -200  # Priority.CONNECTIONS
required: Final = False


class Connection(Protocol):
    """A connection of a pool."""

    def is_idle(self) -> bool:
        """Return whether the connection waits for a request."""
        ...

    def close(self) -> None:
        """Close a connection of a sync pool."""

    async def aclose(self) -> None:
        """Close a connection of an async pool."""


class Pool(Protocol):
    """A pool, also one for a proxy."""

    @property
    def connections(self) -> Sequence[Connection]:
        """All connections, idle or not."""
        ...


instances: Final = Live[Pool]("httpcore:ConnectionPool", "httpcore:AsyncConnectionPool")


def loop(pool: Pool) -> AbstractEventLoop | None:
    """Return the event loop of the idle connections; ``None`` if there are none."""
    return loop_of(_idle(pool)) if hasattr(pool, "aclose") else None


def before_snapshot(pool: Pool) -> Awaitable[None] | None:
    """Close the idle connections, which the pool drops with the next request."""
    if hasattr(pool, "aclose"):
        return _close(pool)
    with ExitStack() as stack:  # all of them, whatever one raises
        for connection in _idle(pool):
            stack.callback(connection.close)
    return None


async def _close(pool: Pool) -> None:
    async with AsyncExitStack() as stack:
        for connection in _idle(pool):
            stack.push_async_callback(connection.aclose)


def _idle(pool: Pool) -> list[Connection]:
    return [connection for connection in pool.connections if connection.is_idle()]
