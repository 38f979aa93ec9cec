"""What was fetched before the snapshot is fetched again in each clone."""

from __future__ import annotations

import itertools
import json
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, cast

import pytest
from integrations.restoring import included, ran, restored
from typing_extensions import override

from snapstart_hooks import Priority, Registry
from snapstart_hooks.integrations.caches import clear_on_restore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from snapstart_hooks.testing import CloneRun


@pytest.fixture(scope="module")
def state() -> Iterator[dict[str, str]]:
    """A server whose every answer is another one."""
    numbers = itertools.count(1)

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = next(numbers)
            keys = [{"kty": "oct", "use": "sig", "kid": f"key-{number}", "k": "AAAA", "alg": "HS256"}]
            said = {"keys": keys, "AvailabilityZoneID": f"zone-{number}"}
            text = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        @override
        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"127.0.0.1:{server.server_address[1]}"
        yield {
            "STATE_URL": f"http://{place}",
            "AWS_LAMBDA_METADATA_API": place,
            "AWS_LAMBDA_METADATA_TOKEN": "token",
            "POWERTOOLS_DEV": "false",
        }
        server.shutdown()


def answers(run: CloneRun) -> list[dict[str, object]]:
    run.check()
    return cast("list[dict[str, object]]", run.responses)


@pytest.mark.usefixtures("clones")
def test_clones_ask_for_what_has_changed_since(state: dict[str, str]) -> None:
    one, other = answers(restored("freshness", state, ours=False))
    assert {name for name in one if one[name] == other[name]} == set(one)
    assert one["parameter"] == "1"
    run = restored("freshness", state)
    one, other = answers(run)
    assert {name for name in one if one[name] == other[name]} == {"parameter", "token"}
    assert one["parameter"] == "2"
    assert one["token"] == 1
    assert {"botocore[1]", "powertools"} <= ran(run).keys()
    assert {"jwt[1]", "powertools"} <= ran(run, "before_snapshot").keys()
    assert {*ran(run).values(), *ran(run, "before_snapshot").values()} == {"ok"}


@pytest.mark.oldest
def test_credentials_that_last_are_left_to_be_refreshed_with_care() -> None:
    import datetime as dt

    credentials = pytest.importorskip("botocore.credentials")
    registry, _ = included("botocore")
    now = dt.datetime.now(dt.UTC)
    fetched: list[int] = []

    def fetch() -> dict[str, str]:
        fetched.append(1)
        return {
            "access_key": f"key-{len(fetched)}",
            "secret_key": "secret",
            "token": "token",
            "expiry_time": (now + dt.timedelta(hours=6)).isoformat(),
        }

    long = credentials.RefreshableCredentials.create_from_metadata(fetch(), fetch, "test")
    given = credentials.Credentials("key", "secret")
    registry.run_before_snapshot()
    assert long.get_frozen_credentials().access_key == "key-1"
    registry.run_after_restore()
    assert long.get_frozen_credentials().access_key == "key-2"
    assert given.get_frozen_credentials().access_key == "key"


@pytest.mark.oldest
def test_keys_are_forgotten() -> None:
    jwt = pytest.importorskip("jwt")
    registry, _ = included("jwt")
    client = jwt.PyJWKClient("https://example.org/jwks", cache_keys=True)
    client.jwk_set_cache.put({"keys": [{"kty": "oct", "use": "sig", "kid": "old", "k": "AAAA", "alg": "HS256"}]})
    assert client.jwk_set_cache.get() is not None
    registry.run_before_snapshot()
    assert client.jwk_set_cache.get() is None


def test_a_cache_is_emptied_on_request() -> None:
    registry = Registry()

    @cache
    def rate(currency: str) -> object:
        return object()

    assert clear_on_restore(rate, registry=registry) is rate
    tokens = clear_on_restore({"token": "old"}, name="tokens", registry=registry)
    before = rate("EUR")
    assert rate("EUR") is before
    assert [(hook.name.rpartition(".")[2], hook.priority) for hook in registry.hooks] == [
        ("rate", Priority.CREDENTIALS),
        ("tokens", Priority.CREDENTIALS),
    ]
    registry.run_after_restore()
    assert rate("EUR") is not before
    assert tokens == {}
