"""The database of the shop: the table of orders, and the channel on which the warehouse listens."""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from snapstart_hooks.resources import resource

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@resource
def sessions() -> Iterator[sessionmaker[Session]]:
    """What begins a session."""
    engine = create_engine(URL.replace("postgresql://", "postgresql+psycopg://"))
    Base.metadata.create_all(engine)
    yield sessionmaker(engine)
    engine.dispose()


warehouse = resource(lambda: psycopg.connect(URL, autocommit=True))
