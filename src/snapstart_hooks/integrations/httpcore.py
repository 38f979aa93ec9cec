"""Closes the idle connections of httpcore's pools, which are httpx's, before the snapshot; the next request opens one.

At risk: httpx repeats nothing by itself, so the first request after a restore fails, or waits for its
timeout.  httpcore notices a peer that has hung up, but one that is gone has not.

Connections that carry a request stay as they are.  Those of an `httpx.AsyncClient` are closed on its own event loop.
"""

from __future__ import annotations

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
        """Whether it waits for a request."""
        ...

    def close(self) -> None:
        """Close it, if it is one of a sync pool."""

    async def aclose(self) -> None:
        """Close it, if it is one of an async pool."""


class Pool(Protocol):
    """A pool, or the proxy that is one."""

    @property
    def connections(self) -> Sequence[Connection]:
        """All, idle or not."""
        ...


instances: Final = Live[Pool]("httpcore:ConnectionPool", "httpcore:AsyncConnectionPool")


def loop(pool: Pool) -> AbstractEventLoop | None:
    """Where the idle connections are, if there are any."""
    return loop_of(_idle(pool)) if hasattr(pool, "aclose") else None


def before_snapshot(pool: Pool) -> Awaitable[None] | None:
    """Close what is idle.  The pool forgets what is closed with the next request."""
    if hasattr(pool, "aclose"):
        return _close(pool)
    for connection in _idle(pool):
        connection.close()
    return None


async def _close(pool: Pool) -> None:
    for connection in _idle(pool):
        await connection.aclose()


def _idle(pool: Pool) -> list[Connection]:
    return [connection for connection in pool.connections if connection.is_idle()]
