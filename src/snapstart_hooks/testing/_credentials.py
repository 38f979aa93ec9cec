"""The endpoint from which a function under SnapStart gets its credentials.

Each clone has a token of its own and gets keys of its own, so it can be seen whether a
function goes on with those from before the snapshot.  The keys are made up: services of
AWS refuse them, servers that imitate AWS take them.

Most functions never ask.  So nothing is imported, and nothing waits, before one does.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import secrets
import socket
import sys
import threading
from typing import TYPE_CHECKING, Final, cast

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from socketserver import BaseServer
    from types import TracebackType
    from typing import Self

__all__ = ("CredentialsEndpoint",)

_PATH: Final = "/2021-04-23/credentials"
_VALID: Final = dt.timedelta(hours=1)


class CredentialsEndpoint:
    """A server on the loopback interface, for as long as the context lasts.

    Attributes:
        uri: Where it is.
    """

    def __init__(self) -> None:
        self._owners: Final[dict[str, tuple[str, float]]] = {}
        self._listener: Final = socket.create_server(("127.0.0.1", 0))
        self._thread: Final = threading.Thread(target=self._serve, daemon=True)
        self.uri: Final = f"http://127.0.0.1:{self._listener.getsockname()[1]}{_PATH}"

    def token(self, owner: str, ahead: float = 0.0) -> str:
        """A new token, for an access key that ends with `owner`, up to eight characters, and a clock so much ahead."""
        token = secrets.token_urlsafe(24)
        self._owners[token] = (owner, ahead)
        return token

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, peer = self._listener.accept()
            except OSError:
                return  # it is not needed any more
            threading.Thread(target=_answer, args=(connection, peer, self._owners), daemon=True).start()


def _answer(connection: socket.socket, peer: object, owners: dict[str, tuple[str, float]]) -> None:
    """Answer all that comes through one connection."""
    from http.server import BaseHTTPRequestHandler

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            owner = owners.get(self.headers.get("Authorization", ""))
            if self.path != _PATH or owner is None:
                self._answer(403, {"code": "Forbidden", "message": "this token opens no credentials"})
                return
            name, ahead = owner
            now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ahead)
            self._answer(
                200,
                {
                    "AccessKeyId": f"ASIALOCALSNAP{name.upper():0>7}",
                    "SecretAccessKey": secrets.token_urlsafe(30),
                    "Token": secrets.token_urlsafe(60),
                    "Expiration": (now + _VALID).strftime("%Y-%m-%dT%H:%M:%SZ"),
                },
            )

        def _answer(self, status: int, body: dict[str, str]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: it is the function's output that the user wants to read."""

    with connection, contextlib.suppress(ConnectionError):  # the clone may have ended, or been ended, meanwhile
        Handler(connection, peer, cast("BaseServer", None))  # it asks no server for anything
