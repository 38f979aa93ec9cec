"""Asks three partners what an order costs: prices, stock and shipping."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from typing import TypedDict, cast

import aiohttp
import httpx
import requests

PARTNERS = os.environ["PARTNERS_URL"]


class Wish(TypedDict):
    """What a customer asks for."""

    sku: str
    quantity: int
    country: str


class Quote(TypedDict):
    """What it costs, and under which names we have asked."""

    price: str | None
    stock: str
    shipping: str
    seconds: float


class Token:
    """The token with which the partners know us."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Log in."""
        given = requests.post(f"{PARTNERS}/token", timeout=5).json()
        self.value: str = given["access_token"]
        self.deadline = time.monotonic() + given["expires_in"]

    def header(self) -> dict[str, str]:
        """What goes into every request."""
        if time.monotonic() > self.deadline:
            self.renew()
        return {"Authorization": f"Bearer {self.value}"}


token = Token()

prices = requests.Session()
prices.headers["X-Request-Id"] = str(uuid.uuid4())
prices.get(f"{PARTNERS}/prices", timeout=5).raise_for_status()

stock = httpx.Client(base_url=PARTNERS, headers=token.header(), timeout=5)
stock.get("/stock").raise_for_status()

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)


async def open_shipping() -> aiohttp.ClientSession:
    """A session belongs to the loop on which it is made."""
    session = aiohttp.ClientSession(PARTNERS, timeout=aiohttp.ClientTimeout(total=5))
    async with session.get("/shipping") as answer:
        await answer.read()
    return session


shipping = loop.run_until_complete(open_shipping())


async def ask_shipping(wish: Wish) -> str:
    """How it gets there."""
    async with shipping.post("/shipping", json=wish, headers=token.header()) as answer:
        answer.raise_for_status()
        return str((await answer.json())["path"])


def lambda_handler(event: Wish, context: object) -> Quote:
    """Ask all three."""
    wish = cast("dict[str, str | int]", event)
    begun = time.perf_counter()
    price = prices.post(f"{PARTNERS}/prices", json=wish, headers=token.header(), timeout=5)
    in_stock = stock.post("/stock", json=event)
    shipped = loop.run_until_complete(ask_shipping(event))
    for answer in (price, in_stock):
        answer.raise_for_status()
    return {
        "price": cast("dict[str, str]", price.json())["request_id"],
        "stock": cast("dict[str, str]", in_stock.json())["path"],
        "shipping": shipped,
        "seconds": round(time.perf_counter() - begun, 3),
    }
