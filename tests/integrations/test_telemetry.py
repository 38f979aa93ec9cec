"""What was recorded before the snapshot is sent once, to a real collector, and not by each clone."""

from __future__ import annotations

import contextlib
import gzip
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from logging.handlers import MemoryHandler, QueueHandler, QueueListener
from queue import Queue
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, Final, cast

import pytest
from integrations.restoring import included, ran, restored
from typing_extensions import override

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from snapstart_hooks.testing import CloneRun

SLOW: Final = 60
"""Seconds that the collector takes for what it is sent by Sentry, if nobody says that it may answer."""


class Collector:
    """Takes what is sent over HTTP and as log records.

    Attributes:
        bodies: What came.
        answer: Set when it may answer Sentry.
        environment: Where it is.
    """

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self.bodies: Final[list[bytes]] = []
        self.answer: Final = threading.Event()
        taken, done = self.bodies.append, self.answer
        stack.callback(done.set)

        class Taking(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                taken(gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body)
                if "envelope" in self.path:  # or the thread of Sentry would be done before the snapshot
                    done.wait(SLOW)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_PUT = do_POST  # noqa: N815 - the name that http.server wants

            @override
            def log_message(self, format: str, *args: object) -> None: ...

        class Reading(BaseRequestHandler):
            request: socket.socket

            @override
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    while said := self.request.recv(65536):
                        taken(said)

        servers = ThreadingHTTPServer(("127.0.0.1", 0), Taking), ThreadingTCPServer(("127.0.0.1", 0), Reading)
        for server in servers:
            server.daemon_threads = True
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, daemon=True).start()
        http, records = (server.server_address[1] for server in servers)
        self.environment: Final = {
            "COLLECTOR_URL": f"http://127.0.0.1:{http}",
            "LOG_PORT": str(records),
            "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "service_instance",
        }

    def count(self, text: str) -> int:
        """How often it was sent."""
        return sum(body.count(text.encode()) for body in self.bodies)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with contextlib.ExitStack() as stack:
        yield Collector(stack)


def waiting(run: CloneRun, name: str) -> list[object]:
    return [cast("dict[str, object]", answer)[name] for answer in run.responses]


def test_without_us_each_clone_sends_it(collector: Collector, clones: None) -> None:
    run = restored("telemetry", collector.environment, ours=False)
    assert collector.count("span-of-init") == collector.count("counter-of-init") == 2
    assert waiting(run, "waiting") == [1, 1]  # for a thread that lives on in a restored machine
    assert [clone.stdout.count("kept-of-init") for clone in run.clones] == [1, 1]
    assert collector.count("sent-of-clone") == 0
    assert len({*waiting(run, "trace")}) == 1
    assert len({*waiting(run, "instance")}) == 1
    assert len({*waiting(run, "sentry")}) == 1


def test_with_us_it_is_sent_once_before_the_snapshot(collector: Collector, clones: None) -> None:
    threading.Timer(0.5, collector.answer.set).start()
    run = restored("telemetry", collector.environment)
    run.check()
    assert collector.count("span-of-init") == 1
    assert collector.count("message-of-init") >= 1
    assert waiting(run, "waiting") == [0, 0]
    assert run.snapshot.stdout.count("kept-of-init") == 1
    assert [clone.stdout.count("kept-of-init") for clone in run.clones] == [0, 0]
    assert collector.count("sent-of-clone") == 2
    assert len({*waiting(run, "trace")}) == len({*waiting(run, "instance")}) == len({*waiting(run, "sentry")}) == 2
    assert waiting(run, "measured") == waiting(run, "instance")  # of one instance
    before = ran(run, "before_snapshot")
    assert {name for name, outcome in before.items() if outcome != "ok"} == set()
    names = [name.partition("[")[0] for name in before]
    assert names.index("opentelemetry") < names.index("random")


@pytest.mark.oldest
def test_a_queue_is_waited_for_and_a_buffer_is_emptied() -> None:
    registry, _ = included("logging")
    seen: list[str] = []

    class Slow(logging.Handler):
        @override
        def emit(self, record: logging.LogRecord) -> None:
            time.sleep(0.01)
            seen.append(record.getMessage())

    queue: Queue[object] = Queue()
    memory, listener = MemoryHandler(1000, target=Slow()), QueueListener(queue)
    listener.handlers = (memory,)
    logger = logging.Logger("mine")  # noqa: LOG001 - which nobody else has
    logger.addHandler(QueueHandler(queue))
    listener.start()
    for number in range(5):
        logger.error("%d", number)
    registry.run_before_snapshot()
    assert seen == ["0", "1", "2", "3", "4"]
    listener.stop()
