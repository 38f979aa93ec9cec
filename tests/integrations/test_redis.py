"""Pools of redis-py in this process: also with the oldest version."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import redis
import redis.asyncio
from integrations.restoring import included, relay
from redis.asyncio.cluster import RedisCluster

from snapstart_hooks._audit import established

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from integrations.restoring import Relay

pytestmark = [pytest.mark.once, pytest.mark.oldest]


@pytest.fixture
def cache(server: Callable[[str], dict[str, str]]) -> Iterator[Relay]:
    """A Redis that can be made to vanish."""
    with relay(int(server("redis")["REDIS_URL"].rpartition(":")[2].partition("/")[0])) as between:
        yield between


def opened(port: int) -> int:
    return sum(link.remote[1] == port for link in established())


@pytest.mark.parametrize("how", ["hole", "reset"])
@pytest.mark.parametrize("kind", [redis.ConnectionPool, redis.BlockingConnectionPool])
def test_what_is_idle_is_closed_and_what_is_used_is_not(
    cache: Relay, kind: type[redis.ConnectionPool], how: str
) -> None:
    registry, _ = included("redis")
    pool = kind(host="127.0.0.1", port=cache.port, socket_timeout=30)
    client = redis.Redis(connection_pool=pool)
    watching = client.pubsub()
    watching.subscribe("news")
    assert client.ping()
    assert opened(cache.port) == 2
    assert registry.run_before_snapshot().ok
    assert opened(cache.port) == 1
    watching.subscribe("further")
    assert [watching.get_message(timeout=30) for _ in range(2)]
    watching.close()
    assert registry.run_before_snapshot().ok
    cache.kill(how)
    assert client.ping()
    pool.disconnect()


@pytest.mark.parametrize("how", ["hole", "reset"])
@pytest.mark.parametrize("kind", [redis.asyncio.ConnectionPool, redis.asyncio.BlockingConnectionPool])
def test_async_pools_on_their_own_loop(cache: Relay, kind: type[redis.asyncio.ConnectionPool], how: str) -> None:
    registry, _ = included("redis")
    loop = asyncio.new_event_loop()
    pool = kind(host="127.0.0.1", port=cache.port, socket_timeout=30)

    async def ping() -> object:
        return await redis.asyncio.Redis(connection_pool=pool).ping()

    assert loop.run_until_complete(ping())
    assert registry.run_before_snapshot().ok
    assert opened(cache.port) == 0
    cache.kill(how)
    assert loop.run_until_complete(ping())
    loop.run_until_complete(pool.disconnect())
    loop.close()


def test_clusters(server: Callable[[str], dict[str, str]]) -> None:
    url = server("redis-cluster")["CLUSTER_URL"]
    port = int(url.rpartition(":")[2])
    registry, _ = included("redis")
    loop = asyncio.new_event_loop()
    cluster, asynchronous = redis.RedisCluster.from_url(url), RedisCluster.from_url(url)

    async def write() -> object:
        return await asynchronous.set("a", "b")

    for _ in range(2):
        assert cluster.set("a", "b")
        assert loop.run_until_complete(write())
        assert opened(port) >= 2
        report = registry.run_before_snapshot()
        assert not report.failed
        assert opened(port) == 0
    loop.run_until_complete(asynchronous.aclose())
    loop.close()
