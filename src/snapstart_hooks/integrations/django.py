"""Closes Django's connections and pools before the snapshot, in every thread; the next query opens them.

Without this the first query of a request fails in a clone, and with ``CONN_MAX_AGE`` the first query of every thread.
SQLite is left alone. A connection in an atomic block stays open, and a warning says so.
"""

from __future__ import annotations

from typing import Final, Protocol

from ._database import warn_in_use
from ._live import Live
from ._probe import Library

VERSIONS: Final = "Django>=4.2.8,<7"
COST: Final = "nothing after a restore; a connection with the next query"
NEEDLESS: Final = "no Django yet; a release with a hook that calls `connections.close_all()` would"

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
    """Close a connection, and the pool that it comes from."""
    if connection.vendor == "sqlite":
        return
    if connection.connection is not None and connection.in_atomic_block:
        warn_in_use(f"database {connection.alias!r} of Django", 1, "in an atomic block")
    else:
        connection.inc_thread_sharing()  # it may be another thread's, which cannot close it now
        try:
            connection.close()
        finally:
            connection.dec_thread_sharing()
    close_pool = getattr(connection, "close_pool", None)
    if close_pool is not None:
        close_pool()
