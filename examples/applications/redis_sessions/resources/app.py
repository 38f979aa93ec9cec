"""Sessions of a shop in Redis: log in, and check out under a lock."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Literal, TypedDict

from flags import client, flags

from snapstart_hooks.resources import PerRestore, resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis.client import Pipeline

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


client().ping()
PerRestore(random.seed, eager=True)

# Who holds a lock writes its name into it, and releases no lock of another name.
owner = PerRestore(lambda: f"{random.getrandbits(32):08x}")


@resource
def statistics() -> Iterator[Pipeline]:
    """Written when there are some, and in the end."""
    pipeline = client().pipeline(transaction=False)
    pipeline.incr("starts")
    yield pipeline
    pipeline.execute()


release = client().register_script("""
    if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
    return 0
""")


def log_in(user: str) -> Answer:
    """Begin a session."""
    session = "".join(random.choices("0123456789abcdef", k=32))
    client().set(f"session:{session}", user, ex=SESSION_SECONDS)
    statistics().incr("logins")
    return {"session": session, "express": flags().is_on("express")}


def check_out(user: str) -> Answer:
    """Make an order, one at a time."""
    lock = f"lock:{user}"
    if not client().set(lock, owner(), nx=True, ex=LOCK_SECONDS) and client().get(lock) != owner():
        return {"error": "another order is being made"}
    try:
        order = client().incr("orders")
        statistics().incr("checkouts")
        return {"order": order}
    finally:
        release(keys=[lock], args=[owner()], client=client())


def lambda_handler(event: Asked, context: object) -> Answer:
    """Answer one customer; statistics are written when there are some."""
    answer = log_in(event["user"]) if event["action"] == "login" else check_out(event["user"])
    if len(statistics()) >= STATISTICS:
        statistics().execute()
    return answer
