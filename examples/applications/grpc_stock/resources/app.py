"""Reserves what an order needs."""

from __future__ import annotations

import json
import random
import sys
import time
from typing import TYPE_CHECKING, TypedDict

import grpc
from stock import Reservation, stock

from snapstart_hooks.resources import PerRestore, resource

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTEMPTS = 3
LINES = 20


class Order(TypedDict):
    """What somebody has bought."""

    order: str
    skus: list[str]


class Reserved(TypedDict):
    """What was reserved for it, under which keys."""

    order: str
    reservations: list[int]
    keys: list[str]
    trace: str


class Log:
    """Lines of JSON, written together: each write costs as much as a reservation."""

    def __init__(self) -> None:
        self.pending: list[str] = []

    def write(self, **fields: object) -> None:
        """Keep one for later."""
        self.pending.append(json.dumps(fields))
        if len(self.pending) >= LINES:
            self.flush()

    def flush(self) -> None:
        """Write what there is."""
        print(*self.pending, sep="\n", file=sys.stderr)
        self.pending.clear()


PerRestore(random.seed, eager=True)


@resource
def log() -> Iterator[Log]:
    """Written in the end, too."""
    made = Log()
    made.write(event="ready", catalogue=stock().reserve("sample")[1]["reservation"])
    yield made
    made.flush()


log()


def reserve(sku: str) -> tuple[str, Reservation]:
    """Wait if the stock is busy, and not as long as all the others do."""
    for attempt in range(1, ATTEMPTS):
        try:
            return stock().reserve(sku)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
            time.sleep(random.uniform(0, 0.1 * attempt))
    return stock().reserve(sku)


def lambda_handler(event: Order, context: object) -> Reserved:
    """Reserve all of one order."""
    trace = f"{random.getrandbits(128):032x}"
    made = [reserve(sku) for sku in event["skus"]]
    log().write(event="reserved", order=event["order"], trace=trace)
    return {
        "order": event["order"],
        "reservations": [reservation["reservation"] for _, reservation in made],
        "keys": [key for key, _ in made],
        "trace": trace,
    }
