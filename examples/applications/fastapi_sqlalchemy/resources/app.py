"""Takes orders over HTTP and writes them into PostgreSQL."""

from __future__ import annotations

import datetime as dt
import secrets
import string
import uuid
from typing import Annotated

import psycopg
from db import Order, sessions, warehouse
from fastapi import Depends, FastAPI, HTTPException
from mangum import Mangum
from pydantic import BaseModel, PositiveInt
from sqlalchemy import func, select

from snapstart_hooks.resources import PerRestore

ALPHABET = string.ascii_uppercase + string.digits
WORKER = PerRestore(lambda: uuid.uuid4().hex[:8])
STARTED = PerRestore(lambda: dt.datetime.now(dt.UTC), eager=True)

Warehouse = Annotated[psycopg.Connection, Depends(warehouse)]


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
sessions()


@app.post("/orders", status_code=201)
def place(wish: Wish, warehouse: Warehouse) -> Receipt:
    """Take an order, and let the warehouse know."""
    order = Order(reference=new_reference(), item=wish.item, quantity=wish.quantity, placed=dt.datetime.now(dt.UTC))
    with sessions().begin() as session:
        session.add(order)
        receipt = Receipt(reference=order.reference, item=order.item, worker=WORKER())
    warehouse.execute("SELECT pg_notify('orders', %s)", (receipt.reference,))
    return receipt


@app.get("/orders/{reference}")
def find(reference: str) -> Receipt:
    """Look an order up."""
    with sessions()() as session:
        order = session.get(Order, reference)
    if order is None:
        raise HTTPException(404, f"There is no order {reference}.")
    return Receipt(reference=order.reference, item=order.item, worker=WORKER())


@app.get("/health")
def health() -> dict[str, str | int]:
    """Whether the database answers."""
    with sessions()() as session:
        orders = session.scalar(select(func.count()).select_from(Order)) or 0
    return {"orders": orders, "worker": WORKER(), "started": STARTED().isoformat()}


lambda_handler = Mangum(app, lifespan="off")
