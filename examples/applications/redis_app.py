"""A redis client that has spoken at import."""

from __future__ import annotations

import os

import redis

client = redis.Redis.from_url(os.environ["REDIS_URL"])
client.ping()


def lambda_handler(event: object, context: object) -> dict[str, int]:
    return {"count": client.incr("count")}
