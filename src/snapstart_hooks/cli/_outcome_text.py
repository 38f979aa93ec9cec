"""What came of a run, for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, cast

from rich.text import Text

from snapstart_hooks.cli import _failure, _terminal
from snapstart_hooks.cli._terminal import columns, count, milliseconds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from snapstart_hooks.cli._outcome import InvocationDocument, PhaseDocument, RunDocument

__all__ = ("answer", "phase", "show")

_COLOURS: Final = {"ok": "green", "failed": "red", "timed out": "red"}


def show(document: RunDocument, root: Path, console: Console) -> None:
    """Print the report."""
    if document["init_ms"] is not None:
        console.print(Text.assemble(("init", "bold"), f"  {milliseconds(document['init_ms'])}"))
    for name, which in (("before_snapshot", document["before_snapshot"]), ("after_restore", document["after_restore"])):
        if which is not None:
            phase(name, [which], root, console)
    if document["error"] is not None:
        _failure.show(document["error"], console)
    for number, invocation in enumerate(document["invocations"], start=1):
        title = "invocation" if document["events"] == 1 else f"invocation {number}"
        console.print(Text.assemble((title, "bold"), f"  {milliseconds(invocation['duration_ms'])}"))
        if invocation["error"] is not None:
            _failure.show(invocation["error"], console)
        else:
            console.print(answer(invocation))
    if missing := document["events"] - len(document["invocations"]):
        console.print(Text(f"{count(missing, 'event')} not answered", style="red"))


def answer(invocation: InvocationDocument) -> Text:
    """What was answered, as JSON."""
    encoded = invocation["response_base64"]
    if encoded is not None:
        return Text(f"bytes, in base64: {encoded}")
    return Text(json.dumps(invocation["response"], ensure_ascii=False))


def phase(name: str, runs: Sequence[PhaseDocument], root: Path, console: Console) -> None:
    """Print how a phase went, and each hook; of several clones the slowest run of each."""
    slowest = max(run["duration_ms"] or 0.0 for run in runs)
    hooks: dict[tuple[object, object], dict[str, object]] = {}
    for run in runs:
        for result in cast("list[dict[str, object]]", (run["report"] or {}).get("hooks", [])):
            key = result["hook"], result["location"]
            hooks[key] = max(hooks.get(key, result), result, key=_badness)
    limit = runs[0]["limit_ms"]
    of_limit = f" of the {limit / 1e3:g} s that Lambda allows" if limit else ""
    console.print(Text.assemble((name, "bold"), f"  {count(len(hooks), 'hook')} in {milliseconds(slowest)}{of_limit}"))
    table = columns("left", "right", "left", "left")
    for result in hooks.values():
        outcome = str(result["outcome"])
        if not result["required"]:
            outcome += " (optional)"
        table.add_row(
            Text(f"  {result['hook']}"),
            Text(milliseconds(cast("float", result["duration_ms"]))),
            Text(outcome, style=_COLOURS.get(str(result["outcome"]), "yellow")),
            Text(str(result.get("error") or _terminal.short_place(str(result["location"]), root)), style="dim"),
        )
    if hooks:
        console.print(table)


def _badness(result: dict[str, object]) -> tuple[bool, float]:
    return "error" in result, cast("float", result["duration_ms"])
