"""Takes orders over HTTP and writes them into PostgreSQL."""

from __future__ import annotations

import datetime as dt
import secrets
import string
import uuid

import db
from db import Base, Order, Session, engine
from fastapi import FastAPI, HTTPException
from mangum import Mangum
from pydantic import BaseModel, PositiveInt
from sqlalchemy import func, select

from snapstart_hooks import after_restore

ALPHABET = string.ascii_uppercase + string.digits


class Worker:
    """This environment of the function."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Be somebody new, from now on."""
        self.name = uuid.uuid4().hex[:8]
        self.started = dt.datetime.now(dt.UTC)


worker = Worker()
after_restore(worker.begin)


class Wish(BaseModel):
    """What a customer sends."""

    item: str
    quantity: PositiveInt


class Receipt(BaseModel):
    """What a customer gets."""

    reference: str
    item: str
    worker: str


def new_reference() -> str:
    """Short enough to be told on the telephone."""
    return "".join(secrets.choice(ALPHABET) for _ in range(10))


app = FastAPI(title="Orders")
Base.metadata.create_all(engine)


@app.post("/orders", status_code=201)
def place(wish: Wish) -> Receipt:
    """Take an order, and let the warehouse know."""
    order = Order(reference=new_reference(), item=wish.item, quantity=wish.quantity, placed=dt.datetime.now(dt.UTC))
    with Session.begin() as session:
        session.add(order)
        receipt = Receipt(reference=order.reference, item=order.item, worker=worker.name)
    db.warehouse.execute("SELECT pg_notify('orders', %s)", (receipt.reference,))
    return receipt


@app.get("/orders/{reference}")
def find(reference: str) -> Receipt:
    """Look an order up."""
    with Session() as session:
        order = session.get(Order, reference)
    if order is None:
        raise HTTPException(404, f"There is no order {reference}.")
    return Receipt(reference=order.reference, item=order.item, worker=worker.name)


@app.get("/health")
def health() -> dict[str, str | int]:
    """Whether the database answers."""
    with Session() as session:
        orders = session.scalar(select(func.count()).select_from(Order)) or 0
    return {"orders": orders, "worker": worker.name, "started": worker.started.isoformat()}


lambda_handler = Mangum(app, lifespan="off")
