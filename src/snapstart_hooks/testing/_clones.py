"""`clones`: initialise a function once, and restore it several times."""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.util
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypedDict, Unpack

from snapstart_hooks.testing._backends import LIMITS, chosen, run
from snapstart_hooks.testing._credentials import CredentialsEndpoint
from snapstart_hooks.testing._environment import CREDENTIALS_TOKEN, function_arn, lambda_environment
from snapstart_hooks.testing._errors import CloneError, CloneUnsupported
from snapstart_hooks.testing._inside.wire import FAULT
from snapstart_hooks.testing._outcome import CloneRun, clone_outcome, not_restored, snapshot_outcome
from snapstart_hooks.testing._target import references

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from snapstart_hooks.testing._inside.wire import Method, Plan
    from snapstart_hooks.testing._outcome import CloneOutcome, SnapshotOutcome
    from snapstart_hooks.testing._process import Processes
    from snapstart_hooks.testing._target import Subject

__all__ = ("CloneOptions", "Function", "Progress", "clones", "directory", "elapsed_seconds", "encoded_events", "need")


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
    """The options of `clones`, also for functions that pass them on.

    Attributes:
        events: Several events for each clone, instead of `event`; none, to stop when
            all after_restore hooks have run.
        hooks: Whether before_snapshot and after_restore hooks run.
        elapsed: By how much the wall clock of the clones has moved since the snapshot,
            in seconds or as a `timedelta`.  `time.monotonic` does not move, as after a
            restore.  Needs `time-machine`.
        dead_connections: What became of the connections that were open at the snapshot.
            As on Lambda they are dead in the clones: the first ``send`` succeeds and is
            answered by a reset (``"reset"``, or ``True``) or by nothing (``"blackhole"``).
            Nothing is sent to the real peer, so that the session there lives on.
            ``False`` lets all clones share them with their peers, which no restore does.
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
            The last one runs alone, so that a number that others change is not the same in all.
        instruments: Names, ``module:attribute``, of objects or classes that watch from
            inside (see `Instrument`).
        on_progress: Called with a `Progress` when the snapshot is taken, and when a clone has ended.
        backend: ``"criu"``, ``"namespace"`` or ``"fork"``; by default the best way there is here.
    """

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
    backend: Literal["criu", "namespace", "fork"] | None


def clones(n: int, subject: Subject, *, event: object = None, **options: Unpack[CloneOptions]) -> CloneRun:
    """Initialise a function once, take a snapshot of it, and restore that in `n` clones.

    All of it happens in other processes.  There the real `awslambdaric` loads the
    handler, runs the hooks and answers the events; the snapshot is where it waits for
    ``/restore/next``.  What the function or a clone does wrong is in what is returned,
    and raises nothing here; ``run.check()`` does.

    Args:
        n: How many clones.
        subject: A Lambda handler string such as ``"app.lambda_handler"``; or a function
            that is called in each clone and returns what JSON can hold; or a `Target`.
        event: The event that each clone is given; an empty one by default.
        **options: See `CloneOptions`.

    Raises:
        CloneUnsupported: Clones cannot be made here; the message says why.
        CloneError: The processes could not be run.
        TypeError: An argument is not what it must be.
        ValueError: Likewise.
    """
    # pyrefly: ignore[open-unpacking]  # only PEP 728 lets a TypedDict say that it has no other keys
    return Function(subject, event, **options).restored(n)


