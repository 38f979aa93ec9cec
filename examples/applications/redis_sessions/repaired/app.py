"""Sessions of a shop in Redis: log in, and check out under a lock."""

from __future__ import annotations

import os
import random
from typing import Literal, TypedDict

import redis
from flags import Flags
from redis.backoff import NoBackoff
from redis.retry import Retry

from snapstart_hooks import Priority, after_restore, before_snapshot

LOCK_SECONDS = 10
SESSION_SECONDS = 3600
STATISTICS = 10


class Asked(TypedDict):
    """What a customer does."""

    action: Literal["login", "checkout"]
    user: str


class Answer(TypedDict, total=False):
    """What a customer gets."""

    session: str
    order: int
    express: bool
    error: str


def new_owner() -> str:
    """Who holds a lock writes its name into it, and releases no lock of another name."""
    return f"{random.getrandbits(32):08x}"


# A `SET NX` that is tried again is refused because of itself, so nothing is tried twice.
client = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True, retry=Retry(NoBackoff(), 0))
flags = Flags(client)
client.ping()
owner = new_owner()

statistics = client.pipeline(transaction=False)
statistics.incr("starts")

release = client.register_script("""
    if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
    return 0
""")


@before_snapshot(priority=Priority.CONNECTIONS)
def disconnect() -> None:
    """Write the statistics, end the thread, and close all connections; the client opens new ones by itself."""
    statistics.execute()
    flags.close()
    client.close()


@after_restore(priority=Priority.ENTROPY)
def be_somebody_new() -> None:
    """Or all environments would begin the same sessions, and release each other's locks."""
    global owner  # noqa: PLW0603
    random.seed()
    owner = new_owner()


@after_restore(priority=Priority.CONNECTIONS, timeout=3)
def reconnect() -> None:
    """Get the flags of today, and listen again."""
    flags.open()


def log_in(user: str) -> Answer:
    """Begin a session."""
    session = "".join(random.choices("0123456789abcdef", k=32))
    client.set(f"session:{session}", user, ex=SESSION_SECONDS)
    statistics.incr("logins")
    return {"session": session, "express": flags.is_on("express")}


def check_out(user: str) -> Answer:
    """Make an order, one at a time."""
    lock = f"lock:{user}"
    if not client.set(lock, owner, nx=True, ex=LOCK_SECONDS) and client.get(lock) != owner:
        return {"error": "another order is being made"}
    try:
        order = client.incr("orders")
        statistics.incr("checkouts")
        return {"order": order}
    finally:
        release(keys=[lock], args=[owner])


def lambda_handler(event: Asked, context: object) -> Answer:
    """Answer one customer; statistics are written when there are some."""
    answer = log_in(event["user"]) if event["action"] == "login" else check_out(event["user"])
    if len(statistics) >= STATISTICS:
        statistics.execute()
    return answer
