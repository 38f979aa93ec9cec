"""Clients of HTTP in this process: also with the oldest versions of their libraries."""

from __future__ import annotations

import asyncio
import gc
import socket
from typing import TYPE_CHECKING, Final

import aiohttp
import httpcore
import pytest
import urllib3
from integrations.restoring import included, relay

from snapstart_hooks import Outcome
from snapstart_hooks._audit import established

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from integrations.restoring import Relay

pytestmark = [pytest.mark.once, pytest.mark.oldest]

DEAD = pytest.mark.parametrize("how", ["hole", "reset"])

PATIENCE: Final = 30
"""Seconds: long for a busy machine, for only what is wrong waits for so long."""


@pytest.fixture
def partners(server: Callable[[str], dict[str, str]]) -> Iterator[Relay]:
    """A server that keeps connections open, and can be made to vanish."""
    with relay(int(server("http")["PARTNERS_URL"].rpartition(":")[2])) as between:
        yield between


def opened(partners: Relay) -> int:
    return sum(link.remote[1] == partners.port for link in established())


@DEAD
def test_urllib3(partners: Relay, how: str) -> None:
    pool = urllib3.HTTPConnectionPool("127.0.0.1", partners.port, maxsize=3, retries=False, timeout=PATIENCE)
    closed = urllib3.HTTPConnectionPool("127.0.0.1", partners.port)
    closed.close()
    registry, _ = included("urllib3")
    assert pool.request("POST", "/first").status == 200
    reading = pool.request("POST", "/second", body=b"[1]", preload_content=False)  # on the connection that was idle
    assert pool.request("POST", "/third").status == 200
    assert opened(partners) == 2
    assert registry.run_before_snapshot().ok
    assert opened(partners) == 1
    assert b"second" in reading.data
    reading.release_conn()
    assert registry.run_before_snapshot().ok
    assert opened(partners) == 0
    partners.kill(how)
    assert pool.request("POST", "/fourth").status == 200
    assert closed.pool is None
    pool.close()


@DEAD
def test_httpcore(partners: Relay, how: str) -> None:
    url = f"http://127.0.0.1:{partners.port}/order"
    patience = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), PATIENCE)}
    registry, _ = included("httpcore")
    with httpcore.ConnectionPool() as pool:
        assert pool.request("POST", url, extensions=patience).status == 200
        with pool.stream("POST", url, extensions=patience) as reading:
            assert pool.request("POST", url, extensions=patience).status == 200
            assert registry.run_before_snapshot().ok
            assert opened(partners) == 1
            assert b"order" in reading.read()
        assert registry.run_before_snapshot().ok
        assert opened(partners) == 0
        partners.kill(how)
        assert pool.request("POST", url, extensions=patience).status == 200


@DEAD
def test_async_ones_on_their_own_loops(partners: Relay, how: str) -> None:
    url = f"http://127.0.0.1:{partners.port}/order"
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    core, aio = included("httpcore")[0], included("aiohttp")[0]
    pool = httpcore.AsyncConnectionPool()

    async def make() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))

    async def ask_httpcore() -> int:
        timeout = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), PATIENCE)}
        return (await pool.request("POST", url, extensions=timeout)).status

    async def ask_aiohttp() -> int:
        async with session.post(url) as response:
            await response.read()
            return response.status

    async def stream() -> aiohttp.ClientResponse:
        return await session.post(url, data=b"[1]")

    session = second.run_until_complete(make())
    assert first.run_until_complete(ask_httpcore()) == second.run_until_complete(ask_aiohttp()) == 200
    assert opened(partners) == 2
    for registry in (core, aio):
        report = registry.run_before_snapshot()
        assert [result.outcome for result in report.results] == [Outcome.OK]
    assert opened(partners) == 0
    partners.kill(how)
    assert first.run_until_complete(ask_httpcore()) == second.run_until_complete(ask_aiohttp()) == 200

    first.run_until_complete(pool.aclose())
    first.close()
    second.run_until_complete(session.close())
    second.close()


def test_addresses_are_looked_up_anew(partners: Relay) -> None:
    registry, _ = included("aiohttp")
    loop = asyncio.new_event_loop()

    async def ask() -> aiohttp.TCPConnector:
        connector = aiohttp.TCPConnector(family=socket.AF_INET)
        async with aiohttp.ClientSession(connector=connector, connector_owner=False) as session:
            await (await session.post(f"http://localhost:{partners.port}/order")).read()
        return connector

    connector = loop.run_until_complete(ask())
    assert ("localhost", partners.port) in connector._cached_hosts
    assert registry.run_before_snapshot().ok
    assert ("localhost", partners.port) not in connector._cached_hosts
    assert opened(partners) == 0
    loop.run_until_complete(connector.close())
    loop.close()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_whose_loop_is_closed_is_told_and_fails_nothing(partners: Relay) -> None:
    pool = httpcore.AsyncConnectionPool()
    asyncio.run(_open(pool, f"http://127.0.0.1:{partners.port}/order"))
    registry, _ = included("httpcore")
    report = registry.run_before_snapshot()
    assert report.ok
    (result,) = (each for each in report.results if each.outcome is not Outcome.OK)
    assert "belongs to is closed" in str(result.error)
    del pool, registry, report, result
    gc.collect()  # what nobody can close


async def _open(pool: httpcore.AsyncConnectionPool, url: str) -> None:
    await pool.request("POST", url)
