"""``snapstart-hooks run --clones``: a function that is initialised once and restored several times."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypedDict

from snapstart_hooks._settings import RESTORE_LIMIT
from snapstart_hooks.cli import _errors, _failure, _outcome
from snapstart_hooks.cli._errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from snapstart_hooks.testing import CloneOutcome, Hazard, HazardReport, Progress, SnapshotOutcome

__all__ = ("CloneDocument", "ClonesDocument", "HazardDocument", "Options", "RunsDocument", "check", "ran", "seconds")

_UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Options(Protocol):
    """What the arguments say."""

    handler: str
    without_hooks: bool
    timeout: float
    clones: int | None
    elapsed: float | None
    dead_connections: str | None
    compare: bool


class CloneDocument(TypedDict):
    """What one clone did.

    Attributes:
        index: Which one, from 0.
        failure: What went wrong, in a few words; ``None`` if nothing did.
        after_restore: That phase; ``None`` if no hook was to run.
        error: What ended it before its first event.
        invocations: One for each event.
    """

    index: int
    failure: str | None
    after_restore: _outcome.PhaseDocument | None
    error: _failure.FailureDocument | None
    invocations: list[_outcome.InvocationDocument]


class HazardDocument(TypedDict):
    """What the clones show that a restore would do wrong.

    Attributes:
        code: What kind it is, by which it can be accepted.
        subject: What it is about.
        severity: ``error`` or ``warning``.
        evidence: What was seen.
        origin: Where it comes from, if that is known.
        remedy: What to do.
        accepted: Why it is accepted; ``None`` if it is not.
    """

    code: str
    subject: str
    severity: Literal["error", "warning"]
    evidence: str
    origin: str
    remedy: str
    accepted: str | None


class ClonesDocument(TypedDict):
    """One snapshot, and what became of it.

    Attributes:
        hooks: Whether hooks ran.
        backend: How the clones were made.
        limits: What clones of this kind cannot show.
        init_ms: How long the handler took to load; ``None`` if it could not be.
        before_snapshot: That phase; ``None`` if it was not reached, or no hook was to run.
        error: What ended the function before the snapshot.
        clones: What each clone did.
        hazards: What the clones show.
        notes: What else there is to say, such as an accepted hazard that is not there any more.
        exit_code: With what the command ends for this alone.
    """

    hooks: bool
    backend: str
    limits: list[str]
    init_ms: float | None
    before_snapshot: _outcome.PhaseDocument | None
    error: _failure.FailureDocument | None
    clones: list[CloneDocument]
    hazards: list[HazardDocument]
    notes: list[str]
    exit_code: int


class RunsDocument(TypedDict):
    """What ``run --clones --json`` prints.

    Attributes:
        handler: As it was given.
        path: The folder of the function's code.
        ok: Whether nothing went wrong, and no hazard of severity ``error`` is left that nobody accepted.
        exit_code: With what the command ends; of two runs that with hooks decides.
        runs: One; with ``--compare`` first that without hooks, then that with them.
    """

    handler: str
    path: str
    ok: bool
    exit_code: int
    runs: list[ClonesDocument]


def seconds(text: str) -> float:
    """``90``, ``90s``, ``15m``, ``6h``, ``1d`` as seconds.

    Raises:
        ArgumentTypeError: It is none of these.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip().lower())
    if match is None:
        msg = f"{text!r} is no duration: give 90s, 15m, 6h or 1d"
        raise argparse.ArgumentTypeError(msg)
    return float(match[1]) * _UNITS[match[2]]


def check(options: Options) -> None:
    """See that the options fit together.

    Raises:
        CommandError: They do not.
    """
    if options.clones is None:
        for name in ("elapsed", "dead_connections", "compare"):
            if getattr(options, name):
                msg = f"--{name.replace('_', '-')} needs --clones N: only a clone can tell what a restore does"
                raise CommandError(msg)
    elif options.clones < 1:
        msg = f"--clones {options.clones}: it has to be 1 or more, and repeated values show from 2 on"
        raise CommandError(msg)
    if options.compare and options.without_hooks:
        msg = "--compare runs without hooks and with them; --without-hooks is one half of it"
        raise CommandError(msg)


