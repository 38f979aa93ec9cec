"""The database of the shop: the table of orders, and the channel on which the warehouse listens."""

from __future__ import annotations

import datetime as dt
import os

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from snapstart_hooks import after_restore

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


engine = create_engine(URL.replace("postgresql://", "postgresql+psycopg://"))
Session = sessionmaker(engine)
warehouse = psycopg.connect(URL, autocommit=True)


@after_restore
def reconnect() -> None:
    """Connections do not survive a snapshot."""
    global warehouse  # noqa: PLW0603
    warehouse = psycopg.connect(URL, autocommit=True)
