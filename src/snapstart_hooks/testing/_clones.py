"""`clones`: initialise a function once, and restore it several times."""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.util
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypedDict

from snapstart_hooks.testing._backends import backend_named
from snapstart_hooks.testing._credentials import CredentialsEndpoint
from snapstart_hooks.testing._environment import CREDENTIALS_TOKEN, function_arn, lambda_environment
from snapstart_hooks.testing._errors import CloneError, CloneUnsupported
from snapstart_hooks.testing._outcome import CloneRun, SnapshotOutcome, clone_outcome, ended_by_itself, told
from snapstart_hooks.testing._process import Job
from snapstart_hooks.testing._target import references

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from snapstart_hooks.testing._backends import CloneBackend
    from snapstart_hooks.testing._inside.wire import (
        CloneRecord,
        EndedMessage,
        InitFailedMessage,
        Message,
        Plan,
        SnapshotMessage,
    )
    from snapstart_hooks.testing._target import Subject

__all__ = ("CloneOptions", "Progress", "clones", "directory", "elapsed_seconds", "encoded_events", "need")


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Attributes:
        stage: ``snapshot`` when it has been taken, ``clone`` when one has ended.
        done: How many clones have ended.
        total: How many there are.
    """

    stage: Literal["snapshot", "clone"]
    done: int
    total: int


class CloneOptions(TypedDict, total=False):
    """The options of `clones`, for those who hand them on."""

    events: Sequence[object] | None
    hooks: bool
    elapsed: dt.timedelta | float | None
    dead_connections: bool | Literal["reset", "blackhole"]
    environment: Mapping[str, str | None] | None
    restored_environment: Mapping[str, str | None] | None
    credentials: Literal["lambda", "inherit"]
    task_root: str | os.PathLike[str] | None
    timeout: float
    init_timeout: float
    parallel: int | None
    instruments: Sequence[str]
    on_progress: Callable[[Progress], None] | None
    backend: CloneBackend | Literal["namespace", "fork"]


def clones(
    n: int,
    subject: Subject,
    *,
    event: object = None,
    events: Sequence[object] | None = None,
    hooks: bool = True,
    elapsed: dt.timedelta | float | None = None,
    dead_connections: bool | Literal["reset", "blackhole"] = False,
    environment: Mapping[str, str | None] | None = None,
    restored_environment: Mapping[str, str | None] | None = None,
    credentials: Literal["lambda", "inherit"] = "lambda",
    task_root: str | os.PathLike[str] | None = None,
    timeout: float = 30.0,
    init_timeout: float = 130.0,
    parallel: int | None = None,
    instruments: Sequence[str] = (),
    on_progress: Callable[[Progress], None] | None = None,
    backend: CloneBackend | Literal["namespace", "fork"] = "namespace",
) -> CloneRun:
    """Initialise a function, take a snapshot of it, and restore that in `n` clones.

    All of it happens in other processes.  There the real `awslambdaric` loads the
    handler, runs the hooks and answers the events; the snapshot is where it waits for
    ``/restore/next``.  What the function or a clone does wrong is in what is returned,
    and raises nothing here; ``run.check()`` does.

    Args:
        n: How many clones.
        subject: A Lambda handler string such as ``"app.lambda_handler"``; or a function
            that is called in each clone and returns what JSON can hold; or a `Target`.
        event: The event that each clone is given; an empty one by default.
        events: Several events for each clone, instead of `event`; none, to stop when
            all after_restore hooks have run.
        hooks: Whether before_snapshot and after_restore hooks run.
        elapsed: By how much the wall clock of the clones has moved since the snapshot,
            in seconds or as a `timedelta`.  `time.monotonic` does not move, as after a
            restore.  Needs `time-machine`.
        dead_connections: Let every TCP connection that was open at the snapshot be dead
            in the clones: the first ``send`` succeeds and is answered by a reset
            (``"reset"``, or ``True``) or by nothing (``"blackhole"``).  Nothing is sent
            to the real peer, so that the session there lives on.
        environment: Changes to the environment of the function; ``None`` unsets.
            Lambda's own variables are set already.
        restored_environment: Changes that happen at the restore.
        credentials: ``"lambda"`` gives the function made-up credentials from an endpoint,
            other ones for each clone; ``"inherit"`` leaves it those of this process.
        task_root: The directory of the function's code, in which it runs; by default the
            current one.  Modules are looked up there first, then where this process does.
        timeout: Seconds for each clone, from its resume to its end.
        init_timeout: Seconds up to the snapshot.
        parallel: How many clones run at the same time; by default one for each
            processor, so that what is measured is not what they wait for each other.
        instruments: Names, ``module:attribute``, of objects or classes that watch from
            inside (see `Instrument`).
        on_progress: Is told how far the run has come.
        backend: How clones are made.

    Raises:
        CloneUnsupported: Clones cannot be made here; the message says why.
        CloneError: The processes could not be run.
        TypeError: An argument is not what it must be.
        ValueError: Likewise.
    """
    chosen = backend_named(backend)
    seconds = elapsed_seconds(elapsed)
    root = directory(task_root)
    _check_numbers(n=n, timeout=timeout, init_timeout=init_timeout, parallel=1 if parallel is None else parallel)
    dead = _dead(dead_connections)
    if credentials not in ("lambda", "inherit"):
        msg = f"credentials={credentials!r} is not known; known are 'lambda' and 'inherit'"
        raise ValueError(msg)
    need("awslambdaric", "the Lambda runtime, which runs the function")
    if seconds:
        need("time_machine", "time-machine, which moves the clock for elapsed=")
    handler, init, probe = references(subject)
    with contextlib.ExitStack() as stack:
        endpoint = stack.enter_context(CredentialsEndpoint()) if credentials == "lambda" else None
        variables = lambda_environment(
            handler,
            credentials_uri=endpoint.uri if endpoint else None,
            token=endpoint.token("INIT") if endpoint else "",
            extra=environment or {},
            task_root=str(root),
        )
        plan: Plan = {
            "method": "namespace",
            "handler": handler,
            "init": init,
            "probe": probe,
            "events": _events(event, events),
            "count": n,
            "parallel": parallel or os.cpu_count() or 1,
            "timeout": timeout,
            "elapsed": seconds,
            "dead_connections": dead,
            "hooks": hooks,
            "environment": [
                {
                    **({CREDENTIALS_TOKEN: endpoint.token(f"CLONE{i}", seconds)} if endpoint else {}),
                    **(restored_environment or {}),
                }
                for i in range(n)
            ],
            "path": _path(root),
            "function_arn": function_arn(variables),
            "instruments": list(instruments),
        }
        messages = _Messages(n, on_progress)
        chosen.run(Job(plan, variables, root, init_timeout), messages.add)
    return messages.outcome(chosen)


class _Messages:
    """What the processes told, put together."""

    def __init__(self, count: int, on_progress: Callable[[Progress], None] | None) -> None:
        self._count: Final = count
        self._on_progress: Final = on_progress
        self._snapshot: SnapshotMessage | None = None
        self._failed: InitFailedMessage | None = None
        self._ended: EndedMessage | None = None
        self._complete = False
        self._clones: list[CloneRecord] = []

    def add(self, message: Message) -> None:
        match message["type"]:
            case "snapshot":
                self._snapshot = message
                self._progress("snapshot")
            case "clone":
                self._clones.append(message["clone"])
                self._progress("clone")
            case "init failed":
                self._failed = message
            case "end":
                self._complete = True
            case "ended":
                self._ended = message

    def _progress(self, stage: Literal["snapshot", "clone"]) -> None:
        if self._on_progress is not None:
            self._on_progress(Progress(stage, len(self._clones), self._count))

    def outcome(self, backend: CloneBackend) -> CloneRun:
        taken, ended = self._snapshot, self._ended
        if ended is None or (taken is not None and not self._complete):
            msg = f"the clones were not watched to their end: {len(self._clones)} of {self._count} are done"
            if ended is not None:
                msg += f" (status {ended['status']})\n{ended['stack']}{ended['stderr']}"
            raise CloneError(msg)
        told_by = taken or self._failed
        status = ended["status"]
        fields = told(told_by["record"] if told_by else None)
        if told_by is None and status >= 0 and not ended["timed_out"]:
            fields["error"] = ended_by_itself(status)
        snapshot = SnapshotOutcome(
            **fields,
            exit_code=None if taken is not None or status < 0 else status,
            signal=signal.Signals(-status).name if status < 0 and not ended["timed_out"] else None,
            timed_out=ended["timed_out"],
            stack=ended["stack"],
            stdout=ended["stdout"],
            stderr=ended["stderr"],
            seconds=ended["seconds"],
            threads=tuple(taken["threads"]) if taken else (),
        )
        outcomes = sorted((clone_outcome(record) for record in self._clones), key=lambda clone: clone.index)
        limits = (*backend.limits, *(taken["notes"] if taken else ()))
        return CloneRun(backend.name, limits, snapshot, tuple(outcomes))


def _check_numbers(**numbers: float) -> None:
    for name, number in numbers.items():
        if not number > 0:
            msg = f"{name}={number} must be above 0"
            raise ValueError(msg)


def _dead(given: object) -> Literal["reset", "blackhole"] | None:
    match given:
        case True | "reset":
            return "reset"
        case False:
            return None
        case "blackhole":
            return "blackhole"
        case _:
            msg = f"dead_connections={given!r} is not known; known are True, False, 'reset' and 'blackhole'"
            raise ValueError(msg)


def directory(task_root: str | os.PathLike[str] | None) -> Path:
    """Where the function's code is.

    Raises:
        ValueError: It is no directory.
    """
    root = Path(task_root or ".").resolve()
    if not root.is_dir():
        msg = f"task_root={os.fspath(root)!r} is not a directory"
        raise ValueError(msg)
    return root


def elapsed_seconds(elapsed: dt.timedelta | float | None) -> float:
    """By how many seconds the wall clock moves at the restore."""
    return elapsed.total_seconds() if isinstance(elapsed, dt.timedelta) else float(elapsed or 0.0)


def _events(event: object, events: Sequence[object] | None) -> list[str]:
    if events is not None and event is not None:
        msg = "give either event= or events=, not both"
        raise TypeError(msg)
    return encoded_events(events if events is not None else [{} if event is None else event])


def encoded_events(events: Sequence[object]) -> list[str]:
    """The JSON text of each event.

    Raises:
        TypeError: It is not what JSON can hold.
    """
    try:
        return [json.dumps(event) for event in events]
    except (TypeError, ValueError) as error:
        msg = f"an event is not what JSON can hold: {error}"
        raise TypeError(msg) from error


def _path(root: Path) -> list[str]:
    """Where the function's modules are looked up."""
    rest = [str(Path(entry).absolute()) for entry in sys.path]  # an empty entry is the current directory
    return [str(root), *(entry for entry in rest if entry != str(root))]


def need(module: str, what: str) -> None:
    """See that a package of the extra is there.

    Raises:
        CloneUnsupported: It is not.
    """
    if importlib.util.find_spec(module) is None:
        msg = f"{what}, is not installed: pip install 'snapstart-hooks[testing]'"
        raise CloneUnsupported(msg)
