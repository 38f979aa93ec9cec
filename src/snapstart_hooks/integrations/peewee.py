"""Closes the connections of peewee's databases and pools before the snapshot; they connect again with the next query.

Without this the first query fails in a clone, and with a pool once for each connection. A database without
``autoconnect`` that was open is connected again after each restore. SQLite, which uses no network, is left alone. A
connection in a transaction, or one that another thread has taken from a pool, stays open, and a warning says so;
without a pool, connections of other threads are out of reach. The databases of ``playhouse.pwasyncio`` use the pools
of their drivers: the integration ``asyncpg`` closes those of asyncpg.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, Protocol, cast
from weakref import WeakSet

from ._database import reconnect_on_restore, warn_in_use
from ._live import Live
from ._probe import Library

if TYPE_CHECKING:
    from collections.abc import Sized

__all__ = ("reconnect_on_restore",)

VERSIONS: Final = "peewee>=3.17,<5"
COST: Final = "nothing after a restore; a connection with the next query"
NEEDLESS: Final = "no peewee yet; a release with a hook that closes its connections would"

priority: Final = -200  # Priority.CONNECTIONS
required: Final = False
timeout: Final = 5.0
after: Final = ("psycopg_pool", "pymysql")  # back after them, so closed before them

_library: Final = Library(VERSIONS)


class _Database(Protocol):
    autoconnect: bool

    def is_closed(self) -> bool: ...
    def in_transaction(self) -> bool: ...
    def connect(self) -> bool | None: ...
    def close(self) -> bool: ...


class _Pooled(Protocol):
    _in_use: Sized


instances: Final = Live[_Database]("peewee:Database")
_opened: Final[WeakSet[_Database]] = WeakSet()
"""The databases that are to be connected again."""


def before_snapshot(database: _Database) -> None:
    """Close the connection of a database, unless it is in a transaction, and the idle ones of its pool."""
    if isinstance(database, sys.modules["peewee"].SqliteDatabase) or hasattr(database, "aclose"):
        return
    where = f"a {type(database).__qualname__} of peewee"
    if not database.is_closed():
        if database.in_transaction():
            warn_in_use(where, 1, "in a transaction")
        else:
            database.close()
            if not database.autoconnect:
                _opened.add(database)
    pool = sys.modules.get("playhouse.pool")
    if pool is not None and isinstance(database, pool.PooledDatabase):
        pool.PooledDatabase.close_idle(database)
        if database.is_closed() and _library.has(database, "_in_use", lost="connections in use are not reported"):
            warn_in_use(where, len(cast("_Pooled", database)._in_use), "in use by other threads")


def after_restore(database: _Database) -> None:
    """Connect a database again that was open and has no ``autoconnect``."""
    if database in _opened:
        _opened.discard(database)
        database.connect()
