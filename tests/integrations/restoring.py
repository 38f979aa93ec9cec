"""How all tests of integrations restore a function, and what they do to its connections."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from snapstart_hooks import Registry
from snapstart_hooks.integrations._live import Live
from snapstart_hooks.testing import clones

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from snapstart_hooks.testing import CloneRun

__all__ = ("FUNCTIONS", "included", "ran", "relay", "restored", "severed")

FUNCTIONS: Final = Path(__file__).parent / "functions"


def restored(
    function: str,
    servers: Mapping[str, str] | None = None,
    *,
    ours: bool = True,
    dead: str | bool = True,
    elapsed: float | None = None,
    events: list[object] | None = None,
    **environment: str,
) -> CloneRun:
    """A module of ``functions/`` in two clones, in which all connections of the snapshot are dead.

    Args:
        function: The module; it has a ``lambda_handler``, and imports `snapstart_hooks`.
        servers: Variables of the environment in which it finds its servers.
        ours: Whether the integrations run. Without them the bug has to be seen.
        dead: ``"blackhole"`` for connections that never answer, instead of a reset.
        elapsed: Seconds by which the wall clock moves.
        events: For each clone; one empty one by default.
        environment: Further variables.
    """
    off = {"SNAPSTART_HOOKS_DISABLE": None if ours else "snapstart-hooks"}
    return clones(
        2,
        f"{function}.lambda_handler",
        dead_connections=cast("bool", dead),
        elapsed=elapsed,
        events=events,
        environment={**(servers or {}), **off, **environment},
        task_root=FUNCTIONS,
        timeout=60,
    )


def ran(run: CloneRun, phase: str = "after_restore") -> dict[str, str]:
    """What became of our hooks in a phase, by name: ``{"redis[1]": "ok"}``."""
    report = run.snapshot.before_report if phase == "before_snapshot" else run.clones[0].after_report
    assert report is not None
    hooks = cast("list[dict[str, str]]", report["hooks"])
    return {
        hook["hook"].removeprefix("snapstart-hooks:"): hook["outcome"]
        for hook in hooks
        if hook["hook"].startswith("snapstart-hooks:")
    }


# Without clones: quicker, and with the oldest version of a library.


def included(name: str) -> tuple[Registry, ModuleType]:
    """A registry with one integration alone, and that."""
    module = import_module(f"snapstart_hooks.integrations.{name}")
    Live.forget()  # as `snapstart-hooks:gc` does before the first hook
    registry = Registry()
    registry.include(cast("Registry", module), name=f"snapstart-hooks:{name}")
    return registry, module


@contextlib.contextmanager
def severed(port: int) -> Iterator[int]:
    """Every connection of this process to a port, cut as a dead peer's: while it lasts, how many that were."""
    cut = 0
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(entry.name))) as connection:
            if connection.family in {socket.AF_INET, socket.AF_INET6} and connection.getpeername()[1] == port:
                connection.shutdown(socket.SHUT_RDWR)
                cut += 1
    yield cut


class Relay:
    """A server's port, from which what is open can be made to die; see ``relay.py``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process: Final = process
        self.port: Final = int(self._answer())

    def kill(self, how: str) -> None:
        """Let the connections that are open now never answer again (``"hole"``), or with a ``"reset"``."""
        assert self._process.stdin is not None
        print(how, file=self._process.stdin, flush=True)
        assert self._answer() == "done"

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextlib.contextmanager
def relay(port: int) -> Iterator[Relay]:
    """Something that leads to `port`, in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("relay.py")), str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Relay(process)
        finally:
            process.kill()
