"""Feature flags: kept in memory, and changed by messages."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from snapstart_hooks.resources import resource

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANNEL = "flags"
LIFETIME = 300.0


class Flags:
    """All flags of the shop."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self.lock = threading.Lock()
        self.load()
        self.listener = client.pubsub(ignore_subscribe_messages=True)
        self.listener.subscribe(**{CHANNEL: self.changed})
        self.thread = self.listener.run_in_thread(sleep_time=0.5, daemon=True)

    def load(self) -> None:
        """Ask for all of them."""
        values = self.client.hgetall("flags")
        with self.lock:
            self.values, self.deadline = values, time.monotonic() + LIFETIME

    def changed(self, message: object) -> None:
        """Somebody has changed one."""
        self.load()

    def is_on(self, name: str) -> bool:
        """Whether a flag is set; after some minutes we do not rely on the messages."""
        if time.monotonic() > self.deadline:
            self.load()
        with self.lock:
            return self.values.get(name) == "on"


# A `SET NX` that is tried again is refused because of itself, so nothing is tried twice.
client = resource(lambda: Redis.from_url(os.environ["REDIS_URL"], decode_responses=True, retry=Retry(NoBackoff(), 0)))


@resource(eager=True, timeout=3)
def flags() -> Iterator[Flags]:
    """Those of today, and who listens for changes."""
    loaded = Flags(client())
    yield loaded
    loaded.thread.stop()
    loaded.thread.join()
