"""The client of the stock's service, as its owners hand it out: gRPC with JSON messages."""

from __future__ import annotations

import itertools
import json
import os
import uuid
from typing import TypedDict, cast

import grpc

from snapstart_hooks import Priority, after_restore, before_snapshot


class Reservation(TypedDict):
    """What the stock answers."""

    reservation: int
    sku: str


class Stock:
    """One channel to the stock, opened when it is needed.

    Each reservation bears a key of its own: what is sent twice is reserved once.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.channel: grpc.Channel | None = None

    def open(self) -> grpc.Channel:
        """Connect, and begin a session."""
        self.channel = grpc.insecure_channel(self.address)
        self.session = uuid.uuid4().hex
        self.numbers = itertools.count(1)
        self.call = self.channel.unary_unary(
            "/shop.Stock/Reserve",
            request_serializer=lambda message: json.dumps(message).encode(),
            response_deserializer=json.loads,
        )
        return self.channel

    def close(self) -> None:
        """Disconnect; the next reservation connects anew."""
        if self.channel is not None:
            self.channel.close()
            self.channel = None

    def reserve(self, sku: str, *, timeout: float = 2.0) -> tuple[str, Reservation]:
        """Reserve one; the key, and the reservation."""
        if self.channel is None:
            self.open()
        key = f"{self.session}-{next(self.numbers)}"
        return key, cast("Reservation", self.call({"key": key, "sku": sku}, timeout=timeout))


stock = Stock(os.environ["STOCK_ADDRESS"])


@before_snapshot(priority=Priority.CONNECTIONS)
def disconnect() -> None:
    """Behind a channel are threads of gRPC: none may be in the snapshot."""
    stock.close()


@after_restore(priority=Priority.CONNECTIONS, timeout=5)
def connect() -> None:
    """Before the first customer waits for it."""
    grpc.channel_ready_future(stock.open()).result(timeout=5)
