"""Closes PyMySQL's connections before the snapshot, and connects the same objects again after each restore.

Without this every query of a connection fails in a clone: the first one with error 2013, the others with
``InterfaceError(0, '')``. An open transaction is rolled back, and a warning says so. The selected database is selected
again; other settings that the session made with SQL have to be made again, as with ``init_command``. A pool closes its
connections before this.
"""

from __future__ import annotations

import logging
import sys
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from ._database import reconnect_on_restore
from ._live import Live
from ._probe import Library

__all__ = ("reconnect_on_restore",)

VERSIONS: Final = "PyMySQL>=1.0.2,<2"
COST: Final = "a handshake for each connection after a restore, all at once: 0.7 ms on the same machine"
NEEDLESS: Final = "no PyMySQL: its connections do not reconnect by themselves"

priority: Final = -200  # Priority.CONNECTIONS
required: Final = False
concurrent: Final = True
timeout: Final = 5.0

_logger: Final = logging.getLogger("snapstart_hooks")
_library: Final = Library(VERSIONS)
_IN_TRANSACTION: Final = 1  # SERVER_STATUS_IN_TRANS of the protocol


class _Cursor(Protocol):
    def execute(self, query: str) -> int: ...
    def fetchone(self) -> tuple[str | None] | None: ...
    def close(self) -> None: ...


class _Connection(Protocol):
    host: str
    port: int
    open: bool
    server_status: int

    def connect(self) -> None: ...
    def close(self) -> None: ...
    def cursor(self, kind: object) -> _Cursor: ...
    def select_db(self, database: str) -> None: ...


instances: Final = Live[_Connection]("pymysql.connections:Connection")
_closed: Final[WeakKeyDictionary[_Connection, str | None]] = WeakKeyDictionary()
"""The connections to open again, and the database that each had selected."""


def before_snapshot(connection: _Connection) -> None:
    """Close a connection that is open."""
    if not connection.open:
        return
    if connection.server_status & _IN_TRANSACTION:
        _logger.warning(
            "the transaction of the PyMySQL connection to %s:%s is rolled back: commit it before the snapshot",
            connection.host,
            connection.port,
        )
    try:
        _closed[connection] = _selected(connection)
    finally:
        connection.close()


def after_restore(connection: _Connection) -> None:
    """Open a connection again that was open, and select its database."""
    if connection in _closed:
        database = _closed.pop(connection)
        if not connection.open:
            connection.connect()
            if database is not None:
                connection.select_db(database)


def _selected(connection: _Connection) -> str | None:
    """Ask the server for the selected database; the connection knows only the one of its creation."""
    cursor = connection.cursor(sys.modules["pymysql.cursors"].Cursor)
    try:
        cursor.execute("select database()")
        row = cursor.fetchone()
    finally:
        cursor.close()
    return row[0] if row else None
