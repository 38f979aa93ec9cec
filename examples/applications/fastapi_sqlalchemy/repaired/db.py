"""The database of the shop: the table of orders, and the channel on which the warehouse listens."""

from __future__ import annotations

import datetime as dt
import os

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from snapstart_hooks import Priority, after_restore, before_snapshot

URL = os.environ["DATABASE_URL"]


class Base(DeclarativeBase):
    """What has a table."""


class Order(Base):
    """What somebody wants."""

    __tablename__ = "shop_orders"

    reference: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str]
    quantity: Mapped[int]
    placed: Mapped[dt.datetime]


def connect() -> psycopg.Connection:
    """Open the channel to the warehouse."""
    return psycopg.connect(URL, autocommit=True)


engine = create_engine(URL.replace("postgresql://", "postgresql+psycopg://"))
Session = sessionmaker(engine)
warehouse = connect()  # used as `db.warehouse`: who imports it by value keeps the closed one


@before_snapshot(priority=Priority.CONNECTIONS)
def disconnect() -> None:
    """Close all; the pool of the engine connects again by itself."""
    engine.dispose()
    warehouse.close()


@after_restore(priority=Priority.CONNECTIONS, timeout=3)
def reconnect() -> None:
    """Open the channel again."""
    global warehouse  # noqa: PLW0603
    warehouse = connect()
