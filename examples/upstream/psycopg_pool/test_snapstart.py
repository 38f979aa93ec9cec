"""The test that is offered with the patch; ``DATABASE_URL`` says where a server is."""

import os

from psycopg_pool import ConnectionPool

from snapstart_hooks.testing import Snapstart, Target


def connect() -> ConnectionPool:
    pool = ConnectionPool(os.environ["DATABASE_URL"], open=True)
    pool.wait()
    return pool


def ask(pool: ConnectionPool) -> object:
    with pool.connection(timeout=5) as connection:
        return connection.execute("select 7").fetchone()


def test_a_restored_pool_connects_anew(snapstart: Snapstart) -> None:
    assert snapstart.restore(Target(ask, connect), dead_connections=True).responses == [[7], [7]]
