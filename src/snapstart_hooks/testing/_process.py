"""Runs a plan in processes of its own, and reads what they send."""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from snapstart_hooks.testing._errors import CloneError, CloneUnsupported
from snapstart_hooks.testing._inside import wire
from snapstart_hooks.testing._inside.processes.stacks import read_stack, stack_file

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from snapstart_hooks.testing._inside.wire import CloneRecord, Message, Plan, RuntimeRecord

__all__ = ("Processes", "Run")

_INSIDE: Final = Path(__file__).with_name("_inside")

# Under another name, because importing `snapstart_hooks` in there would activate it.
_START: Final = """\
import sys
from importlib.util import module_from_spec, spec_from_file_location
folder = sys.argv[1]
spec = spec_from_file_location("_snapstart_inside", folder + "/__init__.py", submodule_search_locations=[folder])
module = sys.modules[spec.name] = module_from_spec(spec)
spec.loader.exec_module(module)
from importlib import import_module
import_module(f"_snapstart_inside.processes.{sys.argv[2]}").main(*map(int, sys.argv[3:]))
"""

_GRACE: Final = 10.0
"""Seconds for processes to end that are asked to, and for all that is not the function."""

_READ: Final = 1 << 16
_LOG_LIMIT: Final = 1 << 20


class _Log:
    def __init__(self) -> None:
        self._data = bytearray()

    def add(self, chunk: bytes) -> None:
        self._data += chunk[: _LOG_LIMIT - len(self._data)]

    @override
    def __str__(self) -> str:
        return self._data.decode(errors="replace")


@dataclass
class Processes:
    """What the processes of a run sent, and how they ended.

    Attributes:
        record: What the runtime did up to the snapshot, or until it ended before one.
        threads: The names of the threads that the clones do not have.
        notes: What is weaker in this run than it should be.
        taken: Whether there was a snapshot.
        clones: The records of the clones that have ended.
        ended: Whether all clones have ended.
        status: The zygote's exit code, or the negative number of the signal that ended it.
        timed_out: Whether the zygote was ended for its time limit.
        stdout: The zygote's standard output, up to the snapshot.
        stderr: Its standard error.
        stack: The stacks of its threads at its time limit, or when it crashed.
        seconds: The time from its start to the end of all processes.
    """

    record: RuntimeRecord | None = None
    threads: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    taken: bool = False
    clones: list[CloneRecord] = field(default_factory=list["CloneRecord"])
    ended: bool = False
    status: int | None = None
    timed_out: bool = False
    stdout: str = ""
    stderr: str = ""
    stack: str = ""
    seconds: float = 0.0


