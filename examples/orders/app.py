"""A Lambda function that writes orders into PostgreSQL, and may be restored from a snapshot."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, TypedDict

import acme_driver
import psycopg

from snapstart_hooks import Priority, after_restore, before_snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE = """
    CREATE TABLE IF NOT EXISTS orders (
        id text PRIMARY KEY,
        item text NOT NULL,
        quantity integer NOT NULL CHECK (quantity > 0),
        trace text NOT NULL,
        session integer NOT NULL DEFAULT pg_backend_pid()
    )
"""
INSERT = "INSERT INTO orders (id, item, quantity, trace) VALUES (%s, %s, %s, %s) RETURNING session"


class Written(TypedDict):
    """What the function answers: the row that it wrote.

    Attributes:
        id: Of the order.
        trace: Under which name acme-driver follows it.
        session: The number of the database's session.
    """

    id: str
    trace: str
    session: int


class Database:
    """One connection: one environment of a Lambda function answers one event at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection | None = None

    def open(self) -> psycopg.Connection:
        """Connect; the session bears the token of acme-driver, to be found in the database's logs."""
        self._connection = psycopg.connect(
            self._url, application_name=f"orders {acme_driver.tracer.token}", autocommit=True
        )
        acme_driver.metrics.count("connections")
        return self._connection

    def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            self._connection.close()

    def connection(self) -> psycopg.Connection:
        """The connection; a new one, if it was lost and somebody noticed."""
        if self._connection is None or self._connection.closed:
            return self.open()
        return self._connection


def database_url() -> str:
    """Where the orders go."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        msg = "DATABASE_URL is not set: where shall orders be written, as in postgresql://user@host/database?"
        raise RuntimeError(msg)
    return url


# All of this happens once, when a version of the function is published.
numbers = random.Random()  # noqa: S311 - order numbers are no secret; they must differ
database = Database(database_url())
database.connection().execute(TABLE)


@before_snapshot(priority=Priority.WARMUP, name="orders.prime")
def prime() -> None:
    """Go once through what an order goes through, while all is open: restored functions know the way."""
    connection = database.connection()
    with connection.transaction(force_rollback=True):
        connection.execute(INSERT, ("prime", "nothing", 1, "prime"))


@before_snapshot(priority=Priority.CONNECTIONS, name="orders.database")
def disconnect() -> None:
    """A connection would be dead in every clone."""
    database.close()


@after_restore(priority=Priority.ENTROPY, name="orders.numbers")
def reseed() -> None:
    """Or all clones would go on with the same order numbers."""
    numbers.seed()


# An edge beats priorities: the token of acme-driver goes into the session.
@after_restore(priority=Priority.CONNECTIONS, name="orders.database", after=("acme-driver:tracing",), timeout=5.0)
def connect() -> None:
    """Before the first customer waits for it."""
    database.open()


def lambda_handler(event: Mapping[str, object], context: object) -> Written:  # noqa: ARG001 - Lambda gives it
    """Write one order, such as ``{"item": "anvil", "quantity": 2}``."""
    item, quantity = event.get("item"), event.get("quantity", 1)
    if not isinstance(item, str) or not isinstance(quantity, int) or quantity < 1:
        msg = f'this is no order: {event}. One looks like {{"item": "anvil", "quantity": 2}}'
        raise ValueError(msg)
    number, trace = f"{numbers.getrandbits(48):012x}", acme_driver.tracer.next_id()
    row = database.connection().execute(INSERT, (number, item, quantity, trace)).fetchone()
    assert row is not None  # noqa: S101 - one row was inserted, so one is returned
    acme_driver.metrics.count("orders")
    acme_driver.metrics.flush()
    return {"id": number, "trace": trace, "session": row[0]}
