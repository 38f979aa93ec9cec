"""Clients of HTTP, Redis and MongoDB: no connection of theirs is in the snapshot, and each opens one by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from integrations.restoring import ran, restored

if TYPE_CHECKING:
    from collections.abc import Callable

    from snapstart_hooks.testing import CloneRun

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("clones")]

CLIENTS: Final = {
    "aiohttp",
    "aiohttp tls",
    "boto3",
    "httpx",
    "httpx async",
    "httpx async tls",
    "httpx tls",
    "redis",
    "redis async",
    "redis blocking",
    "redis cluster",
    "redis cluster async",
    "requests",
    "urllib3 tls",
}


@pytest.fixture(scope="module")
def servers(server: Callable[[str], dict[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("aws", "http", "https", "mongo", "redis", "redis-cluster"):
        found |= server(name)
    return found | {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


def failed(run: CloneRun) -> list[set[str]]:
    """Who did not get an answer, in each clone; what pymongo repeats, or finds out by watching, is healed by itself."""
    run.check()
    return [{name for name, said in answer.items() if said != "fine"} for answer in run.responses]


@pytest.mark.parametrize("dead", [True, "blackhole"], ids=["reset", "blackhole"])
def test_what_is_closed_before_the_snapshot_opens_by_itself(servers: dict[str, str], dead: bool | str) -> None:
    without = restored("connections", servers, ours=False, dead=dead, PATIENCE="0.5")
    assert all(which >= CLIENTS for which in failed(without))
    run = restored("connections", servers, dead=dead)
    assert failed(run) == [set(), set()]
    hooks = ran(run, "before_snapshot")
    assert {*hooks.values()} == {"ok"}, hooks
    assert {name.partition("[")[0] for name in hooks} >= {"aiohttp", "httpcore", "pymongo", "redis", "urllib3"}

    # What somebody uses stays open, and is told of.
    told = [line for line in run.snapshot.stdout.splitlines() if "the snapshot contains" in line]
    assert len(told) == 1, told
    assert "held by connections.watching (redis.client.PubSub → socket.socket), " in told[0]
    assert "/functions/connections.py:" in told[0]


@pytest.mark.parametrize("client", ["sync", "async"])
def test_no_write_is_taken_for_the_repetition_of_another_clones(servers: dict[str, str], client: str) -> None:
    import pymongo

    # The sync client repeats its write when a thread has found the server again, which clones of namespaces lack.
    # So its connections still work: what the server sees is the same.
    lost = restored("orders", servers, ours=False, dead=client == "async", CLIENT=client)
    kept = restored("orders", servers, CLIENT=client)
    for run in (lost, kept):
        run.check()  # all have been told that it was written
    mongo: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(servers["MONGO_URL"])
    with mongo:
        stored = {order["by"] for order in mongo.shop.orders.find()}
    assert len(stored.intersection(lost.responses)) == 1
    assert stored.issuperset(kept.responses)
