"""Databases: what was connected before the snapshot is closed in it, and works in the clones."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pytest
from integrations.restoring import included, ran, restored

from snapstart_hooks import Registry
from snapstart_hooks.integrations.pymysql import reconnect_on_restore
from snapstart_hooks.integrations.sqlalchemy import dispose_on_restore

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from snapstart_hooks.integrations._database import Reconnectable
    from snapstart_hooks.testing import CloneRun

    Ask = Callable[[], object]

POSTGRES: Final = ("asyncpg", "django", "peewee", "psycopg-pool", "psycopg2", "sqlalchemy")
"""The integrations that are asked of PostgreSQL."""

DRIVERS: Final = ("psycopg", "psycopg2", "async psycopg_async", "async asyncpg")
"""Those of SQLAlchemy."""


@pytest.fixture(name="postgres", scope="module")
def _postgres(server: Callable[[str], dict[str, str]]) -> dict[str, str]:
    return server("postgres")


@pytest.fixture(name="mariadb", scope="module")
def _mariadb(server: Callable[[str], dict[str, str]]) -> dict[str, str]:
    return server("mariadb")


def answers(run: CloneRun) -> dict[str, str]:
    """What both clones answered."""
    run.check()
    one, other = cast("list[dict[str, str]]", run.responses)
    assert one == other
    return one


@pytest.mark.usefixtures("clones")
class TestPostgreSQL:
    @pytest.mark.parametrize(
        ("without", "dead"),
        [
            (["sqlalchemy", "psycopg2"], {"psycopg2", *(f"sqlalchemy {driver}" for driver in DRIVERS)}),
            (
                ["asyncpg", "django", "peewee", "psycopg-pool"],
                # A pool of peewee looks before it gives a connection, and sees the reset.
                {"asyncpg", "django", "django pool", "peewee", "peewee by hand", "psycopg_pool", "psycopg_pool async"},
            ),
        ],
    )
    def test_what_is_left_out_is_dead_and_nothing_else(
        self, postgres: dict[str, str], without: list[str], dead: set[str]
    ) -> None:
        off = ",".join(f"snapstart-hooks:{name}" for name in without)
        said = answers(restored("sql_postgres", postgres, SNAPSTART_HOOKS_DISABLE=off))
        assert {name for name, answer in said.items() if answer.endswith("Error")} == dead
        assert said["other thread"] == ("open" if "django" in without else "closed")

    def test_with_us_all_is_well(self, postgres: dict[str, str]) -> None:
        run = restored("sql_postgres", postgres, dead="blackhole")
        said = answers(run)
        left = {name: answer for name, answer in said.items() if answer != "fine"}
        assert left == {"closed for good": "PoolClosed", "other thread": "closed"}  # as the application left it
        before, after = ran(run, "before_snapshot"), ran(run)
        assert {*before.values(), *after.values()} == {"ok"}
        assert {name.partition("[")[0] for name in before} >= {*POSTGRES}

    def test_a_connection_that_hangs_is_no_better_than_one_that_fails(self, postgres: dict[str, str]) -> None:
        run = restored("sql_postgres", postgres, ours=False, dead="blackhole", events=[["asyncpg"]], PATIENCE="5")
        said = answers(run)
        assert said["asyncpg"] == "TimeoutError"

    def test_what_is_in_use_stays_and_is_told_and_harms_no_pool(self, postgres: dict[str, str]) -> None:
        run = restored("sql_in_use", postgres)
        said = cast("dict[str, dict[str, str]]", answers(run))
        fine = dict.fromkeys(said["before"], "fine")
        assert (said["before"], said["after"]) == (fine, fine)
        assert "fine" not in said["busy"].values()
        told = [line for line in run.snapshot.stdout.splitlines() if "What is in use stays open" in line]
        for what in (
            "+psycopg://postgres:***@",
            "+asyncpg://postgres:***@",
            "pool 'orders' of psycopg_pool: 1 connection is in use",
            "a SimpleConnectionPool of psycopg2: 1 connection is in use",
            "a pool of asyncpg: 1 connection is in use",
            "a PostgresqlDatabase of peewee: 1 connection is in a transaction",
            "database 'default' of Django: 1 connection is in an atomic block",
        ):
            assert sum(what in line for line in told) == 1, told
        assert len(told) == 7

    def test_the_helpers_do_it_one_by_one(self, postgres: dict[str, str]) -> None:
        assert {*answers(restored("sql_helpers", postgres, ours=False)).values()} == {"fine"}


@pytest.mark.usefixtures("clones")
class TestMariaDB:
    def test_without_us_all_is_dead(self, mariadb: dict[str, str]) -> None:
        said = answers(restored("sql_mariadb", mariadb, ours=False))
        assert "fine" not in said.values()

    def test_with_us_all_is_well(self, mariadb: dict[str, str]) -> None:
        run = restored("sql_mariadb", mariadb, dead="blackhole")
        said = answers(run)
        assert {name for name, answer in said.items() if answer != "fine"} == {"closed for good"}
        assert {*ran(run, "before_snapshot").values(), *ran(run).values()} == {"ok"}
        told = [
            line for line in run.snapshot.stdout.splitlines() if "the transaction of the PyMySQL connection" in line
        ]
        assert len(told) == 1


# Without clones, and with the oldest versions too.


def connected(port: int) -> int:
    """How many connections this process has to a port."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if entry.is_socket():
                with socket.socket(fileno=os.dup(int(entry.name))) as connection:
                    internet = connection.family in {socket.AF_INET, socket.AF_INET6}
                    found += internet and connection.getpeername()[1] == port
    return found


