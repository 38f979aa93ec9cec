"""The client of the stock's service, as its owners hand it out: gRPC with JSON messages."""

from __future__ import annotations

import itertools
import json
import os
import uuid
from typing import TYPE_CHECKING, TypedDict, cast

import grpc

from snapstart_hooks.resources import resource

if TYPE_CHECKING:
    from collections.abc import Iterator


class Reservation(TypedDict):
    """What the stock answers."""

    reservation: int
    sku: str


class Stock:
    """One channel to the stock.

    Each reservation bears a key of its own: what is sent twice is reserved once.
    """

    def __init__(self, address: str) -> None:
        self.channel = grpc.insecure_channel(address)
        self.session = uuid.uuid4().hex
        self.numbers = itertools.count(1)
        self.call = self.channel.unary_unary(
            "/shop.Stock/Reserve",
            request_serializer=lambda message: json.dumps(message).encode(),
            response_deserializer=json.loads,
        )

    def reserve(self, sku: str, *, timeout: float = 2.0) -> tuple[str, Reservation]:
        """Reserve one; the key, and the reservation."""
        key = f"{self.session}-{next(self.numbers)}"
        return key, cast("Reservation", self.call({"key": key, "sku": sku}, timeout=timeout))


@resource(eager=True, timeout=5)
def stock() -> Iterator[Stock]:
    """Connected before the first customer waits for it."""
    opened = Stock(os.environ["STOCK_ADDRESS"])
    with opened.channel:
        grpc.channel_ready_future(opened.channel).result(timeout=5)
        yield opened
