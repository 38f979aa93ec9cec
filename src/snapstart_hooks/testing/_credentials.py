"""The endpoint from which a function under SnapStart gets its credentials.

Each clone has a token of its own and gets keys of its own, so it can be seen whether a
function goes on with those from before the snapshot.  The keys are made up: services of
AWS refuse them, servers that imitate AWS take them.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
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
        self._ahead: Final[dict[str, tuple[str, float]]] = {}
        self._server: Final = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._ahead))
        self._server.daemon_threads = True
        self._thread: Final = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.uri: Final = f"http://127.0.0.1:{self._server.server_port}{_PATH}"

    def token(self, whose: str, ahead: float = 0.0) -> str:
        """A new token.

        Args:
            whose: Up to eight letters or digits; the access key ends with it.
            ahead: Seconds that the wall clock of its owner is ahead of ours.
        """
        token = secrets.token_urlsafe(24)
        self._ahead[token] = (whose, ahead)
        return token

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(owners: dict[str, tuple[str, float]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            owner = owners.get(self.headers.get("Authorization", ""))
            if self.path != _PATH or owner is None:
                self._answer(403, {"code": "Forbidden", "message": "this token opens no credentials"})
                return
            whose, ahead = owner
            now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ahead)
            self._answer(
                200,
                {
                    "AccessKeyId": f"ASIALOCALSNAP{whose.upper():0>7}",
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

    return Handler
