"""A Lambda Runtime API on the loopback interface, for one runtime process.

It knows which request is allowed when, and what an error type looks like
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html,
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-custom.html).
Everything else is answered with 403 and kept, so that no test passes by accident.
"""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

_PREFIX = "/2018-06-01/runtime/"
_ERROR_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")


@dataclass(frozen=True)
class Request:
    """What the runtime sent.

    Attributes:
        path: Behind ``/2018-06-01/runtime/``.
        body: As it came.
        error_type: What Lambda takes from the error type header: ``Runtime.Unknown`` if
            that is malformed, ``""`` if there is none.
        printed: How many bytes the runtime had written to its standard output by then.
    """

    path: str
    body: bytes
    error_type: str
    printed: int


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class RuntimeApi:
    """Serves one runtime: a restore if it asks for one, then each of `events`, then the end.

    Attributes:
        requests: Those that were allowed.
        refused: The others, and why.
        idle: Whether the runtime asked for one event more than there were.  From then on
            connections are closed without an answer, as if the environment were removed.
    """

    def __init__(self, events: Sequence[object], printed: Callable[[], int]) -> None:
        self.requests: list[Request] = []
        self.refused: list[str] = []
        self.idle = False
        self._events = list(events)
        self._invocations = 0
        self._printed = printed
        self._state = "init"
        self._server = _Server(self)

    @property
    def address(self) -> str:
        """For ``AWS_LAMBDA_RUNTIME_API``."""
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, url: str, error_type: str | None, body: bytes) -> _Answer | None:
        """What to say to a request; ``None`` for nothing at all."""
        if self.idle:
            return None
        path = url.removeprefix(_PREFIX)
        after = self._allowed(f"{method} {path}") if url.startswith(_PREFIX) else None
        if after is None:
            said = f"{method} {url} is not allowed in the state {self._state!r}"
            self.refused.append(said)
            return _Answer(403, _json({"errorType": "InvalidStateTransition", "errorMessage": said}))
        self._state = after
        if error_type is not None and not _ERROR_TYPE.fullmatch(error_type):
            error_type = "Runtime.Unknown"
        self.requests.append(Request(path, body, error_type or "", self._printed()))
        if path == "invocation/next":
            return self._next_event()
        return _Answer(200) if method == "GET" else _Answer(202, _json({"status": "OK"}))

    def _allowed(self, request: str) -> str | None:
        """The state that a request leads to; ``None`` if it is not allowed in this one."""
        done = f"POST invocation/{self._invocations}"
        return {
            ("init", "GET restore/next"): "restoring",
            ("init", "POST init/error"): "failed",
            ("init", "GET invocation/next"): "invoking",
            ("restoring", "POST restore/error"): "failed",
            ("restoring", "GET invocation/next"): "invoking",
            ("invoking", f"{done}/response"): "ready",
            ("invoking", f"{done}/error"): "ready",
            ("ready", "GET invocation/next"): "invoking",
        }.get((self._state, request))

    def _next_event(self) -> _Answer | None:
        if not self._events:
            self.idle = True
            return None
        self._invocations += 1
        headers = {
            "Lambda-Runtime-Aws-Request-Id": str(self._invocations),
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + 3) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:orders:1",
        }
        return _Answer(200, _json(self._events.pop(0)), headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: RuntimeApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.api.answer(
            self.command, self.path, self.headers.get("Lambda-Runtime-Function-Error-Type"), body
        )
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_POST = do_GET  # noqa: N815 - the name that the server looks for

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what was asked is in `requests` and `refused`."""


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
