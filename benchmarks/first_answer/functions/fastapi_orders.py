"""FastAPI with SQLAlchemy and psycopg: takes an order, and tells how many there are."""

from __future__ import annotations

import os
import uuid

from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel, PositiveInt
from sqlalchemy import String, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))


class Base(DeclarativeBase):
    """All tables."""


class Order(Base):
    """Who ordered what."""

    __tablename__ = "orders_of_the_benchmark"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    item: Mapped[str] = mapped_column(String)
    quantity: Mapped[int]


class Wish(BaseModel):
    """What a customer sends."""

    item: str
    quantity: PositiveInt


Base.metadata.create_all(engine)
app = FastAPI()


@app.post("/orders", status_code=201)
def place(wish: Wish) -> dict[str, int]:
    """Take an order."""
    with Session(engine) as session, session.begin():
        session.add(Order(id=uuid.uuid4().hex, item=wish.item, quantity=wish.quantity))
        return {"orders": session.scalar(select(func.count()).select_from(Order)) or 0}


lambda_handler = Mangum(app, lifespan="off")


def before_snapshot() -> None:
    """Close what would be dead."""
    engine.dispose()


def after_restore() -> None:
    """Connect again, so that the first customer need not wait for it."""
    engine.connect().close()
