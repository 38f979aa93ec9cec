"""What came of clones, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from snapstart_hooks.cli import _failure
from snapstart_hooks.cli._outcome_text import answer, phase
from snapstart_hooks.cli._terminal import columns, count, milliseconds

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from snapstart_hooks.cli._clones import CloneDocument, ClonesDocument, HazardDocument, RunsDocument

__all__ = ("show",)

_LONG: Final = 100
"""Characters of an answer that are shown."""

_COLOURS: Final = {"error": "bold red", "warning": "yellow"}


def show(document: RunsDocument, root: Path, console: Console) -> None:
    """Print the report."""
    runs = document["runs"]
    console.print(Text(document["handler"], style="bold"))
    if len(runs) == 1:
        _run(runs[0], root, console)
    else:
        for run in runs:
            console.print(Text(f"\n{_title(run)}", style="bold"))
            _run(run, root, console)
        _side_by_side(runs, console)
    if runs[-1]["clones"]:
        _hazards(runs[-1]["hazards"], console)
    for note in runs[-1]["notes"]:
        console.print(Text(note, style="yellow"))
    for limit in runs[-1]["limits"]:
        console.print(Text(f"not shown: {limit}", style="dim"))


def _title(run: ClonesDocument) -> str:
    return "with hooks" if run["hooks"] else "without hooks"


def _run(run: ClonesDocument, root: Path, console: Console) -> None:
    if run["init_ms"] is not None:
        console.print(Text.assemble(("init", "bold"), f"  {milliseconds(run['init_ms'])}"))
    if run["before_snapshot"] is not None:
        phase("before_snapshot", [run["before_snapshot"]], root, console)
    if run["error"] is not None:
        _failure.show(run["error"], console)
    if restores := [clone["after_restore"] for clone in run["clones"] if clone["after_restore"] is not None]:
        phase("after_restore", restores, root, console)
    table = columns("right", "left", "left")
    for clone in run["clones"]:
        restored = clone["after_restore"]
        spent = restored["duration_ms"] if restored else None
        told = "" if spent is None else f"restored in {milliseconds(spent)}"
        table.add_row(Text(f"clone {clone['index']}", "bold"), Text(told, "dim"), _answer(clone))
    console.print(table)


def _answer(clone: CloneDocument) -> Text:
    if clone["failure"] is not None:
        return Text(_shortened(clone["failure"]), style="red")
    return Text("\n".join(_shortened(answer(each).plain) for each in clone["invocations"]))


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONG else f"{line[: _LONG - 3]}..."


def _side_by_side(runs: list[ClonesDocument], console: Console) -> None:
    """Which hazards there are without hooks, and with them."""
    states = [{(each["code"], each["subject"]): _state(each) for each in run["hazards"]} for run in runs]
    console.print()
    if not any(states):
        return
    table = columns("left", "left", "left", "left")
    table.add_row(*(Text(title, style="bold") for title in ("hazard", "", *map(_title, runs))))
    for code, subject in dict.fromkeys(key for state in states for key in state):
        table.add_row(Text(code), Text(subject), *(state.get((code, subject), Text("-", "green")) for state in states))
    console.print(table)


def _state(hazard: HazardDocument) -> Text:
    return (
        Text("accepted", "dim")
        if hazard["accepted"] is not None
        else Text(hazard["severity"], _COLOURS[hazard["severity"]])
    )


def _details(hazard: HazardDocument) -> dict[str, str | None]:
    return {
        "evidence": hazard["evidence"],
        "from": hazard["origin"],
        "remedy": hazard["remedy"],
        "accepted": hazard["accepted"],
    }


def _hazards(hazards: list[HazardDocument], console: Console) -> None:
    told = (f"{count(len(hazards), 'hazard')} found", "bold") if hazards else ("no hazard found", "green")
    console.print(Text.assemble("\n", told))
    for hazard in hazards:
        console.print()
        console.print(_state(hazard) + Text.assemble(f" {hazard['code']}", style="bold") + f"  {hazard['subject']}")
        table = columns("left", "left")
        for name, value in _details(hazard).items():
            if value:
                table.add_row(Text(f"  {name}", "dim"), Text(value))
        console.print(table)
    if hazards:
        console.print(
            Text("\nA hazard that is none for you can be accepted, with a reason: see docs/hazards.md.", style="dim")
        )
