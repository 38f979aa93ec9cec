"""Prints the table of ``docs/fidelity.md``: ``python examples/fidelity``; with ``--write`` into the page.

The column of the virtual machine is what real snapshots did, measured once; all others are
measured now: each kind of state once in two clones of each backend, six hours later.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from snapstart_hooks.testing import CloneUnsupported, clones, find_hazards

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parents[1] / "docs" / "fidelity.md"
BEGIN: Final = "<!-- measured: python examples/fidelity --write -->\n"
HOURS: Final = 6


class Kind(NamedTuple):
    """A kind of state.

    Attributes:
        title: What it is.
        machine: What a virtual machine does.
        reported: The beginning of ``code:subject`` by which it is told, if it does harm.
        same: What it is called if both clones answer the same, and ``other`` if they do not; empty to show the answer.
    """

    title: str
    machine: str
    reported: str = ""
    same: str = ""
    other: str = ""


REPEATS: Final = ("repeats", "differs")
OWN: Final = ("own", "shared")
KINDS: Final = {
    "random": Kind("`random`, drawn from before", "repeats", "repeated-random:random", *REPEATS),
    "ssl": Kind("OpenSSL's generator, six hours later", "differs", "", *REPEATS),
    "tempfile": Kind("names of `tempfile`", "repeats", "repeated-random:tempfile", *REPEATS),
    "uuid4": Kind("`uuid.uuid4()`", "differs", "", *REPEATS),
    "instance": Kind("an id made at import", "repeats", "repeated-value:response $.instance", *REPEATS),
    "hash": Kind("`hash()` of a text", "repeats", "", *REPEATS),
    "pid": Kind("`os.getpid()`", "repeats", "", *REPEATS),
    "dead": Kind("a TCP connection to a server", "ConnectionResetError", "changed-answer:response $.dead"),
    "inside": Kind("a connection with both ends inside", "x"),
    "thread": Kind("a thread", "runs", "live-thread:thread beat"),
    "pool": Kind("a `ThreadPoolExecutor`", "works", "live-thread:thread ThreadPool"),
    "timers": Kind("`threading.Timer`, `setitimer`", "Timer and setitimer", "live-thread:thread Thread-"),
    "child": Kind("a child process, through its pipes", "x", "child-process:process cat"),
    "task": Kind("a task of an event loop", "slept"),
    "file": Kind("a file in `/tmp`", "own", "open-temporary-file", *OWN),
    "lock": Kind("a lock on it, `fcntl.lockf`", "held"),
    "value": Kind("`multiprocessing.Value`", "own", "", *OWN),
    "anonymous": Kind("a shared anonymous map", "own", "", *OWN),
    "clock": Kind("the wall clock, in Python", "moved"),
    "compiled": Kind("the wall clock, in compiled code", "moved"),
    "monotonic": Kind("`time.monotonic`", "goes on"),
}


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Something that answers; its port."""

    def talk(connection: socket.socket) -> None:
        with connection:
            while connection.recv(100):
                connection.sendall(b"y")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield str(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


def shown(name: str, answers: list[dict[str, str]]) -> str:
    """What two clones answered, in a word."""
    kind, (first, second) = KINDS[name], (answer[name] for answer in answers)
    if name in {"clock", "compiled"}:
        return "moved" if int(first) >= HOURS * 3600 else "not moved"
    if name == "monotonic":
        return "goes on" if 0 <= int(first) < HOURS * 60 else "jumps"
    if kind.same:
        return kind.same if first == second else kind.other
    return first if first == second else f"{first}, {second}"


def measured(backend: Literal["criu", "namespace", "fork"], environment: dict[str, str]) -> dict[str, str]:
    """What each kind does with a backend."""
    try:
        run = clones(
            2,
            "kinds.handler",
            task_root=HERE,
            elapsed=HOURS * 3600,
            environment=environment,
            parallel=1,
            backend=backend,
        )
    except CloneUnsupported as error:
        print(f"{backend}: {error}", file=sys.stderr)
        return dict.fromkeys(KINDS, "?")
    return {name: shown(name, run.responses) for name in KINDS}


def main() -> None:
    """Print or write the table."""
    with server() as port:
        environment = {"PEER": port, "PYTHON": sys.executable}
        columns = [measured(backend, environment) for backend in ("criu", "namespace", "fork")]
        report = find_hazards(2, "kinds.handler", task_root=HERE, elapsed=HOURS * 3600, environment=environment)
    told = {f"{hazard.code}:{hazard.subject}": hazard for hazard in report.hazards}
    lines = ["| state | virtual machine | criu | namespace | fork | reported |", "|---|---|---|---|---|---|"]
    for name, kind in KINDS.items():
        found = next((f"`{told[key].code}`" for key in told if kind.reported and key.startswith(kind.reported)), "")
        if kind.reported and not found:
            found = "**missed**"
        cells = [f"**{column[name]}**" if column[name] != kind.machine else column[name] for column in columns]
        lines.append(f"| {' | '.join((kind.title, kind.machine, *cells, found))} |")
    table = "\n".join(lines) + "\n"
    if "--write" in sys.argv:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(page.partition(BEGIN)[0] + BEGIN + table, encoding="utf-8")
    else:
        print(table, end="")


if __name__ == "__main__":
    main()