class Function:
    """What is restored, and how; checked, and ready to be restored or only started.

    Attributes:
        task_root: The directory of its code.
        elapsed: Seconds by which the wall clock moves at the restore.
    """

    def __init__(
        self,
        subject: Subject,
        event: object,
        *,
        events: Sequence[object] | None = None,
        hooks: bool = True,
        elapsed: dt.timedelta | float | None = None,
        dead_connections: bool | Literal["reset", "blackhole"] = True,
        environment: Mapping[str, str | None] | None = None,
        restored_environment: Mapping[str, str | None] | None = None,
        credentials: Literal["lambda", "inherit"] = "lambda",
        task_root: str | os.PathLike[str] | None = None,
        timeout: float = 30.0,
        init_timeout: float = 130.0,
        parallel: int | None = None,
        instruments: Sequence[str] = (),
        on_progress: Callable[[Progress], None] | None = None,
        backend: Literal["criu", "namespace", "fork"] | None = None,
    ) -> None:
        """Take the options of `clones`, and raise what that raises."""
        self._events: Final = _events(event, events)
        self._hooks: Final = hooks
        self._dead: Final = _dead(dead_connections)
        self._environment: Final = environment or {}
        self._restored_environment: Final = restored_environment or {}
        self._credentials: Final = credentials
        self._timeout: Final = timeout
        self._init_timeout: Final = init_timeout
        self._parallel: Final = os.cpu_count() or 1 if parallel is None else parallel
        self._instruments: Final = instruments
        self._on_progress: Final = on_progress
        self._asked: Final = backend
        self._backend: Method = chosen(backend)
        self._fell_back: tuple[str, ...] = ()
        self.elapsed: Final = elapsed_seconds(elapsed)
        self.task_root: Final = directory(task_root)
        _check_numbers(timeout=timeout, init_timeout=init_timeout, parallel=self._parallel)
        if credentials not in ("lambda", "inherit"):
            msg = f"credentials={credentials!r} is not known; known are 'lambda' and 'inherit'"
            raise ValueError(msg)
        need("awslambdaric", "the Lambda runtime, which runs the function")
        self._handler, self._init, self._probe = references(subject)

    def restored(
        self, n: int, *, apart: float = 0.0, environment: Mapping[str, str] | None = None, probe: str | None = None
    ) -> CloneRun:
        """Restore it in clones (see `clones`).

        Args:
            n: How many.
            apart: Seconds from each restore to the next, as the wall clocks of the clones have it.
            environment: What else is in its environment.
            probe: One more instrument.
        """
        _check_numbers(n=n)
        elapsed = [self.elapsed + index * apart for index in range(n)]
        processes = self._run(elapsed, 0.0, environment or {}, probe, self._on_progress)
        if processes.taken and not processes.ended:
            msg = (
                f"the clones were not watched to their end: {len(processes.clones)} of {n} are done "
                f"(status {processes.status})\n{processes.stack}{processes.stderr}"
            )
            raise CloneError(msg)
        outcomes = sorted((clone_outcome(record) for record in processes.clones), key=lambda clone: clone.index)
        for clone in outcomes:
            if clone.error is not None and clone.error.kind == FAULT:
                msg = f"clone {clone.index}: {clone.error.message}\n{''.join(clone.error.stack)}"
                raise CloneError(msg)
        limits = (*LIMITS[self._backend], *processes.notes, *self._fell_back)
        return CloneRun(self._backend, limits, snapshot_outcome(processes), tuple(outcomes))

    def started(
        self, later: float, environment: Mapping[str, str], probe: str | None = None
    ) -> CloneOutcome | SnapshotOutcome:
        """Start it again, and let it run its hooks and answer the events without ever being restored.

        Args:
            later: Seconds by which its wall clock is ahead of that of the clones, from its start on.
            environment: What else is in its environment.
            probe: One more instrument.
        """
        processes = self._run([], self.elapsed + later, environment, probe, None)
        return clone_outcome(processes.clones[0]) if processes.clones else snapshot_outcome(processes)

    def _run(
        self,
        elapsed: list[float],
        moved: float,
        environment: Mapping[str, str],
        probe: str | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> Processes:
        if moved or any(elapsed):
            need("time_machine", "time-machine, which moves the clock for elapsed=")
        with contextlib.ExitStack() as stack:
            endpoint = stack.enter_context(CredentialsEndpoint()) if self._credentials == "lambda" else None
            variables = lambda_environment(
                self._handler,
                credentials_uri=endpoint.uri if endpoint else None,
                token=endpoint.token("INIT", moved) if endpoint else "",
                extra={**environment, **self._environment},
                task_root=str(self.task_root),
            )
            plan: Plan = {
                "method": self._backend,
                "criu": [],
                "images": "",
                "notes": [],
                "handler": self._handler,
                "init": self._init,
                "probe": self._probe,
                "events": self._events,
                "count": len(elapsed),
                "parallel": self._parallel,
                "timeout": self._timeout,
                "elapsed": elapsed,
                "moved": moved,
                "dead_connections": self._dead,
                "hooks": self._hooks,
                "environment": [
                    {
                        **({CREDENTIALS_TOKEN: endpoint.token(f"CLONE{i}", ahead)} if endpoint else {}),
                        **self._restored_environment,
                    }
                    for i, ahead in enumerate(elapsed or [moved])
                ],
                "path": _path(self.task_root),
                "function_arn": function_arn(variables),
                "instruments": [*self._instruments, *filter(None, (probe,))],
            }
            stages: set[tuple[bool, int]] = {(False, 0)}

            def progress(processes: Processes) -> None:
                stage = (processes.taken, len(processes.clones))
                if on_progress is not None and stage not in stages:
                    stages.add(stage)
                    on_progress(Progress("clone" if stage[1] else "snapshot", stage[1], len(elapsed)))

            while True:
                why = ""
                try:
                    processes = run(plan, variables, self.task_root, self._init_timeout, progress)
                except CloneUnsupported as error:
                    if self._asked is not None or self._backend != "criu":
                        raise
                    why = str(error)
                else:
                    why = not_restored(processes) if self._asked is None and self._backend == "criu" else ""
                    if not why:
                        return processes
                self._backend = plan["method"] = "namespace"
                self._fell_back = (f"not made by CRIU: {why}",)


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