def ran(options: Options, root: Path, events: list[object]) -> RunsDocument:
    """Run it, tell progress and what the function wrote on standard error, and return the document.

    Raises:
        CommandError: Clones cannot be made here, or the project's settings are wrong.
    """
    from snapstart_hooks.testing import CloneError, accepted_in

    try:
        accept = accepted_in(root)
        halves = (False, True) if options.compare else (not options.without_hooks,)
        runs = [_one(options, root, events, accept, hooks=hooks) for hooks in halves]
    except (CloneError, ValueError) as error:
        raise CommandError(str(error)) from error
    code = runs[-1]["exit_code"]
    return {
        "handler": options.handler,
        "path": str(root),
        "ok": code == _errors.OK,
        "exit_code": code,
        "runs": runs,
    }


def _one(
    options: Options, root: Path, events: list[object], accept: Mapping[str, str], *, hooks: bool
) -> ClonesDocument:
    from snapstart_hooks.testing import find_hazards

    title = "" if not options.compare else "with hooks: " if hooks else "without hooks: "
    report = find_hazards(
        options.clones or 1,
        options.handler,
        events=events,
        hooks=hooks,
        elapsed=options.elapsed,
        dead_connections=_dead(options.dead_connections),
        task_root=root,
        timeout=options.timeout,
        accept=accept,
        on_progress=lambda progress: _tell(progress, title),
    )
    _told(report.run.snapshot, f"{title}snapshot")
    for clone in report.run.clones:
        _told(clone, f"{title}clone {clone.index}")
    return _document(report, hooks=hooks)


def _dead(given: str | None) -> bool | Literal["reset", "blackhole"]:
    return False if given is None else "blackhole" if given == "blackhole" else "reset"


def _tell(progress: Progress, title: str) -> None:
    """Say how far it has come: on a terminal in one line that changes, else in lines of a log."""
    if progress.stage == "snapshot":
        text = f"{title}snapshot taken; restoring {progress.total} clones"
    else:
        text = f"{title}clone {progress.done} of {progress.total} done"
    if sys.stderr.isatty():
        end = "\n" if progress.done == progress.total else ""
        print(f"\r\x1b[K{text}", end=end, file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr)


def _told(process: CloneOutcome | SnapshotOutcome, title: str) -> None:
    """Pass on what the function wrote, and whose it is."""
    for line in f"{process.stdout}\n{process.stderr}".replace("\r\n", "\n").replace("\r", "\n").splitlines():
        if line.strip():
            print(f"[{title}] {line}", file=sys.stderr)


def _document(report: HazardReport, *, hooks: bool) -> ClonesDocument:
    run = report.run
    return {
        "hooks": hooks,
        "backend": run.backend,
        "limits": list(run.limits),
        "init_ms": _outcome.milliseconds(run.snapshot.init_seconds),
        "before_snapshot": _outcome.phase(run.snapshot.before_report, run.snapshot.before_seconds, None),
        "error": _failure.document(run.snapshot.error),
        "clones": [_clone(clone) for clone in run.clones],
        "hazards": [_hazard(hazard) for hazard in report.hazards],
        "notes": list(report.notes),
        "exit_code": _exit_code(report),
    }


def _clone(clone: CloneOutcome) -> CloneDocument:
    return {
        "index": clone.index,
        "failure": clone.failure,
        "after_restore": _outcome.phase(clone.after_report, clone.after_seconds, RESTORE_LIMIT * 1e3),
        "error": _failure.document(clone.error),
        "invocations": [_outcome.invocation(invocation) for invocation in clone.invocations],
    }


def _hazard(hazard: Hazard) -> HazardDocument:
    return {
        "code": hazard.code,
        "subject": hazard.subject,
        "severity": hazard.severity,
        "evidence": hazard.evidence,
        "origin": hazard.origin,
        "remedy": hazard.remedy,
        "accepted": hazard.accepted,
    }


def _exit_code(report: HazardReport) -> int:
    """What is worst: a function that cannot be published, then restored, then invoked; then what it may do wrong."""
    run = report.run
    if not run.clones:
        return _errors.BEFORE_SNAPSHOT if run.snapshot.init_seconds is not None else _errors.INIT
    if any(clone.exit_code == _errors.AFTER_RESTORE and clone.error is not None for clone in run.clones):
        return _errors.AFTER_RESTORE
    if not run.ok:
        return _errors.INVOCATION
    return _errors.HAZARDS if any(hazard.severity == "error" for hazard in report.open) else _errors.OK
