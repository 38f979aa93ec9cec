"""Closes Django's connections and pools before the snapshot, in every thread; it opens them when they are next needed.

Without this the first query of a request fails in a clone, and with ``CONN_MAX_AGE`` of every thread's. SQLite is left
alone. A connection in an atomic block stays, and a warning says so.
"""

from __future__ import annotations

from typing import Final, Protocol

from ._database import tell
from ._live import Live
from ._probe import Library

VERSIONS: Final = "Django>=4.2.8,<7"
COST: Final = "nothing after a restore but to connect again, when it is asked"
NEEDLESS: Final = "no Django yet: one would that calls `connections.close_all()` in a hook of its own"

priority: Final = -200  # Priority.CONNECTIONS
required: Final = False
timeout: Final = 5.0
after: Final = ("psycopg_pool", "pymysql")  # back after them, so closed before them

_library: Final = Library(VERSIONS)


class _Connection(Protocol):
    alias: str
    vendor: str
    connection: object
    in_atomic_block: bool

    def inc_thread_sharing(self) -> None: ...
    def dec_thread_sharing(self) -> None: ...
    def close(self) -> None: ...


instances: Final = Live[_Connection]("django.db.backends.base.base:BaseDatabaseWrapper")


def before_snapshot(connection: _Connection) -> None:
    """Close it, and the pool that it takes connections from."""
    if connection.vendor == "sqlite":
        return
    if connection.connection is not None and connection.in_atomic_block:
        tell(f"database {connection.alias!r} of Django", 1, "in an atomic block")
    else:
        connection.inc_thread_sharing()  # it may be another thread's, which cannot close it now
        try:
            connection.close()
        finally:
            connection.dec_thread_sharing()
    close_pool = getattr(connection, "close_pool", None)
    if close_pool is not None:
        close_pool()
