"""``snapstart-hooks run --clones``: a function that is initialised once and restored several times."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, cast

from snapstart_hooks.cli import _cost, _errors, _outcome
from snapstart_hooks.cli._errors import CommandError
from snapstart_hooks.cli._terminal import columns, count, milliseconds
from snapstart_hooks.testing import CloneError, accepted_in, find_hazards

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console
    from rich.text import Text

    from snapstart_hooks.testing import CloneOutcome, Hazard, HazardReport, Progress, SnapshotOutcome

__all__ = ("Options", "check", "run")

_LONG: Final = 100
"""Characters of an answer that are shown."""

_COLOURS: Final = {"error": "bold red", "warning": "yellow"}
_ADVICE: Final = """
One that is none for you is accepted in pyproject.toml, with the reason:
  [tool.snapstart-hooks.hazards.accept]
  {} = "why"
"""


class Options(Protocol):
    """What the arguments say."""

    handler: str
    without_hooks: bool
    timeout: float
    clones: int | None
    elapsed: float | None
    dead_connections: Literal["reset", "blackhole"] | None
    live_connections: bool
    backend: Literal["criu", "namespace", "fork"] | None
    fail_on: Literal["error", "warning"]
    cost: bool
    plot: str | None
    compare: bool
    json: bool


class _Half(NamedTuple):
    """One snapshot, and what became of it."""

    hooks: bool
    report: HazardReport
    code: int


def check(options: Options) -> None:
    """See that the options fit together.

    Raises:
        CommandError: They do not.
    """
    if options.clones is None:
        for name in ("elapsed", "dead_connections", "live_connections", "backend", "cost", "plot", "compare"):
            if getattr(options, name):
                msg = f"--{name.replace('_', '-')} needs --clones N: only a clone can tell what a restore does"
                raise CommandError(msg)
    elif options.clones < 1:
        msg = f"--clones {options.clones}: it has to be 1 or more, and repeated values show from 2 on"
        raise CommandError(msg)
    if options.compare and options.without_hooks:
        msg = "--compare runs without hooks and with them; --without-hooks is one half of it"
        raise CommandError(msg)
    if options.live_connections and options.dead_connections:
        msg = "--live-connections and --dead-connections are opposites"
        raise CommandError(msg)


def run(options: Options, root: Path, events: list[object], console: Console | None) -> tuple[int, bool]:
    """Restore the function and print the report; the exit code, and whether the function uses our hooks.

    Progress, and what the function wrote, is told on standard error.

    Raises:
        CommandError: Clones cannot be made here, or the project's settings are wrong.
    """
    if options.plot is not None:
        _cost.need_plots()
    try:
        accept = accepted_in(root)
        wanted = (False, True) if options.compare else (not options.without_hooks,)
        halves = [_one(options, root, events, accept, hooks=hooks) for hooks in wanted]
        asked = (options.cost or options.plot is not None) and halves[-1].report.run.ok
        cost = _cost.measured(options, root, events) if asked else None
    except (CloneError, ValueError) as error:
        raise CommandError(str(error)) from error
    last = halves[-1]
    if console is None:
        document: dict[str, object] = {
            "handler": options.handler,
            "path": str(root),
            "ok": last.code == _errors.OK,
            "exit_code": last.code,
            "runs": [_document(half) for half in halves],
            "cost": None if cost is None else cost.to_dict(),
        }
        print(json.dumps(document, indent=2))
    else:
        _show(options.handler, halves, root, console)
        if cost is not None:
            _cost.show(cost, console)
    if cost is not None and options.plot is not None:
        _cost.draw(cost, options.handler, Path(options.plot))
    snapshot = last.report.run.snapshot
    return last.code, not last.hooks or snapshot.before_seconds is None or snapshot.before_report is not None


def _document(half: _Half) -> dict[str, object]:
    told = half.report.to_dict()
    run = cast("dict[str, object]", told.pop("run"))
    for process in (run["snapshot"], *cast("list[object]", run["clones"])):
        cast("dict[str, object]", process).pop("observations")  # what the hazards are judged by
    return {"hooks": half.hooks, "exit_code": half.code, **run, **told}


def _one(options: Options, root: Path, events: list[object], accept: Mapping[str, str], *, hooks: bool) -> _Half:
    title = "" if not options.compare else "with hooks: " if hooks else "without hooks: "
    report = find_hazards(
        options.clones or 1,
        options.handler,
        events=events,
        hooks=hooks,
        elapsed=options.elapsed,
        dead_connections=False if options.live_connections else options.dead_connections or "reset",
        task_root=root,
        timeout=options.timeout,
        accept=accept,
        backend=options.backend,
        on_progress=lambda progress: _tell(progress, title),
    )
    known = report.run.snapshot.error  # its text is in the report
    if known is None:
        _told(report.run.snapshot, f"{title}snapshot")
    for clone in report.run.clones:
        _told(clone, f"{title}clone {clone.index}")
    return _Half(hooks, report, _exit_code(report, options.fail_on))


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


def _exit_code(report: HazardReport, fail_on: Literal["error", "warning"]) -> int:
    """What is worst: a function that cannot be published, then restored, then invoked; then what it may do wrong."""
    run = report.run
    if not run.clones:
        return _errors.BEFORE_SNAPSHOT if run.snapshot.init_seconds is not None else _errors.INIT
    if any(clone.exit_code == _errors.AFTER_RESTORE and clone.error is not None for clone in run.clones):
        return _errors.AFTER_RESTORE
    if not run.ok:
        return _errors.INVOCATION
    return _errors.HAZARDS if report.failing(fail_on) else _errors.OK


def _show(handler: str, halves: list[_Half], root: Path, console: Console) -> None:
    """Print the report for people."""
    from rich.text import Text

    console.print(Text(handler, style="bold"))
    if len(halves) == 1:
        _show_one(halves[0], root, console)
    else:
        first, second = halves
        same = first.report.run.snapshot.error == second.report.run.snapshot.error is not None
        for half in halves[1:] if same else halves:
            title = "with hooks and without" if same else _title(half)
            console.print(Text(f"\n{title}", style="bold"))
            _show_one(half, root, console)
        _side_by_side(halves, console)
    report = halves[-1].report
    if report.run.clones:
        _hazards(report.hazards, console)
    for note in report.notes:
        console.print(Text(note, style="yellow"))
    for limit in (f"backend {report.run.backend}", *report.run.limits):
        console.print(Text(limit if limit.startswith("backend") else f"not shown: {limit}", style="dim"))


def _title(half: _Half) -> str:
    return "with hooks" if half.hooks else "without hooks"


def _show_one(half: _Half, root: Path, console: Console) -> None:
    from rich.text import Text

    run = half.report.run
    connected = run.snapshot.before_report is not None
    _outcome.before_and_after(run.snapshot, run.clones, root, console, connected=connected)
    if run.snapshot.error is not None:
        _outcome.show_failure(run.snapshot.error, console)
    elif run.snapshot.failure is not None:
        console.print(Text(run.snapshot.failure, style="red"))
    table = columns("right", "left", "left")
    stacks: dict[str, list[int]] = {}
    for clone in run.clones:
        spent = clone.after_seconds
        told = "" if spent is None else f"restored in {milliseconds(spent * 1e3)}"
        table.add_row(Text(f"clone {clone.index}", "bold"), Text(told, "dim"), _answer(clone))
        if clone.stack.strip():
            stacks.setdefault(clone.stack.strip(), []).append(clone.index)
    console.print(table)
    for stack, where in stacks.items():
        console.print(Text(f"stacks of clone {', '.join(map(str, where))}", style="bold"))
        console.print(Text(stack, style="dim"))


def _answer(clone: CloneOutcome) -> Text:
    from rich.text import Text

    if clone.failure is not None:
        return Text(_shortened(clone.failure), style="red")
    return Text("\n".join(_shortened(_outcome.answer(each)) for each in clone.invocations))


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONG else f"{line[: _LONG - 3]}..."


def _side_by_side(halves: list[_Half], console: Console) -> None:
    """Which hazards there are without hooks, and with them."""
    from rich.text import Text

    states = [{(each.code, each.subject): _state(each) for each in half.report.hazards} for half in halves]
    console.print()
    if not any(states):
        return
    table = columns("left", "left", "left", "left")
    table.add_row(*(Text(title, style="bold") for title in ("hazard", "", *map(_title, halves))))
    for code, subject in dict.fromkeys(key for state in states for key in state):
        table.add_row(Text(code), Text(subject), *(state.get((code, subject), Text("-", "green")) for state in states))
    console.print(table)


def _state(hazard: Hazard) -> Text:
    from rich.text import Text

    return Text("accepted", "dim") if hazard.accepted is not None else Text(hazard.severity, _COLOURS[hazard.severity])


def _hazards(hazards: tuple[Hazard, ...], console: Console) -> None:
    from rich.text import Text

    told = (f"{count(len(hazards), 'hazard')} found", "bold") if hazards else ("no hazard found", "green")
    console.print(Text.assemble("\n", told))
    for hazard in hazards:
        console.print()
        console.print(_state(hazard) + Text.assemble(f" {hazard.code}", style="bold") + f"  {hazard.subject}")
        table = columns("left", "left")
        details = (hazard.evidence, hazard.origin, hazard.remedy, hazard.accepted)
        for name, value in zip(("evidence", "from", "remedy", "accepted"), details, strict=True):
            if value:
                table.add_row(Text(f"  {name}", "dim"), Text(value))
        console.print(table)
    if hazards:
        first = json.dumps(f"{hazards[0].code}:{hazards[0].subject}")
        console.print(Text(_ADVICE.format(first).rstrip(), style="dim"))
