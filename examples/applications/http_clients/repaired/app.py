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

from snapstart_hooks import Priority, after_restore, before_snapshot

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


def authorize(request: httpx.Request) -> httpx.Request:
    """Add the token when it is needed, so that it is never an old one."""
    request.headers.update(token.header())
    return request


token = Token()
prices = requests.Session()
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)


def open_stock() -> httpx.Client:
    """A client of httpx that was closed is of no use any more."""
    return httpx.Client(base_url=PARTNERS, auth=authorize, timeout=5)


async def open_shipping() -> aiohttp.ClientSession:
    """A session belongs to the loop on which it is made."""
    return aiohttp.ClientSession(PARTNERS, timeout=aiohttp.ClientTimeout(total=5))


stock = open_stock()
shipping = loop.run_until_complete(open_shipping())


@before_snapshot(priority=Priority.WARMUP)
def try_all() -> None:
    """Ask everybody once, so that a restored function knows the way."""
    lambda_handler({"sku": "nothing", "quantity": 0, "country": "US"}, None)


@before_snapshot(priority=Priority.CONNECTIONS)
async def disconnect() -> None:
    """Close all connections."""
    prices.close()
    stock.close()
    await shipping.close()


@after_restore(priority=Priority.CREDENTIALS, timeout=5)
def log_in() -> None:
    """The monotonic clock stood still: it cannot tell that the token has expired."""
    token.renew()


@after_restore(priority=Priority.CONNECTIONS)
async def reconnect() -> None:
    """Make new clients; the session of requests goes on as it is."""
    global stock, shipping  # noqa: PLW0603
    stock = open_stock()
    shipping = await open_shipping()


async def ask_shipping(wish: Wish) -> str:
    """How it gets there."""
    async with shipping.post("/shipping", json=wish, headers=token.header()) as answer:
        answer.raise_for_status()
        return str((await answer.json())["path"])


def lambda_handler(event: Wish, context: object) -> Quote:
    """Ask all three."""
    wish = cast("dict[str, str | int]", event)
    begun = time.perf_counter()
    headers = {"X-Request-Id": str(uuid.uuid4()), **token.header()}
    price = prices.post(f"{PARTNERS}/prices", json=wish, headers=headers, timeout=5)
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
