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

from snapstart_hooks import Priority, after_restore

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


class Draw:
    """What belongs to one environment, and to no other."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin a draw of one's own."""
        self.id = uuid.uuid4()
        self.secret = secrets.token_bytes(16)
        self.began = int(time.time())
        self.bonus_ends = self.began + 900
        self.seats = iter(random.sample(range(1, SEATS + 1), SEATS))
        self.prizes = random.sample(PRIZES, len(PRIZES))
        self.jitter = np.random.default_rng()
        self.folder = Path(tempfile.gettempdir(), f"tickets-{self.id}")
        self.folder.mkdir()


dice = random.Random()
draw = Draw()


@after_restore(priority=Priority.ENTROPY)
def begin_anew() -> None:
    """Seed all generators, and then begin a draw with them."""
    random.seed()
    dice.seed()
    draw.begin()


def new_coupon() -> str:
    """Eight letters and digits, easy to read."""
    return "".join(random.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=8))


def new_discount(basket: int) -> float:
    """Some percent, a bit more for those who buy more."""
    return round(dice.uniform(1, 5) + abs(float(draw.jitter.normal())) * min(basket, 100) / 100, 6)


def sign(coupon: str) -> str:
    """Enough of a signature for a cashier to check."""
    return hmac.digest(draw.secret, coupon.encode(), "sha256").hex()[:10]


def lambda_handler(event: Purchase, context: object) -> Ticket:
    """Give out one ticket, and keep it for the printer."""
    coupon, seat = new_coupon(), next(draw.seats)
    discount = new_discount(event["basket"])
    if time.time() < draw.bonus_ends:
        discount += 5  # the first quarter of an hour is for the quick ones
    ticket: Ticket = {
        "draw": str(draw.id),
        "coupon": f"{coupon}-{sign(coupon)}",
        "seat": seat,
        "prize": draw.prizes[seat % len(draw.prizes)],
        "discount": discount,
        "began": draw.began,
        "batch": draw.folder.name,
    }
    (draw.folder / f"{coupon}.json").write_text(json.dumps(ticket), encoding="utf-8")
    return ticket
