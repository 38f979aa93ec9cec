"""gRPC, without clones: those of namespaces lack its threads. Its connections die in a relay instead."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from concurrent import futures
from typing import TYPE_CHECKING, Final

import grpc
import grpc.aio
import pytest
from grpc._cython import cygrpc
from integrations.restoring import included, relay

from snapstart_hooks._audit import established

if TYPE_CHECKING:
    from collections.abc import Iterator

    from integrations.restoring import Relay

pytestmark = [pytest.mark.once, pytest.mark.oldest]

ECHO: Final = "/shop.Stock/Echo"
WATCH: Final = "/shop.Stock/Watch"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server that echoes, once or as long as it is asked."""
    methods = {
        "Echo": grpc.unary_unary_rpc_method_handler(lambda message, _: message),
        "Watch": grpc.stream_stream_rpc_method_handler(lambda messages, _: messages),
    }
    server = grpc.server(
        futures.ThreadPoolExecutor(4), handlers=[grpc.method_handlers_generic_handler("shop.Stock", methods)]
    )
    number = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield number
    server.stop(grace=None).wait()


@pytest.fixture
def stock(port: int) -> Iterator[Relay]:
    """The server, which can be made to vanish."""
    with relay(port) as between:
        yield between


def opened(stock: Relay) -> int:
    return sum(link.remote[1] == stock.port for link in established())


def test_without_us_a_call_waits_for_its_deadline(stock: Relay) -> None:
    alone = [("grpc.use_local_subchannel_pool", 1)]  # or the next channel might get the dead connection of this one
    with grpc.insecure_channel(f"127.0.0.1:{stock.port}", alone) as channel:
        echo = channel.unary_unary(ECHO)
        assert echo(b"first", timeout=30) == b"first"
        stock.kill("hole")  # a reset may be met by a late frame instead, and be over when the call comes
        with pytest.raises(grpc.RpcError) as caught:
            echo(b"lost", timeout=0.5)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("how", ["hole", "reset"])
def test_an_idle_channel_connects_anew(stock: Relay, how: str) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{stock.port}") as channel:
        echo = channel.unary_unary(ECHO)
        assert echo(b"first", timeout=30) == b"first"
        assert opened(stock) == 1
        registry, _ = included("grpc")
        assert registry.run_before_snapshot().ok
        assert opened(stock) == 0
        stock.kill(how)
        assert echo(b"second", timeout=30) == b"second"


@pytest.mark.parametrize("target", ["localhost:{}", "dns:///localhost:{}", "ipv4:127.0.0.1:{}"])
def test_its_target_is_found_by_whatever_name(stock: Relay, target: str) -> None:
    plain = grpc.insecure_channel(target.format(stock.port))

    class Interceptor(grpc.UnaryUnaryClientInterceptor):
        """Does nothing."""

        def intercept_unary_unary(self, continuation, client_call_details, request):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            return continuation(client_call_details, request)

    with grpc.intercept_channel(plain, Interceptor()) as channel:
        echo = channel.unary_unary(ECHO)
        assert echo(b"first", timeout=30) == b"first"
        registry, _ = included("grpc")
        assert registry.run_before_snapshot().ok
        assert opened(stock) == 0
        assert echo(b"second", timeout=30) == b"second"


def test_a_channel_with_a_call_that_goes_on_is_left_alone(stock: Relay) -> None:
    target = f"127.0.0.1:{stock.port}"
    with grpc.insecure_channel(target) as channel, grpc.insecure_channel(target) as idle:
        assert idle.unary_unary(ECHO)(b"first", timeout=30) == b"first"
        asking: futures.Future[bytes] = futures.Future()

        def ask() -> Iterator[bytes]:
            yield b"first"
            yield asking.result(60)

        watching = channel.stream_stream(WATCH)(ask())
        assert next(watching) == b"first"
        registry, _ = included("grpc")
        descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - it counts one for itself, both times
        assert registry.run_before_snapshot().ok
        assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208
        assert opened(stock) == 1  # which both share
        asking.set_result(b"second")
        assert next(watching) == b"second"


def test_an_async_channel_connects_anew_too_and_keeps_its_calls(stock: Relay, caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    registry, _ = included("grpc")

    async def open_channel() -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(f"127.0.0.1:{stock.port}")

    async def call(message: bytes) -> bytes:
        answer: bytes = await channel.unary_unary(ECHO)(message, timeout=30)
        return answer

    channel = loop.run_until_complete(open_channel())
    assert loop.run_until_complete(call(b"first")) == b"first"
    with caplog.at_level(logging.WARNING):
        assert registry.run_before_snapshot().ok
    if not hasattr(cygrpc.AioChannel, "target"):  # older ones tell nobody where they lead
        assert "AioChannel has no target: its connections stay open" in caplog.text
        loop.run_until_complete(channel.close())
        loop.close()
        return
    assert opened(stock) == 0
    stock.kill("hole")
    assert loop.run_until_complete(call(b"second")) == b"second"

    async def watch() -> grpc.aio.StreamStreamCall:
        watching = channel.stream_stream(WATCH)()
        await watching.write(b"first")
        assert await watching.read() == b"first"
        return watching

    watching = loop.run_until_complete(watch())
    assert registry.run_before_snapshot().ok
    assert opened(stock) == 1
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        loop.run_until_complete(watching.code())
    loop.run_until_complete(channel.close())
    loop.close()
