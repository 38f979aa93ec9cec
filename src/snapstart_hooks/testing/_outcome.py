"""What came of a run: of the snapshot, of each clone, of each invocation."""
# What a function answers, and what instruments see, is whatever JSON can hold.
# mypy: disable-error-code="explicit-any"

from __future__ import annotations

import base64
import dataclasses
import json
import re
import signal
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from snapstart_hooks.testing._errors import ClonesFailed
from snapstart_hooks.testing._inside.wire import UNRESTORED

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable

    from snapstart_hooks.testing._inside.wire import CloneRecord, InvocationRecord, Json, RuntimeRecord
    from snapstart_hooks.testing._process import Processes

__all__ = ("CloneOutcome", "CloneRun", "Failure", "Invocation", "RunOutcome", "SnapshotOutcome")


@dataclass(frozen=True)
class Failure:
    """An error, as the runtime reports it to Lambda.

    Attributes:
        kind: The category that is reported with it, such as ``Runtime.AfterRestoreError``;
            empty for an error of an invocation.
        type: ``errorType``: the name of the exception's class.
        message: ``errorMessage``: the exception's text.
        stack: ``stackTrace``: its lines.
    """

    kind: str
    type: str
    message: str
    stack: tuple[str, ...] = ()

    @override
    def __str__(self) -> str:
        kind = f"[{self.kind}] " if self.kind not in {"", self.type} else ""
        return f"{kind}{self.type}: {self.message}"


@dataclass(frozen=True)
class Invocation:
    """How one event was answered.

    Attributes:
        request_id: ``context.aws_request_id``.
        response: What the handler returned, after the runtime made JSON of it and a
            client read that; ``bytes`` if the handler returned bytes.
        error: What was answered instead.
        seconds: How long it took.
    """

    request_id: str
    response: Any = None
    error: Failure | None = None
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the invocation for JSON; an answer of bytes is in ``response_base64``."""
        binary = isinstance(self.response, bytes)
        return {
            "request_id": self.request_id,
            "seconds": round(self.seconds, 6),
            "response": None if binary else self.response,
            "response_base64": base64.b64encode(self.response).decode() if binary else None,
            "error": None if self.error is None else dataclasses.asdict(self.error),
        }


@dataclass(frozen=True)
class RunOutcome:
    """The outcome of a process that ran from its start, or its resume, to its end.

    Attributes:
        exit_code: The exit code of the runtime: 0 when all events were answered, 1 when the handler
            could not be loaded, 64 when a before_snapshot hook failed, 65 when an
            after_restore hook did; ``None`` if a signal ended it, or it is a zygote,
            which goes on as its clones.
        error: What was reported about the initialisation or the restore.
        invocations: One for each event that was given, in their order.
        before_report: `PhaseReport.to_dict` of the before_snapshot phase; ``None`` if the
            function does not use `snapstart_hooks`.
        after_report: The same of the after_restore phase.
        init_seconds: How long the handler took to load.
        before_seconds: How long all before_snapshot hooks took, also those of others.
        after_seconds: From the resume to the request for the first event: what Lambda
            holds against its limit of 10 s.
        stdout: Its standard output, with the log lines of the runtime.
        stderr: Its standard error.
        observations: What instruments saw, by their name and then by the occasion.
    """

    exit_code: int | None = None
    error: Failure | None = None
    invocations: tuple[Invocation, ...] = ()
    before_report: dict[str, Any] | None = None
    after_report: dict[str, Any] | None = None
    init_seconds: float | None = None
    before_seconds: float | None = None
    after_seconds: float | None = None
    stdout: str = ""
    stderr: str = ""
    observations: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    @property
    def failure(self) -> str | None:
        """The reason why the process failed, in a few words; ``None`` if it did not fail."""
        if self.error is not None:
            return str(self.error)
        for number, invocation in enumerate(self.invocations):
            if invocation.error is not None:
                return f"event {number}: {invocation.error}" if len(self.invocations) > 1 else str(invocation.error)
        if self.exit_code:
            return f"it ended with exit code {self.exit_code}"
        return None

    @property
    def ok(self) -> bool:
        """Whether the process did not fail."""
        return self.failure is None

    @property
    def restored(self) -> bool:
        """Whether no after_restore hook failed."""
        return self.after_seconds is not None and (self.error is None or self.error.kind == _EXIT)

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome for JSON, with ``failure``."""
        fields: dict[str, Any] = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        error = None if self.error is None else dataclasses.asdict(self.error)
        invocations = [invocation.to_dict() for invocation in self.invocations]
        return {**fields, "error": error, "invocations": invocations, "failure": self.failure}

    @property
    def response(self) -> Any:  # noqa: ANN401
        """The answer to the first event.

        Raises:
            ClonesFailed: There is none.
        """
        if not self.invocations or self.invocations[0].error is not None:
            raise ClonesFailed(self.failure or "no event was answered")
        return self.invocations[0].response