def _port(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


@contextlib.contextmanager
def of_sqlalchemy(url: str) -> Generator[Ask]:
    import sqlalchemy

    engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))

    def ask() -> object:
        with engine.connect() as connection:
            return connection.scalar(sqlalchemy.text("select 1"))

    yield ask
    engine.dispose()


@contextlib.contextmanager
def of_sqlalchemy_async(url: str) -> Generator[Ask]:
    import sqlalchemy
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:"))

    async def ask() -> object:
        async with engine.connect() as connection:
            return await connection.scalar(sqlalchemy.text("select 1"))

    with contextlib.closing(asyncio.new_event_loop()) as loop:
        yield lambda: loop.run_until_complete(ask())
        loop.run_until_complete(engine.dispose())


@contextlib.contextmanager
def of_psycopg_pool(url: str) -> Generator[Ask]:
    from psycopg_pool import ConnectionPool

    with ConnectionPool(url, min_size=1, timeout=30, open=False) as pool:

        def ask() -> object:
            pool.wait(30)
            with pool.connection() as connection:
                return connection.execute("select 1").fetchone()

        yield ask


@contextlib.contextmanager
def of_psycopg_pool_async(url: str) -> Generator[Ask]:
    from psycopg_pool import AsyncConnectionPool

    pool = AsyncConnectionPool(url, min_size=2, timeout=30, open=False)

    async def ask() -> object:
        await pool.wait(30)
        async with pool.connection() as connection:
            return await connection.execute("select 1")

    with contextlib.closing(asyncio.new_event_loop()) as loop:
        loop.run_until_complete(pool.open())
        yield lambda: loop.run_until_complete(ask())
        loop.run_until_complete(pool.close())


@contextlib.contextmanager
def of_psycopg2(url: str) -> Generator[Ask]:
    from psycopg2.pool import SimpleConnectionPool

    pool = SimpleConnectionPool(1, 2, url)

    def ask() -> object:
        connection = pool.getconn()
        connection.cursor().execute("select 1")
        pool.putconn(connection)
        return connection

    yield ask
    pool.closeall()


@contextlib.contextmanager
def of_asyncpg(url: str) -> Generator[Ask]:
    import asyncpg

    with contextlib.closing(asyncio.new_event_loop()) as loop:

        async def make() -> asyncpg.Pool:
            return await asyncpg.create_pool(url, min_size=3, max_size=4)

        pool = loop.run_until_complete(make())

        def ask() -> object:
            assert pool.get_min_size() == 3
            return loop.run_until_complete(pool.fetchval("select 1", timeout=30))

        yield ask
        loop.run_until_complete(pool.close())


@contextlib.contextmanager
def of_peewee(url: str) -> Generator[Ask]:
    from playhouse.pool import PooledPostgresqlDatabase

    database = PooledPostgresqlDatabase("postgres", user="postgres", host="127.0.0.1", port=_port(url))

    def ask() -> object:
        with database.connection_context():
            return database.execute_sql("select 1").fetchone()

    yield ask
    database.close_idle()


