"""A raffle: who buys something gets a coupon, a seat in the draw, and perhaps a prize."""

from __future__ import annotations

import hmac
import json
import random
import secrets
import tempfile
import time
import uuid
from pathlib import Path
from typing import TypedDict

import numpy as np

from snapstart_hooks.resources import PerRestore

THINGS = ["anvil", "rocket skates", "magnet", "giant kite", "pogo stick", "bird seed", "glue", "rope"]
COLOURS = ["black", "blue", "green", "orange", "red", "violet", "white", "yellow"]
PRIZES = [f"{colour} {thing}" for colour in COLOURS for thing in THINGS]
SEATS = 500


class Purchase(TypedDict):
    """What somebody has bought."""

    customer: str
    basket: int


class Ticket(TypedDict):
    """What the customer gets for it."""

    draw: str
    coupon: str
    seat: int
    prize: str
    discount: float
    began: int
    batch: str


PerRestore(random.seed, eager=True)  # other coupons in every environment
dice = PerRestore(random.Random)
jitter = PerRestore(np.random.default_rng)

# Seats and prizes are given in an order that nobody knows.
seats = PerRestore(lambda: iter(random.sample(range(1, SEATS + 1), SEATS)))
prizes = PerRestore(lambda: random.sample(PRIZES, len(PRIZES)))

draw = PerRestore(uuid.uuid4)
secret = PerRestore(lambda: secrets.token_bytes(16))
began = PerRestore(lambda: int(time.time()), eager=True)


@PerRestore
def folder() -> Path:
    """Where the printer finds the tickets."""
    made = Path(tempfile.gettempdir(), f"tickets-{draw()}")
    made.mkdir()
    return made


def new_coupon() -> str:
    """Eight letters and digits, easy to read."""
    return "".join(random.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=8))


def new_discount(basket: int) -> float:
    """Some percent, a bit more for those who buy more."""
    return round(dice().uniform(1, 5) + abs(float(jitter().normal())) * min(basket, 100) / 100, 6)


def sign(coupon: str) -> str:
    """Enough of a signature for a cashier to check."""
    return hmac.digest(secret(), coupon.encode(), "sha256").hex()[:10]


def lambda_handler(event: Purchase, context: object) -> Ticket:
    """Give out one ticket, and keep it for the printer."""
    coupon, seat = new_coupon(), next(seats())
    discount = new_discount(event["basket"])
    if time.time() < began() + 900:
        discount += 5  # the first quarter of an hour is for the quick ones
    ticket: Ticket = {
        "draw": str(draw()),
        "coupon": f"{coupon}-{sign(coupon)}",
        "seat": seat,
        "prize": prizes()[seat % len(PRIZES)],
        "discount": discount,
        "began": began(),
        "batch": folder().name,
    }
    (folder() / f"{coupon}.json").write_text(json.dumps(ticket), encoding="utf-8")
    return ticket