@dataclass(frozen=True)
class _Process(RunOutcome):
    """A process of its own.

    Attributes:
        signal: The name of the signal that ended it, such as ``SIGSEGV``.
        timed_out: Whether it was ended for its time limit.
        stack: The stacks of its threads then, or when it crashed.
        seconds: How long it ran.
    """

    signal: str | None = None
    timed_out: bool = False
    stack: str = ""
    seconds: float = 0.0

    @property
    def place(self) -> str:
        """Where the function's own code was when it failed, ``file:line``; empty if that is not known."""
        if self.stack:
            return _place(reversed(self.stack.rpartition("Current thread")[2].splitlines()))
        errors = (self.error, *(invocation.error for invocation in self.invocations))
        return next((_place(error.stack) for error in errors if error is not None), "")

    @property
    @override
    def failure(self) -> str | None:
        """The reason why the process failed, in a few words; ``None`` if it did not fail."""
        if self.timed_out:
            return f"it was still running after {self.seconds:.1f} s and was ended"
        if self.signal is not None:
            return f"{self.signal} ended it"
        return super().failure


@dataclass(frozen=True)
class CloneOutcome(_Process):
    """What one clone did, from its resume on.

    Attributes:
        index: The number of the clone, from 0.
    """

    index: int = 0


@dataclass(frozen=True)
class SnapshotOutcome(_Process):
    """What happened up to the snapshot.

    Attributes:
        threads: The names of the threads that were alive when it was taken, and that the clones
            do not have; after a restore they run on.
    """

    threads: tuple[str, ...] = ()


@dataclass(frozen=True)
class CloneRun:
    """A function that was initialised once and restored in clones.

    Attributes:
        backend: How the clones were made.
        limits: What clones of this kind cannot show.
        snapshot: What happened up to the snapshot.
        clones: What each clone did; none if there was no snapshot.
    """

    backend: str
    limits: tuple[str, ...]
    snapshot: SnapshotOutcome
    clones: tuple[CloneOutcome, ...]

    @property
    def ok(self) -> bool:
        """Whether the snapshot was taken and nothing went wrong in any clone."""
        return not self.failures

    @property
    def failures(self) -> tuple[str, ...]:
        """The failures, one line for each process that failed."""
        outcomes = [("before the snapshot", self.snapshot), *((f"clone {clone.index}", clone) for clone in self.clones)]
        return tuple(f"{where}: {outcome.failure}" for where, outcome in outcomes if outcome.failure is not None)

    @property
    def responses(self) -> list[Any]:
        """The answer of each clone to the first event.

        Raises:
            ClonesFailed: Something went wrong.
        """
        self.check()
        return [clone.response for clone in self.clones]

    def check(self) -> None:
        """Raise an error if a process failed.

        Raises:
            ClonesFailed: A process failed. The message has all failures, and the output of the first process that
                failed.
        """
        if self.ok:
            return
        first: _Process = next(outcome for outcome in (self.snapshot, *self.clones) if not outcome.ok)
        details = [*self.failures, first.stack, first.stderr, first.stdout]
        if first.error is not None:
            details.insert(1, "".join(first.error.stack))
        # The runtime ends the lines of one log entry with carriage returns.
        failed = ClonesFailed("\n".join(part.replace("\r", "\n").rstrip() for part in details if part.strip()))
        failed.run = self
        raise failed

    def to_dict(self) -> dict[str, Any]:
        """Return the run for JSON."""
        return {
            "backend": self.backend,
            "limits": list(self.limits),
            "snapshot": self.snapshot.to_dict(),
            "clones": [clone.to_dict() for clone in self.clones],
            "ok": self.ok,
            "failures": list(self.failures),
        }


