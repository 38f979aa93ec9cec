"""Closes the idle connections of psycopg2's pools before the snapshot; they connect again with the next query.

Without this the first query on each pooled connection fails in a clone, and the pool offers the dead connection again.
Connections that are checked out stay open, and a warning says how many. A connection outside of a pool cannot be opened
again: make it after the restore.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from ._database import warn_in_use
from ._live import Live
from ._probe import Library

if TYPE_CHECKING:
    from collections.abc import Sized

VERSIONS: Final = "psycopg2-binary>=2.9.9,<3"
COST: Final = "nothing after a restore; a connection with the next query"
NEEDLESS: Final = "no psycopg2, which gets no new features; psycopg 3 is its successor"

priority: Final = -200  # Priority.CONNECTIONS
required: Final = False
timeout: Final = 5.0

_library: Final = Library(VERSIONS)


class _Connection(Protocol):
    def close(self) -> None: ...


class _Pool(Protocol):
    _pool: list[_Connection]
    _used: Sized


instances: Final = Live[_Pool]("psycopg2.pool:AbstractConnectionPool")


def before_snapshot(pool: _Pool) -> None:
    """Close what is idle in it."""
    if _library.has(pool, "_pool", "_used", lost="its pools keep connections that are dead in every clone"):
        warn_in_use(f"a {type(pool).__qualname__} of psycopg2", len(pool._used))
        with suppress(IndexError):
            while True:
                pool._pool.pop().close()
