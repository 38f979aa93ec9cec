"""Clients of pymongo in this process: also of the oldest version."""

from __future__ import annotations

import gc
import threading
import time
from typing import TYPE_CHECKING

import pymongo
import pytest
from integrations.restoring import included, relay

from snapstart_hooks._audit import established

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from integrations.restoring import Relay

pytestmark = [pytest.mark.once, pytest.mark.oldest]


@pytest.fixture
def orders(server: Callable[[str], dict[str, str]]) -> Iterator[Relay]:
    """A server that can be made to vanish."""
    with relay(int(server("mongo")["MONGO_URL"].partition("/?")[0].rpartition(":")[2])) as between:
        yield between


def client_of(orders: Relay) -> pymongo.MongoClient[dict[str, object]]:
    return pymongo.MongoClient("127.0.0.1", orders.port, directConnection=True, socketTimeoutMS=30_000)


def opened(orders: Relay) -> int:
    return sum(link.remote[1] == orders.port for link in established())


def session(client: pymongo.MongoClient[dict[str, object]]) -> object:
    """The session that is used next."""
    with client.start_session() as one:
        return one.session_id


@pytest.mark.parametrize("how", ["hole", "reset"])
def test_it_starts_again_with_new_sessions_and_connections(orders: Relay, how: str) -> None:
    registry, _ = included("pymongo")
    client = client_of(orders)
    collection = client.shop.orders
    assert collection.insert_one({"by": "first"}).acknowledged
    known = session(client)
    assert session(client) == known
    assert registry.run_before_snapshot().ok
    assert opened(orders) == 0
    orders.kill(how)
    assert client.shop.command("ping")
    assert session(client) != known
    assert collection.insert_one({"by": "second"}).acknowledged
    client.close()


def monitors() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("pymongo")}


def test_one_that_is_closed_stays_closed_and_one_that_is_frozen_is_found(orders: Relay) -> None:
    others = monitors()
    closed, frozen = client_of(orders), client_of(orders)
    assert closed.shop.command("ping")
    assert frozen.shop.command("ping")
    assert monitors() - others
    closed.close()
    registry, _ = included("pymongo")
    gc.freeze()
    try:
        assert registry.run_before_snapshot().ok
        assert opened(orders) == 0
    finally:
        gc.unfreeze()
    with pytest.raises(pymongo.errors.InvalidOperation):
        closed.shop.command("ping")
    assert frozen.shop.command("ping")
    frozen.close()
    deadline = time.monotonic() + 20
    while monitors() - others and time.monotonic() < deadline:
        time.sleep(0.05)
    assert monitors() <= others  # none of one that is closed was started again


def test_of_another_version_only_a_warning_comes(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, orders: Relay
) -> None:
    client = client_of(orders)
    registry, module = included("pymongo")
    monkeypatch.delattr(pymongo.MongoClient, "_after_fork")
    module._library._warned.clear()
    assert registry.run_before_snapshot().ok
    assert "MongoClient has no _after_fork: clones write in the same sessions" in caplog.text
    assert client.shop.command("ping")
    client.close()
