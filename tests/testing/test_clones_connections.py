"""Connections from before the snapshot are dead in the clones, and their peers hear nothing of it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
from testing.clone_helpers import namespace_only, possible, write_function

from snapstart_hooks.testing import clones

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from snapstart_hooks.testing import CloneRun


class Peer:
    """A TCP server that notes every byte it is sent."""

    def __init__(self, serve: Callable[[socket.socket, Peer], None], host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family)
        self.port: int = self.listener.getsockname()[1]
        self.heard: list[bytes] = []
        self.ends: list[str] = []
        self._serve = serve
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self.listener.accept()
                thread = threading.Thread(target=self._talk, args=(connection, len(self.heard)))
                self.heard.append(b"")
                self.ends.append("")
                self._threads.append(thread)
                thread.start()

    def _talk(self, connection: socket.socket, number: int) -> None:
        with connection:
            noting = _Noting(self, connection, number)
            try:
                self._serve(noting, self)  # type: ignore[arg-type]
                self.ends[number] = "end"
            except ConnectionError:  # EPIPE where its end came before the reset
                self.ends[number] = "reset"

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._accepting.join()
        for thread in self._threads:
            thread.join()


class _Noting:
    def __init__(self, peer: Peer, connection: socket.socket, number: int) -> None:
        self._peer, self._connection, self._number = peer, connection, number

    def recv(self, size: int) -> bytes:
        data = self._connection.recv(size)
        self._peer.heard[self._number] += data
        return data

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)


def answer_http(connection: socket.socket, _: Peer) -> None:
    while connection.recv(4096):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")


def answer_redis(connection: socket.socket, _: Peer) -> None:
    while connection.recv(4096):
        connection.sendall(b"+PONG\r\n")


def forward_to(path: str) -> Callable[[socket.socket, Peer], None]:
    def forward(connection: socket.socket, _: Peer) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(path)

            def back() -> None:
                with contextlib.suppress(ConnectionError):  # told by the other direction
                    while data := server.recv(4096):
                        connection.sendall(data)

            returning = threading.Thread(target=back)
            returning.start()
            while data := connection.recv(4096):
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)
            returning.join()

    return forward


@contextlib.contextmanager
def peer(serve: Callable[[socket.socket, Peer], None], host: str = "127.0.0.1") -> Iterator[Peer]:
    server = Peer(serve, host)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(name="backend", params=["criu", "namespace", "fork"])
def each_backend(request: pytest.FixtureRequest) -> str:
    return possible(str(request.param))


def run(tmp_path: Path, port: int, source: str, *, n: int = 2, **options: object) -> CloneRun:
    write_function(tmp_path, source)
    environment = {"PORT": str(port)}
    return clones(n, "app.handler", task_root=tmp_path, environment=environment, timeout=20, **options)  # type: ignore[arg-type]


RAW = """\
    import os, select, socket
    connection = socket.create_connection(("{host}", int(os.environ["PORT"])), timeout=20)
    connection.sendall(b"before")
    connection.recv(100)

    def attempt(act):
        try:
            return repr(act())
        except OSError as error:
            return type(error).__name__

    def handler(event, context):
        looks_healthy = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        readable = bool(select.select([connection], [], [], 0)[0])
        connection.settimeout({patience})
        steps = [lambda: connection.send(b"after"), lambda: connection.recv(1), lambda: connection.send(b"again")]
        return [looks_healthy, readable, os.get_blocking(connection.fileno()), *map(attempt, steps)]
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_reset_answers_the_first_byte(tmp_path: Path, backend: str, host: str) -> None:
    with peer(answer_http, host) as server:
        found = run(tmp_path, server.port, RAW.format(host=host, patience=20), dead_connections=True, backend=backend)
    assert found.responses == [[True, False, False, "5", "ConnectionResetError", "BrokenPipeError"]] * 2
    assert server.heard == [b"before"]
    assert server.ends == ["end"]  # when all was over, and not by a reset


