import os

import redis
from snapstart_hooks.testing import Target, check_provider


def connect() -> "redis.Redis":
    client = redis.Redis(connection_pool=redis.ConnectionPool.from_url(os.environ["REDIS_URL"]))
    client.ping()
    return client


def test_a_restored_pool_connects_anew() -> None:
    check_provider("redis", app=Target(redis.Redis.ping, connect), dead_connections=True).check()