def _place(lines: Iterable[str]) -> str:
    """The last frame of a stack that is of the function's own code."""
    frames = [match for line in lines if (match := _FRAME.search(line)) and not _FOREIGN.search(match[1])]
    return f"{frames[-1][1]}:{frames[-1][2]}" if frames else ""


_FRAME: Final = re.compile(r'File "([^"<]+)", line (\d+)')
_FOREIGN: Final = re.compile(r"/(?:site|dist)-packages/|/lib/python\d|/snapstart_hooks/testing/_inside/|^/var/lang/")


# From what the processes sent.

_EXIT: Final = "Runtime.ExitError"
"""What is reported of a process that ended by itself."""


def ended_by_itself(exit_code: int | None) -> Failure:
    """The process is gone, and the runtime in it had no chance to say why."""
    return Failure(
        _EXIT, _EXIT, f"the process ended by itself, with exit code {exit_code}, and not through the runtime"
    )


def _failure(kind: str, body: Json) -> Failure:
    stack: object = body.get("stackTrace")
    return Failure(
        kind=kind,
        type=str(body.get("errorType", "")),
        message=str(body.get("errorMessage", "")),
        stack=tuple(map(str, cast("list[object]", stack))) if isinstance(stack, list) else (),
    )


def _invocation(record: InvocationRecord) -> Invocation:
    response: Any = None
    if record["body"] is not None:
        is_json = record["content_type"] == "application/json"
        response = json.loads(record["body"]) if is_json else base64.b64decode(record["body"])
    return Invocation(
        request_id=record["request_id"],
        response=response,
        error=None if record["error"] is None else _failure("", record["error"]),
        seconds=record["seconds"],
    )


def runtime_fields(record: RuntimeRecord | None) -> dict[str, Any]:
    """The fields of a `RunOutcome` that the runtime's record fills."""
    if record is None:
        return {}
    return {
        "error": record["error"] and _failure(record["error"]["kind"], record["error"]["body"]),
        "invocations": tuple(_invocation(each) for each in record["invocations"] if each["body"] or each["error"]),
        "before_report": record["reports"].get("before_snapshot"),
        "after_report": record["reports"].get("after_restore"),
        "init_seconds": record["init_seconds"],
        "before_seconds": record["before_seconds"],
        "after_seconds": record["after_seconds"],
        "observations": record["observations"],
    }


def clone_outcome(record: CloneRecord) -> CloneOutcome:
    """What one clone did."""
    fields: dict[str, Any] = {**record, **runtime_fields(record["record"])}
    del fields["record"]
    complete = record["record"] is not None and record["record"]["exit_code"] is not None
    if not complete and not record["timed_out"] and record["signal"] is None:
        fields["error"] = ended_by_itself(record["exit_code"])
    return CloneOutcome(**fields)


def snapshot_outcome(processes: Processes) -> SnapshotOutcome:
    """What the zygote did, up to the snapshot."""
    fields = runtime_fields(processes.record)
    status = -signal.SIGKILL if processes.status is None else processes.status
    complete = processes.record is not None and processes.record["exit_code"] is not None
    if not complete and not processes.ended and status >= 0 and not processes.timed_out:
        fields["error"] = ended_by_itself(status)
    return SnapshotOutcome(
        **fields,
        exit_code=None if processes.ended or status < 0 else status,
        signal=signal.Signals(-status).name if status < 0 and not processes.timed_out else None,
        timed_out=processes.timed_out,
        stack=processes.stack,
        stdout=processes.stdout,
        stderr=processes.stderr,
        seconds=processes.seconds,
        threads=tuple(processes.threads),
    )


def not_restored(processes: Processes) -> str:
    """Why CRIU could not restore a clone; empty if it could."""
    reasons = (record["stderr"].partition(UNRESTORED)[2] for record in processes.clones)
    return next((reason.partition("\n")[0] for reason in reasons if reason), "")
