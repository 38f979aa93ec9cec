"""Asks three partners what an order costs: prices, stock and shipping."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from typing import TYPE_CHECKING, TypedDict, cast

import aiohttp
import httpx
import requests

from snapstart_hooks.resources import cached_until_restore, resource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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


@cached_until_restore(ttl=3000)
def header() -> dict[str, str]:
    """What goes into every request: the token with which the partners know us."""
    given = requests.post(f"{PARTNERS}/token", timeout=5).json()
    return {"Authorization": f"Bearer {given['access_token']}"}


prices = resource(requests.Session)
stock = resource(lambda: httpx.Client(base_url=PARTNERS, timeout=5))
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)


@resource
async def shipping() -> AsyncIterator[aiohttp.ClientSession]:
    """A session belongs to the loop on which it is made."""
    async with aiohttp.ClientSession(PARTNERS, timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield session


async def ask_shipping(wish: Wish) -> str:
    """How it gets there."""
    session = await shipping()
    async with session.post("/shipping", json=wish, headers=header()) as answer:
        answer.raise_for_status()
        return str((await answer.json())["path"])


def lambda_handler(event: Wish, context: object) -> Quote:
    """Ask all three."""
    wish = cast("dict[str, str | int]", event)
    begun = time.perf_counter()
    headers = {"X-Request-Id": str(uuid.uuid4()), **header()}
    price = prices().post(f"{PARTNERS}/prices", json=wish, headers=headers, timeout=5)
    in_stock = stock().post("/stock", json=event, headers=header())
    shipped = loop.run_until_complete(ask_shipping(event))
    for answer in (price, in_stock):
        answer.raise_for_status()
    return {
        "price": cast("dict[str, str]", price.json())["request_id"],
        "stock": cast("dict[str, str]", in_stock.json())["path"],
        "shipping": shipped,
        "seconds": round(time.perf_counter() - begun, 3),
    }


lambda_handler({"sku": "nothing", "quantity": 0, "country": "US"}, None)  # a restored function knows the way