def test_a_request_in_several_parts_is_complete_before_the_reset(tmp_path: Path, backend: str) -> None:
    """Else what a client gets depends on who is quicker: the second part or the reader meets the reset."""
    with peer(answer_http) as server:
        found = run(
            tmp_path,
            server.port,
            """\
            import os, socket
            connection = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])))
            def handler(event, context):
                sent = connection.send(b"head")
                sum(range(50_000))
                sent += connection.send(b"body")
                try:
                    return sent, connection.recv(1).decode()
                except OSError as error:
                    return sent, type(error).__name__
            """,
            backend=backend,
        )
    assert found.responses == [[8, "ConnectionResetError"]] * 2


def test_a_black_hole_answers_nothing(tmp_path: Path, backend: str) -> None:
    with peer(answer_http) as server:
        source = RAW.format(host="127.0.0.1", patience=0.5)
        found = run(tmp_path, server.port, source, dead_connections="blackhole", backend=backend)
    assert found.responses == [[True, False, False, "5", "TimeoutError", "5"]] * 2
    assert server.heard == [b"before"]


def test_connections_are_left_alone_on_request(tmp_path: Path, backend: str) -> None:
    with peer(answer_http) as server:
        source = RAW.format(host="127.0.0.1", patience=20)
        found = run(tmp_path, server.port, source, n=1, dead_connections=False, backend=backend)
    assert found.responses == [[True, False, False, "5", "b'H'", "5"]]
    assert server.heard == [b"beforeafteragain"]


def test_http_client(tmp_path: Path, backend: str) -> None:
    with peer(answer_http) as server:
        found = run(
            tmp_path,
            server.port,
            """\
            import http.client, os
            connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]))
            def get(path):
                connection.request("GET", path)
                return connection.getresponse().read().decode()
            get("/before")
            def handler(event, context):
                try:
                    get("/dead")
                except ConnectionResetError:
                    connection.close()
                    return get("/after")  # a new connection is alive
            """,
            dead_connections="reset",
            backend=backend,
        )
    assert found.responses == ["hi", "hi"]
    paths = sorted(request.split()[1] for request in server.heard)
    assert paths == [b"/after", b"/after", b"/before"]


def test_an_event_loop_and_its_connection(tmp_path: Path, backend: str) -> None:
    with peer(answer_http) as server:
        found = run(
            tmp_path,
            server.port,
            """\
            import asyncio, os
            loop = asyncio.new_event_loop()
            async def connect():
                return await asyncio.open_connection("127.0.0.1", int(os.environ["PORT"]))
            reader, writer = loop.run_until_complete(connect())
            async def talk():
                writer.write(b"after")
                try:
                    return repr(await asyncio.wait_for(reader.read(1), 20))
                except OSError as error:
                    return type(error).__name__
            def handler(event, context):
                return loop.run_until_complete(talk())
            """,
            dead_connections="reset",
            backend=backend,
        )
    assert found.responses == ["ConnectionResetError"] * 2
    assert server.heard == [b""]


def test_redis(tmp_path: Path, backend: str) -> None:
    pytest.importorskip("redis", reason="redis is not installed")
    with peer(answer_redis) as server:
        found = run(
            tmp_path,
            server.port,
            """\
            import os, redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
            def client(retries):
                url = f"redis://127.0.0.1:{os.environ['PORT']}?protocol=2"
                return redis.Redis.from_url(url, retry=Retry(NoBackoff(), retries), driver_info=None)
            once, again = client(0), client(1)
            once.ping(), again.ping()
            def handler(event, context):
                try:
                    return "alive", once.ping()
                except redis.ConnectionError:
                    return "dead", again.ping()
            """,
            n=1,
            dead_connections="reset",
            backend=backend,
        )
    # redis-py compares pids, so a forked child connects anew, and hides what a restore does.
    assert found.responses == [["alive" if backend == "fork" else "dead", True]]
    assert len(server.heard) == 3  # the third one was opened in the clone
    assert all(heard.count(b"PING") == 1 for heard in server.heard)


