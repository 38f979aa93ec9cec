"""What came of a run: an exit code, and the report for people."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from snapstart_hooks.cli import _errors, _terminal
from snapstart_hooks.cli._terminal import columns, count, milliseconds
from snapstart_hooks.testing._core import RESTORE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from snapstart_hooks.testing import Failure, Invocation, RunOutcome

__all__ = ("answer", "exit_code", "phase", "show", "show_failure")

_COLOURS: Final = {"ok": "green", "failed": "red", "timed out": "red"}


def exit_code(outcome: RunOutcome) -> int:
    """The command's: of the runtime's own codes 1 would be ambiguous, and those of ``sys.exit`` are anything."""
    if outcome.init_seconds is None:
        return _errors.INIT
    if outcome.error is not None and outcome.error.type == KeyboardInterrupt.__name__:
        return _errors.INTERRUPTED
    if outcome.error is not None and outcome.exit_code in {_errors.BEFORE_SNAPSHOT, _errors.AFTER_RESTORE}:
        return outcome.exit_code
    return _errors.OK if outcome.ok else _errors.INVOCATION


def show(outcome: RunOutcome, events: int, root: Path, console: Console, *, connected: bool) -> None:
    """Print the report of a run in one process."""
    from rich.text import Text

    before_and_after(outcome, [outcome], root, console, connected=connected)
    if outcome.error is not None:
        show_failure(outcome.error, console)
    for number, invocation in enumerate(outcome.invocations, start=1):
        title = "invocation" if events == 1 else f"invocation {number}"
        console.print(Text.assemble((title, "bold"), f"  {milliseconds(invocation.seconds * 1e3)}"))
        if invocation.error is not None:
            show_failure(invocation.error, console)
        else:
            console.print(answer(invocation))
    if missing := events - len(outcome.invocations):
        console.print(Text(f"{count(missing, 'event')} not answered", style="red"))


def before_and_after(
    snapshot: RunOutcome, restored: Sequence[RunOutcome], root: Path, console: Console, *, connected: bool
) -> None:
    """Print how the initialisation and both phases went."""
    from rich.text import Text

    if snapshot.init_seconds is not None:
        console.print(Text.assemble(("init", "bold"), f"  {milliseconds(snapshot.init_seconds * 1e3)}"))
    if snapshot.before_seconds is not None:
        told = [(snapshot.before_seconds, snapshot.before_report)]
        phase("before_snapshot", told, root, console, connected=connected)
    if after := [(each.after_seconds, each.after_report) for each in restored if each.after_seconds is not None]:
        phase("after_restore", after, root, console, connected=connected)


def answer(invocation: Invocation) -> str:
    """What was answered, as JSON."""
    told = invocation.to_dict()
    encoded = told["response_base64"]
    return json.dumps(told["response"], ensure_ascii=False) if encoded is None else f"bytes, in base64: {encoded}"


# What a report holds is whatever JSON can hold.
def phase(  # type: ignore[explicit-any]
    name: str, runs: Sequence[tuple[float, dict[str, Any] | None]], root: Path, console: Console, *, connected: bool
) -> None:
    """Print how a phase went, and each hook; of several clones the slowest run of each."""
    from rich.text import Text

    slowest = max(seconds for seconds, _ in runs)
    hooks: dict[tuple[str, str], dict[str, Any]] = {}  # type: ignore[explicit-any]
    for _, report in runs:
        for result in (report or {}).get("hooks", []):
            key = result["hook"], result["location"]
            hooks[key] = max(hooks.get(key, result), result, key=lambda each: ("error" in each, each["duration_ms"]))
    limit = f" of the {RESTORE_LIMIT:g} s that Lambda allows" if name == "after_restore" else ""
    text = f"  {count(len(hooks), 'hook')} in {milliseconds(slowest * 1e3)}{limit}"
    console.print(Text.assemble((name, "bold"), text))
    table = columns("left", "right", "left", "left")
    for result in hooks.values():
        outcome = str(result["outcome"]) + ("" if result["required"] else " (optional)")
        if result["provider"] and not connected:
            outcome += " (not on Lambda)"
        table.add_row(
            Text(f"  {result['hook']}"),
            Text(milliseconds(result["duration_ms"])),
            Text(outcome, style=_COLOURS.get(str(result["outcome"]), "yellow")),
            Text(str(result.get("error") or _terminal.short_place(str(result["location"]), root)), style="dim"),
        )
    if hooks:
        console.print(table)


def show_failure(failure: Failure, console: Console) -> None:
    """Print an error: what it is, and then how the function's own code came to it."""
    from rich.text import Text

    kind = failure.kind if failure.kind not in {"", failure.type} else ""
    console.print(Text.assemble((failure.type or "error", "bold red"), ": ", failure.message, (f"  {kind}", "dim")))
    for line in own_frames(failure.stack):
        console.print(Text(line, style="dim"))


def own_frames(stack: Sequence[str]) -> list[str]:
    """The lines of a stack without the frames of the runtime and of importlib that lead to the function."""
    lines = [line.rstrip() for line in stack]
    first = next(
        (at for at, line in enumerate(lines) if (found := _FRAME.search(line)) and not _WAY.search(found[1])), 0
    )
    return [line for line in lines[first:] if "<frozen importlib" not in line]


_FRAME: Final = re.compile(r'File "([^"]+)"')
_WAY: Final = re.compile(r"awslambdaric|importlib|_snapstart_inside|/testing/_inside/")
