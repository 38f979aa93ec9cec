"""What came of a run: as a document, and as an exit code."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, TypedDict

from snapstart_hooks._settings import RESTORE_LIMIT
from snapstart_hooks.cli import _errors, _failure
from snapstart_hooks.testing._outcome import ended_by_itself

if TYPE_CHECKING:
    from pathlib import Path

    from snapstart_hooks.testing import Invocation, RunOutcome

__all__ = ("InvocationDocument", "PhaseDocument", "RunDocument", "document", "invocation", "milliseconds", "phase")


class PhaseDocument(TypedDict):
    """How a phase went.

    Attributes:
        duration_ms: What Lambda counts: all hooks, and what is around them.
        limit_ms: What Lambda allows; ``None`` where it does not tell.
        report: `PhaseReport.to_dict`; ``None`` if it did not get that far.
    """

    duration_ms: float | None
    limit_ms: float | None
    report: dict[str, object] | None


class InvocationDocument(TypedDict):
    """How one event was answered.

    Attributes:
        request_id: ``context.aws_request_id``.
        duration_ms: How long it took.
        response: What the handler returned, if that is JSON.
        response_base64: What it returned, if that are bytes.
        error: What was answered instead.
    """

    request_id: str
    duration_ms: float
    response: object
    response_base64: str | None
    error: _failure.FailureDocument | None


class RunDocument(TypedDict):
    """What ``run --json`` prints.

    Attributes:
        handler: As it was given.
        path: The folder of the function's code.
        ok: Whether nothing went wrong.
        exit_code: With what the command ends.
        connected: Whether the function imports `snapstart_hooks`.
        init_ms: How long the handler took to load; ``None`` if it could not be.
        before_snapshot: That phase; ``None`` if it was not reached. Without hooks its report is ``None``.
        after_restore: Likewise.
        error: What ended the function before its first event.
        events: How many were to be answered.
        invocations: How those were that it came to.
    """

    handler: str
    path: str
    ok: bool
    exit_code: int
    connected: bool
    init_ms: float | None
    before_snapshot: PhaseDocument | None
    after_restore: PhaseDocument | None
    error: _failure.FailureDocument | None
    events: int
    invocations: list[InvocationDocument]


def document(outcome: RunOutcome, *, handler: str, root: Path, connected: bool, events: int) -> RunDocument:
    """The outcome as JSON holds it."""
    error = outcome.error
    if error is None and outcome.init_seconds is None:
        error = ended_by_itself(outcome.exit_code)
    code = _exit_code(outcome)
    return {
        "handler": handler,
        "path": str(root),
        "ok": code == _errors.OK,
        "exit_code": code,
        "connected": connected,
        "init_ms": milliseconds(outcome.init_seconds),
        "before_snapshot": phase(outcome.before_report, outcome.before_seconds, None),
        "after_restore": phase(outcome.after_report, outcome.after_seconds, RESTORE_LIMIT * 1e3),
        "error": _failure.document(error),
        "events": events,
        "invocations": [invocation(each) for each in outcome.invocations],
    }


def _exit_code(outcome: RunOutcome) -> int:
    """The command's: of the runtime's own codes 1 would be ambiguous, and those of ``sys.exit`` are anything."""
    if outcome.init_seconds is None:
        return _errors.INIT
    if outcome.error is not None and outcome.exit_code in {_errors.BEFORE_SNAPSHOT, _errors.AFTER_RESTORE}:
        return outcome.exit_code
    if any(invocation.error is not None for invocation in outcome.invocations):
        return _errors.INVOCATION
    return _errors.OK


def phase(report: dict[str, object] | None, seconds: float | None, limit: float | None) -> PhaseDocument | None:
    """A phase as JSON holds it; ``None`` if there was none."""
    if report is None and seconds is None:
        return None
    return {"duration_ms": milliseconds(seconds), "limit_ms": limit, "report": report}


def invocation(answered: Invocation) -> InvocationDocument:
    """An invocation as JSON holds it."""
    response: object = answered.response
    return {
        "request_id": answered.request_id,
        "duration_ms": round(answered.seconds * 1e3, 3),
        "response": None if isinstance(response, bytes) else response,
        "response_base64": base64.b64encode(response).decode() if isinstance(response, bytes) else None,
        "error": _failure.document(answered.error),
    }


def milliseconds(seconds: float | None) -> float | None:
    """Seconds as milliseconds that are worth printing."""
    return None if seconds is None else round(seconds * 1e3, 3)