PSYCOPG = """\
    import os, psycopg
    connection = psycopg.connect(host="127.0.0.1", port=os.environ["PORT"], user="postgres", dbname="postgres",
                                 sslmode="disable", gssencmode="disable", autocommit=True)
    pid = connection.execute("select pg_backend_pid()").fetchone()[0]
    def handler(event, context):
        try:
            return connection.execute("select 1").fetchone()
        except psycopg.OperationalError:
            connection.close()
            return ["dead", pid]
"""


WHEN_SEEN = f"""{PSYCOPG}
    connected = handler
    def handler(event, context):
        import time
        while not os.path.exists("seen"):
            time.sleep(0.01)
        return connected(event, context)
"""


def test_postgresql_sees_nothing_of_the_clones(tmp_path: Path, backend: str, postgres: str) -> None:
    import psycopg

    seen: list[set[int]] = []
    heard_before: list[int] = []

    def look(progress: object) -> None:
        # While clones run, which wait for this, the session of the zygote is alive.
        if not heard_before:
            heard_before.append(len(server.heard[0]))
        with psycopg.connect(postgres) as connection:
            seen.append({pid for (pid,) in connection.execute("select pid from pg_stat_activity")})
        (tmp_path / "seen").touch()

    path = postgres.partition("host=")[2] + "/.s.PGSQL.5432"
    with peer(forward_to(path)) as server:
        found = run(tmp_path, server.port, WHEN_SEEN, dead_connections="reset", backend=backend, on_progress=look)
    ((first, session), (second, _)) = found.responses
    assert first == second == "dead"
    assert len(server.heard) == 1
    assert len(server.heard[0]) == heard_before[0]  # no query, no Terminate
    assert not server.heard[0].endswith(b"X\0\0\0\4")
    assert session in seen[0]
    assert server.ends == ["end"]


@pytest.mark.once
def test_a_driver_that_waits_in_a_black_hole_is_shown_where_it_waits(
    tmp_path: Path, backend: str, postgres: str
) -> None:
    path = postgres.partition("host=")[2] + "/.s.PGSQL.5432"
    with peer(forward_to(path)) as server:
        write_function(tmp_path, PSYCOPG)
        found = clones(
            1,
            "app.handler",
            task_root=tmp_path,
            environment={"PORT": str(server.port)},
            timeout=4,
            dead_connections="blackhole",
            backend=backend,  # type: ignore[arg-type]
        )
    assert found.clones[0].timed_out
    assert "in execute" in found.clones[0].stack
    assert "in handler" in found.clones[0].stack


def test_many_connections(tmp_path: Path) -> None:
    namespace_only()
    with peer(answer_http) as server:
        found = run(
            tmp_path,
            server.port,
            """\
            import os, socket
            opened = [socket.create_connection(("127.0.0.1", int(os.environ["PORT"]))) for _ in range(230)]
            def handler(event, context):
                for connection in opened:
                    connection.send(b"dead")
                dead = 0
                for connection in opened:
                    try:
                        connection.recv(1)
                    except ConnectionResetError:
                        dead += 1
                return dead
            """,
            dead_connections=True,
        )
        deadline = time.monotonic() + 60
        while len(server.heard) < 230 and time.monotonic() < deadline:
            time.sleep(0.01)  # the last of them may wait to be accepted
    assert found.responses == [230, 230]
    assert server.heard == [b""] * 230


def test_listeners_and_local_sockets_are_no_connections(tmp_path: Path, backend: str) -> None:
    with peer(answer_http) as server:
        found = run(
            tmp_path,
            server.port,
            """\
            import socket
            listener = socket.create_server(("127.0.0.1", 0))
            one, other = socket.socketpair()
            datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            datagrams.bind(("127.0.0.1", 0))
            def handler(event, context):
                one.send(b"x")
                datagrams.sendto(b"y", datagrams.getsockname())
                client = socket.create_connection(listener.getsockname())
                return [other.recv(9).decode(), datagrams.recv(9).decode(), listener.accept()[0].fileno() > 0]
            """,
            n=1,
            dead_connections=True,
            backend=backend,
        )
    assert found.responses == [["x", "y", True]]
