import os
from snapstart_hooks.testing import Target, check_provider
from psycopg_pool import ConnectionPool

def start() -> ConnectionPool:
    pool = ConnectionPool(os.environ["DATABASE_URL"], open=True)
    pool.wait()
    return pool

def ask(pool: ConnectionPool) -> None:
    pool.getconn(timeout=5).execute("select 1")

def test_a_restored_pool_is_open_and_connects_anew() -> None:
    jitter = {"repeated-random": "when connections expire need not be a secret"}
    check_provider("psycopg-pool", app=Target(ask, start), dead_connections=True, accept=jitter).check()