class Run:
    """A run of a plan with the keeper of `snapstart_hooks.testing._inside`, and the pipes to it."""

    def __init__(
        self,
        plan: Plan,
        environment: Mapping[str, str],
        task_root: Path,
        init_timeout: float,
        on_message: Callable[[Processes], None],
    ) -> None:
        """Start the keeper; `on_message` is given what is known after each message of the processes."""
        if not sys.executable:
            msg = "this Python does not know its own executable (sys.executable is empty), so no other can be started"
            raise CloneUnsupported(msg)
        self._plan: Final = plan
        self._init_timeout: Final = init_timeout
        self._on_message: Final = on_message
        self._processes: Final = Processes()
        self._stdout: Final = _Log()
        self._stderr: Final = _Log()
        self._line = bytearray()
        self._stack: Final = stack_file()
        self._control, control = os.pipe()
        lifeline, self._lifeline = os.pipe()
        file = os.memfd_create("snapstart-plan", os.MFD_CLOEXEC)
        theirs = (file, control, lifeline, self._stack)
        try:
            os.write(file, wire.encode(plan))
            os.lseek(file, 0, os.SEEK_SET)
            self._started: Final = time.monotonic()
            self._deadline = self._started + init_timeout + _GRACE
            self._keeper: Final = subprocess.Popen(
                [sys.executable, "-c", _START, str(_INSIDE), "keeper", *map(str, theirs)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environment),
                cwd=task_root,
                pass_fds=theirs,
                start_new_session=True,
            )
            pipes = self._keeper.stdout, self._keeper.stderr
            logs = self._stdout, self._stderr
            self._outputs: Final = [(pipe, log) for pipe, log in zip(pipes, logs, strict=True) if pipe is not None]
        except BaseException:
            os.close(self._control)
            os.close(self._lifeline)
            os.close(self._stack)
            raise
        finally:
            for fd in (file, control, lifeline):
                os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Leave nothing behind."""
        self._cut()
        try:
            self._keeper.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._keeper.kill()  # the zygote ends with it, and its namespace with the zygote
            self._keeper.wait()
        for pipe, _ in self._outputs:
            pipe.close()
        os.close(self._control)
        os.close(self._stack)

    def read(self) -> Processes:
        """Read all messages and outputs, until the processes have ended or their time is over.

        Raises:
            CloneUnsupported: They say that clones cannot be made here.
            CloneError: They did not start, or what they sent is not understood.
        """
        with selectors.DefaultSelector() as selector:
            for fd, take in (
                (self._control, self._take),
                *((pipe.fileno(), log.add) for pipe, log in self._outputs),
            ):
                os.set_blocking(fd, False)
                selector.register(fd, selectors.EVENT_READ, take)
            while self._control in selector.get_map():
                for key, _ in selector.select(max(0.0, self._deadline - time.monotonic())):
                    if chunk := os.read(key.fd, _READ):
                        key.data(chunk)
                    else:
                        selector.unregister(key.fd)
                if time.monotonic() >= self._deadline:
                    if self._processes.timed_out:
                        break
                    self._processes.timed_out = True
                    self._deadline = time.monotonic() + _GRACE
                    self._cut()
            for key in list(selector.get_map().values()):
                with contextlib.suppress(BlockingIOError):
                    while chunk := os.read(key.fd, _READ):
                        key.data(chunk)
        processes = self._processes
        if processes.status is None and not processes.timed_out:
            msg = f"the process that keeps the function's did not work:\n{self._stderr}"
            raise CloneError(msg)
        processes.stdout, processes.stderr = str(self._stdout), str(self._stderr)
        processes.stack = read_stack(self._stack)
        processes.seconds = time.monotonic() - self._started
        return processes

    def _take(self, chunk: bytes) -> None:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line = bytes(self._line + end)
            self._line.clear()
            try:
                message = cast("Message", wire.decode(line))
            except (TypeError, ValueError) as error:
                msg = f"a process of the run sent {line[:200]!r}: {error}"
                raise CloneError(msg) from error
            self._understand(message)
        self._line += rest

    def _understand(self, message: Message) -> None:
        processes, plan = self._processes, self._plan
        match message["type"]:
            case "unsupported":
                msg = (
                    f"clones with a PID namespace cannot be made here: {message['reason']}. "
                    'Or use backend="fork" (--backend fork), which hides what `os.fork` hides; its result says what.'
                )
                raise CloneUnsupported(msg)
            case "begun":
                self._deadline = time.monotonic() + self._init_timeout
            case "snapshot":
                processes.taken, processes.record = True, message["record"]
                processes.threads, processes.notes = message["threads"], message["notes"]
                seconds = plan["timeout"]  # of a start that is not restored: nothing in it ends it
                if plan["count"]:  # clones are ended inside
                    seconds = (math.ceil((plan["count"] - 1) / plan["parallel"]) + 1) * (seconds + 2) + _GRACE
                self._deadline = time.monotonic() + seconds
            case "init failed":
                processes.record = message["record"]
            case "clone":
                processes.clones.append(message["clone"])
            case "end":
                processes.ended = True
            case "zygote ended":
                if processes.status is None:  # else the zygote's own is known
                    processes.status = message["status"]
        self._on_message(processes)

    def _cut(self) -> None:
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
