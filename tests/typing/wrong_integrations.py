"""Wrong uses of the helpers beside our integrations: each is an error for every type checker.

The statement below a line `# wrong: why` is the wrong use. `test_typing.py` compares.
"""

from __future__ import annotations

from random import Random

from snapstart_hooks.integrations import asyncpg, caches, peewee, psycopg_pool, pymysql, random, sqlalchemy


class Connection:
    """As psycopg's: `connect` makes another one."""

    @classmethod
    def connect(cls, conninfo: str = "") -> Connection:
        return cls()

    def close(self) -> None: ...


class Smtp:
    """Needs to be told where to connect."""

    def connect(self, host: str) -> None: ...
    def close(self) -> None: ...


class Session:
    """Has an engine, but is none."""

    def close(self) -> None: ...


class Engine:
    """As SQLAlchemy's."""

    dialect: str = "postgresql"

    def dispose(self, close: bool = True) -> None: ...


class Pool:
    """As asyncpg's before it is awaited for, without what expires connections."""

    def open(self) -> None: ...


# wrong: a session has no connections of its own to dispose of
sqlalchemy.dispose_on_restore(Session())

# wrong: an address is no engine
sqlalchemy.dispose_on_restore("postgresql://")

# wrong: what follows the engine has a name
sqlalchemy.dispose_on_restore(Engine(), "orders")

# wrong: a name is text
sqlalchemy.dispose_on_restore(Engine(), name=5)

# wrong: this pool does not say whether it is closed
psycopg_pool.open_on_restore(Pool())

# wrong: this one cannot be awaited
asyncpg.open_on_restore(Pool())

# wrong: it would make another connection
pymysql.reconnect_on_restore(Connection())

# wrong: where to is not known
peewee.reconnect_on_restore(Smtp())

# wrong: an engine does not connect
pymysql.reconnect_on_restore(Engine())

# wrong: a number is no generator
random.reseed_on_restore(42)

# wrong: what follows the generator has a name
random.reseed_on_restore(Random(42), "numbers")

# wrong: a tuple cannot be emptied
caches.clear_on_restore((1, 2))
