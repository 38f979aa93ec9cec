"""Tells what a basket costs: asks for several prices at a time, while threads keep the rates and write the log."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from logging.handlers import QueueHandler, QueueListener
from typing import TYPE_CHECKING, TypedDict

import requests

from snapstart_hooks.resources import resource

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTNERS = os.environ["PARTNERS_URL"]
CURRENCIES = ("CHF", "EUR", "USD")
REFRESH_SECONDS = 60.0


class Asked(TypedDict):
    """What is in the basket, and how it will be paid."""

    basket: dict[str, int]
    currency: str


class Total(TypedDict):
    """What it costs."""

    cents: int
    rates: str


log = logging.getLogger("prices")
log.setLevel(logging.INFO)
log.propagate = False
lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
log.addHandler(QueueHandler(lines))
local = threading.local()
pool = resource(lambda: ThreadPoolExecutor(4, thread_name_prefix="partner"))


@resource(eager=True)
def listener() -> Iterator[QueueListener]:
    """Writes the log."""
    made = QueueListener(lines, logging.StreamHandler())
    made.start()
    yield made
    made.stop()


def ask(path: str) -> dict[str, str]:
    """Ask the partner; each thread has a connection of its own."""
    if not hasattr(local, "session"):
        local.session = requests.Session()
    answer = local.session.post(f"{PARTNERS}/{path}", timeout=5)
    answer.raise_for_status()
    said: dict[str, str] = answer.json()
    return said


class Rates:
    """The rates of exchange, fetched anew every minute."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.refresh()
        self.thread = threading.Thread(target=self.run, name="rates", daemon=True)
        self.thread.start()

    def refresh(self) -> None:
        """Fetch them all at once."""
        answers = pool().map(ask, [f"rates/{currency}" for currency in CURRENCIES])
        self.rates = {currency: len(answer["path"]) for currency, answer in zip(CURRENCIES, answers, strict=True)}
        self.fetched = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def run(self) -> None:
        """Go on until it is enough."""
        while not self.ended.wait(REFRESH_SECONDS):
            self.refresh()


@resource(eager=True, timeout=5)
def rates() -> Iterator[Rates]:
    """Those of today, and who keeps them."""
    listener()
    made = Rates()
    yield made
    made.ended.set()
    made.thread.join()


rates()


def lambda_handler(event: Asked, context: object) -> Total:
    """Ask for all prices at once."""
    basket = event["basket"]
    prices = pool().map(ask, [f"prices/{item}" for item in basket])
    cents = sum(100 * len(price["path"]) * quantity for price, quantity in zip(prices, basket.values(), strict=True))
    log.info("a basket of %d cents", cents)
    return {"cents": cents * rates().rates[event["currency"]], "rates": rates().fetched}
