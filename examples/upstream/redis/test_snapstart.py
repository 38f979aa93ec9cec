"""The test that is offered with the patch; ``REDIS_URL`` says where a server is."""

import os

import redis

from snapstart_hooks.testing import Snapstart, Target


def connect() -> "redis.Redis":
    client = redis.Redis(connection_pool=redis.ConnectionPool.from_url(os.environ["REDIS_URL"]))
    client.ping()
    return client


def test_a_restored_pool_connects_anew(snapstart: Snapstart) -> None:
    assert snapstart.restore(Target(redis.Redis.ping, connect), dead_connections=True).responses == [True, True]
