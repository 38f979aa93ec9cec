"""The outcome of a run: its exit code, and the report for people."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from snapstart_hooks.cli import _errors, _terminal
from snapstart_hooks.cli._terminal import count, milliseconds
from snapstart_hooks.testing._core import RESTORE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from snapstart_hooks.cli._console import ReportConsole
    from snapstart_hooks.testing import CloneRun, Failure, Invocation, RunOutcome

__all__ = ("answer", "clones_exit_code", "exit_code", "show", "show_failure", "show_phases")

_COLOURS: Final = {"ok": "green", "failed": "red", "timed out": "red"}


def exit_code(outcome: RunOutcome) -> int:
    """Return the exit code of the command.

    The process's own code does not tell enough: 1 has several meanings, and ``sys.exit`` in the function gives any.
    """
    if outcome.init_seconds is None:
        return _errors.INIT
    if outcome.error is not None and outcome.error.type == KeyboardInterrupt.__name__:
        return _errors.INTERRUPTED
    if outcome.error is not None and outcome.exit_code in {_errors.BEFORE_SNAPSHOT, _errors.AFTER_RESTORE}:
        return outcome.exit_code
    return _errors.OK if outcome.ok else _errors.INVOCATION


def clones_exit_code(run: CloneRun) -> int:
    """Return the exit code for the earliest step that fails: publish, restore, invoke."""
    if not run.clones:
        return _errors.BEFORE_SNAPSHOT if run.snapshot.init_seconds is not None else _errors.INIT
    if any(clone.failure is not None and not clone.restored for clone in run.clones):
        return _errors.AFTER_RESTORE
    return _errors.OK if run.ok else _errors.INVOCATION


def show(outcome: RunOutcome, events: int, root: Path, console: ReportConsole, *, connected: bool) -> None:
    """Print the report of a run in one process.

    Args:
        outcome: What the process did.
        events: The number of events that were to be answered.
        root: The folder with the function's code.
        console: Where to print.
        connected: Whether the function imports this package.
    """
    show_phases(outcome, [outcome], root, console, connected=connected)
    if outcome.error is not None:
        show_failure(outcome.error, console)
    for number, invocation in enumerate(outcome.invocations, start=1):
        title = "invocation" if events == 1 else f"invocation {number}"
        console.say((title, "bold"), f"  {milliseconds(invocation.seconds * 1e3)}")
        if invocation.error is not None:
            show_failure(invocation.error, console)
        else:
            console.say(answer(invocation))
    if missing := events - len(outcome.invocations):
        console.say((f"{count(missing, 'event')} not answered", "red"))


def show_phases(
    snapshot: RunOutcome, restored: Sequence[RunOutcome], root: Path, console: ReportConsole, *, connected: bool
) -> None:
    """Print how long the initialisation and both phases took, and each hook.

    Args:
        snapshot: The process up to the snapshot.
        restored: The processes that were restored from it.
        root: The folder with the function's code.
        console: Where to print.
        connected: Whether the function imports this package.
    """
    if snapshot.init_seconds is not None:
        console.say(("init", "bold"), f"  {milliseconds(snapshot.init_seconds * 1e3)}")
    if snapshot.before_seconds is not None:
        before = [(snapshot.before_seconds, snapshot.before_report)]
        _show_phase("before_snapshot", before, root, console, connected=connected)
    if after := [(each.after_seconds, each.after_report) for each in restored if each.after_seconds is not None]:
        _show_phase("after_restore", after, root, console, connected=connected)


def answer(invocation: Invocation) -> str:
    """Return the answer of an invocation as JSON."""
    document = invocation.to_dict()
    encoded = document["response_base64"]
    return json.dumps(document["response"], ensure_ascii=False) if encoded is None else f"bytes, in base64: {encoded}"


# A report holds whatever JSON can hold.
def _show_phase(  # type: ignore[explicit-any]
    name: str,
    runs: Sequence[tuple[float, dict[str, Any] | None]],
    root: Path,
    console: ReportConsole,
    *,
    connected: bool,
) -> None:
    """Print how long a phase took, and each hook; of several clones the slowest run of each hook."""
    slowest = max(seconds for seconds, _ in runs)
    hooks: dict[tuple[str, str], dict[str, Any]] = {}  # type: ignore[explicit-any]
    for _, report in runs:
        for result in (report or {}).get("hooks", []):
            key = result["hook"], result["location"]
            hooks[key] = max(hooks.get(key, result), result, key=lambda each: ("error" in each, each["duration_ms"]))
    limit = f" of the {RESTORE_LIMIT:g} s that Lambda allows" if name == "after_restore" else ""
    counted = "" if all(report is None for _, report in runs) else f"{count(len(hooks), 'hook')} in "
    console.say((name, "bold"), f"  {counted}{milliseconds(slowest * 1e3)}{limit}")
    rows: list[tuple[str, str, tuple[str, str], tuple[str, str]]] = []
    for result in hooks.values():
        outcome = str(result["outcome"]) + ("" if result["required"] else " (optional)")
        if result["provider"] and not connected:
            outcome += " (not on Lambda)"
        rows.append(
            (
                f"  {result['hook']}",
                milliseconds(result["duration_ms"]),
                (outcome, _COLOURS.get(str(result["outcome"]), "yellow")),
                (str(result.get("error") or _terminal.short_location(str(result["location"]), root)), "dim"),
            )
        )
    console.table(rows, "lrll")


def show_failure(failure: Failure, console: ReportConsole) -> None:
    """Print an error, and the part of its stack that begins in the function's own code."""
    kind = failure.kind if failure.kind not in {"", failure.type} else ""
    console.say((failure.type or "error", "bold red"), ": ", failure.message, (f"  {kind}", "dim"))
    for line in own_frames(failure.stack):
        console.say((line, "dim"))


def own_frames(stack: Sequence[str]) -> list[str]:
    """Return the lines of a stack without the frames of the runtime and of importlib."""
    lines = [line.rstrip() for line in stack]
    first = next(
        (
            number
            for number, line in enumerate(lines)
            if (found := _FRAME.search(line)) and not _RUNTIME.search(found[1])
        ),
        0,
    )
    return [line for line in lines[first:] if "<frozen importlib" not in line]


_FRAME: Final = re.compile(r'File "([^"]+)"')
_RUNTIME: Final = re.compile(r"awslambdaric|importlib|_snapstart_inside|/testing/_inside/")
