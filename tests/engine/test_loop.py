"""The persistent loop: what async hooks open, the handler uses."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.server
import json
import threading
import warnings
from typing import TYPE_CHECKING

import httpx
import pytest
from mangum import Mangum
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from typing_extensions import override

from snapstart_hooks import Registry
from snapstart_hooks._loop import _Own, persistent
from snapstart_hooks.errors import HooksFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request


@pytest.fixture(autouse=True)
def _no_loop_set() -> Iterator[None]:
    with contextlib.suppress(RuntimeError, DeprecationWarning):
        asyncio.get_event_loop().close()  # that of the tests before: 3.11 makes one for whoever asks
    asyncio.set_event_loop(None)
    yield
    asyncio.set_event_loop(None)


class Connections(http.server.ThreadingHTTPServer):
    """Answers with the number of connections that it has seen."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.seen = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @override
    def setup(self) -> None:
        assert isinstance(self.server, Connections)
        self.server.seen += 1
        super().setup()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Connections]:
    with Connections() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def test_the_loop_that_the_application_set_is_used() -> None:
    registry, seen = Registry(), list[object]()
    mine = asyncio.new_event_loop()
    asyncio.set_event_loop(mine)

    @registry.after_restore
    async def look() -> None:
        seen.append(asyncio.get_running_loop())

    registry.run_after_restore()
    assert seen == [mine]
    assert not mine.is_closed()
    mine.close()


def test_else_one_is_made_and_set_and_kept_over_both_phases_and_asyncio_run() -> None:
    registry, seen = Registry(), list[object]()

    async def look() -> None:
        seen.append(asyncio.get_running_loop())

    registry.before_snapshot(look)
    registry.register_before_snapshot(lambda: asyncio.run(asyncio.sleep(0)))  # resets the current loop
    registry.after_restore(look)
    registry.run_before_snapshot()
    registry.run_after_restore()
    asyncio.run(asyncio.sleep(0))
    registry.run_after_restore()
    assert len(set(map(id, seen))) == 1
    assert persistent() is seen[0]


def test_a_closed_loop_is_replaced() -> None:
    first = persistent()
    first.close()
    second = persistent()
    assert second is not first
    assert not second.is_closed()


def test_the_loop_of_a_thread_is_closed_with_it() -> None:
    loops = list[asyncio.AbstractEventLoop]()
    thread = threading.Thread(target=lambda: loops.append(persistent()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        thread.start()
        thread.join()
        gc.collect()
    assert loops[0].is_closed()


def test_a_client_that_a_hook_opens_serves_the_handler_over_the_same_connection(server: Connections) -> None:
    registry = Registry()
    clients = list[httpx.AsyncClient]()

    @registry.after_restore
    async def connect() -> None:
        clients.append(httpx.AsyncClient())
        await clients[0].get(server.url)

    def handler() -> str:
        return persistent().run_until_complete(clients[0].get(server.url)).text

    registry.run_after_restore()
    assert [handler(), handler()] == ["ok", "ok"]
    assert server.seen == 1
    persistent().run_until_complete(clients[0].aclose())


def test_an_asgi_application_behind_mangum_uses_what_a_hook_opened(server: Connections) -> None:
    registry = Registry()
    clients = list[httpx.AsyncClient]()

    @registry.after_restore
    async def connect() -> None:
        clients.append(httpx.AsyncClient())
        await clients[0].get(server.url)

    async def endpoint(_: Request) -> JSONResponse:
        upstream = await clients[0].get(server.url)
        return JSONResponse({"upstream": upstream.text})

    handler = Mangum(Starlette(routes=[Route("/", endpoint)]), lifespan="off")
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {},
        "requestContext": {"http": {"method": "GET", "path": "/", "sourceIp": "127.0.0.1", "protocol": "HTTP/1.1"}},
        "isBase64Encoded": False,
    }
    registry.run_after_restore()
    for _ in range(2):
        response = handler(event, object())  # type: ignore[arg-type]  # the context is not read
        assert json.loads(response["body"]) == {"upstream": "ok"}
    assert server.seen == 1
    persistent().run_until_complete(clients[0].aclose())
    persistent().close()  # it is Mangum's, which never closes it


def test_a_loop_of_ours_is_not_closed_while_it_runs() -> None:
    async def forget() -> bool:
        loop = asyncio.get_running_loop()
        owner = _Own(loop)
        del owner  # as at the end of its thread
        return loop.is_closed()

    assert asyncio.run(forget()) is False


def test_what_cannot_be_closed_is_left_alone_inside_of_a_running_loop() -> None:
    async def inside() -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        registry = Registry()
        registry.after_restore(lambda: future)
        with pytest.raises(HooksFailed, match="an async hook cannot be awaited here"):
            registry.run_after_restore()

    asyncio.run(inside())
