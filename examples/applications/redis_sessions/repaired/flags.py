"""Feature flags: kept in memory, and changed by messages."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis import Redis

CHANNEL = "flags"
LIFETIME = 300.0


class Flags:
    """All flags of the shop."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self.lock = threading.Lock()
        self.open()

    def open(self) -> None:
        """Load all, and listen."""
        self.load()
        self.listener = self.client.pubsub(ignore_subscribe_messages=True)
        self.listener.subscribe(**{CHANNEL: self.changed})
        self.thread = self.listener.run_in_thread(sleep_time=0.5, daemon=True)

    def close(self) -> None:
        """Listen no longer; the thread closes its connection."""
        self.thread.stop()
        self.thread.join()

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