@contextlib.contextmanager
def of_django(url: str) -> Generator[Ask]:
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(
            DATABASES={
                "default": {
                    "ENGINE": "django.db.backends.postgresql",
                    "NAME": "postgres",
                    "USER": "postgres",
                    "HOST": "127.0.0.1",
                    "PORT": _port(url),
                    "CONN_MAX_AGE": None,
                }
            }
        )
    django.setup()
    from django.db import connection

    def ask() -> object:
        with connection.cursor() as cursor:
            return cursor.execute("select 1")

    yield ask
    connection.close()


LIBRARIES: Final = {
    "sqlalchemy": of_sqlalchemy,
    "sqlalchemy async": of_sqlalchemy_async,
    "psycopg_pool": of_psycopg_pool,
    "psycopg_pool async": of_psycopg_pool_async,
    "psycopg2": of_psycopg2,
    "asyncpg": of_asyncpg,
    "peewee": of_peewee,
    "django": of_django,
}


@pytest.mark.oldest
@pytest.mark.parametrize("library", LIBRARIES)
def test_nothing_is_connected_in_the_snapshot(postgres: dict[str, str], library: str) -> None:
    url = postgres["DATABASE_URL"]
    port = _port(url)
    registry, _ = included(library.partition(" ")[0])
    with LIBRARIES[library](url) as ask:
        for _ in range(2):  # a snapshot is taken again
            ask()
            assert connected(port) > 0
            assert registry.run_before_snapshot().failed == ()
            assert connected(port) == 0
            assert registry.run_after_restore().failed == ()
        ask()


@pytest.mark.oldest
def test_a_connection_of_pymysql_is_closed_and_the_same_one_connects_again(mariadb: dict[str, str]) -> None:
    import pymysql

    port = int(mariadb["MARIADB_PORT"])
    registry, _ = included("pymysql")
    with contextlib.closing(pymysql.connect(host=mariadb["MARIADB_HOST"], port=port, user="root")) as connection:
        for _ in range(2):
            registry.run_before_snapshot()
            assert connected(port) == 0
            registry.run_after_restore()
            connection.query("select 1")


# The helpers.


@pytest.mark.oldest
def test_an_engine_is_disposed_of_also_of_what_was_opened_after_that(postgres: dict[str, str]) -> None:
    import sqlalchemy

    registry, url = Registry(), postgres["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:")
    engine = sqlalchemy.create_engine(url)
    assert dispose_on_restore(engine, registry=registry, name="orders") is engine
    kept = engine.connect()
    kept.close()
    report = registry.run_before_snapshot()
    assert [(hook.hook.name, hook.outcome) for hook in report.results] == [("orders[postgresql]", "ok")]
    assert connected(_port(url)) == 0
    with engine.connect():  # by a thread, say
        pass
    in_between = engine.pool
    registry.run_after_restore()
    assert engine.pool is not in_between
    in_between.dispose()


@pytest.mark.oldest
@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:orders?mode=memory&uri=true"])
def test_what_is_in_memory_cannot_be_disposed_of(url: str) -> None:
    import sqlalchemy

    with pytest.raises(ValueError, match="has its database in memory, whose content would be lost"):
        dispose_on_restore(sqlalchemy.create_engine(url, poolclass=sqlalchemy.StaticPool))


@pytest.mark.oldest
def test_a_hook_does_not_keep_its_object(tmp_path: Path) -> None:
    import sqlalchemy

    registry = Registry()
    engine = dispose_on_restore(sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'orders'}"), registry=registry)
    del engine
    gc.collect()
    assert registry.run_before_snapshot().results == ()


@pytest.mark.oldest
def test_what_makes_another_connection_does_not_connect_again(postgres: dict[str, str]) -> None:
    import psycopg

    with (
        psycopg.connect(postgres["DATABASE_URL"]) as connection,
        pytest.raises(TypeError, match=r"psycopg\.Connection\.connect creates a new connection"),
    ):
        reconnect_on_restore(cast("Reconnectable", connection))


@pytest.mark.oldest
def test_a_connection_is_closed_and_connects_again(mariadb: dict[str, str]) -> None:
    import pymysql

    port, registry = int(mariadb["MARIADB_PORT"]), Registry()
    with contextlib.closing(pymysql.connect(host=mariadb["MARIADB_HOST"], port=port, user="root")) as connection:
        assert reconnect_on_restore(connection, registry=registry) is connection
        registry.run_before_snapshot()
        assert connected(port) == 0
        assert registry.run_after_restore().failed == ()
        connection.query("select 1")
