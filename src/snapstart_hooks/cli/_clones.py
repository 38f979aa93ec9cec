"""``snapstart-hooks run --clones``: a function that is initialised once and restored several times."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, cast

from snapstart_hooks._pages import page
from snapstart_hooks.cli import _cost, _errors, _outcome
from snapstart_hooks.cli._arguments import FunctionOptions
from snapstart_hooks.cli._errors import CommandError
from snapstart_hooks.cli._terminal import count, milliseconds
from snapstart_hooks.testing import CloneError, accepted_in, find_hazards

if TYPE_CHECKING:
    from collections.abc import Mapping

    from snapstart_hooks.cli._console import Cell, ReportConsole
    from snapstart_hooks.testing import CloneOutcome, Hazard, HazardReport, Progress, SnapshotOutcome

__all__ = ("Options", "check", "run")

_ANSWER_LIMIT: Final = 100
"""The largest number of characters of an answer that are shown."""

_COLOURS: Final = {"error": "bold red", "warning": "yellow"}
_ACCEPTING: Final = f"""
To accept a hazard that does no harm, give the reason in pyproject.toml, see {page("hazards", "accepting-one")}
  [tool.snapstart-hooks.hazards.accept]
  {{}} = "why it does no harm"
"""


class Options(FunctionOptions, Protocol):
    """The options of ``run`` that concern clones."""

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


class _Half(NamedTuple):
    """One snapshot and its clones.

    Attributes:
        hooks: Whether hooks ran.
        report: The hazards that the clones show.
        code: The exit code for this report.
    """

    hooks: bool
    report: HazardReport
    code: int

    @property
    def title(self) -> str:
        """The name of this half in the report."""
        return "with hooks" if self.hooks else "without hooks"


def check(options: Options) -> None:
    """Check that the options do not contradict each other.

    Raises:
        CommandError: They do.
    """
    if options.clones is None:
        for name in ("elapsed", "dead_connections", "live_connections", "backend", "cost", "plot", "compare"):
            if getattr(options, name):
                msg = f"--{name.replace('_', '-')} needs --clones N: only clones show what a restore does"
                raise CommandError(msg)
    elif options.clones < 1:
        msg = f"--clones {options.clones}: give 1 or more; repeated values show in 2 or more"
        raise CommandError(msg)
    if options.compare and options.without_hooks:
        msg = "--compare runs the function without hooks and with them. Leave out --without-hooks"
        raise CommandError(msg)
    if options.live_connections and options.dead_connections:
        msg = "--live-connections and --dead-connections exclude each other. Leave out one of them"
        raise CommandError(msg)


def run(options: Options, root: Path, events: list[object], console: ReportConsole | None) -> tuple[int, bool]:
    """Restore the function and print the report.

    Progress, and what the function writes, goes to standard error.

    Returns:
        The exit code, and whether the function is connected to the hooks of this package.

    Raises:
        CommandError: Clones cannot be made here, or the project's settings are wrong.
    """
    if options.plot is not None:
        _cost.need_matplotlib()
    try:
        accept = accepted_in(root)
        wanted = (False, True) if options.compare else (not options.without_hooks,)
        halves = [_restored(options, root, events, accept, hooks=hooks) for hooks in wanted]
        measured = (options.cost or options.plot is not None) and halves[-1].report.run.ok
        cost = _cost.measure(options, root, events) if measured else None
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
    report = half.report.to_dict()
    run = cast("dict[str, object]", report.pop("run"))
    for process in (run["snapshot"], *cast("list[object]", run["clones"])):
        cast("dict[str, object]", process).pop("observations")  # the evidence is in the hazards
    return {"hooks": half.hooks, "exit_code": half.code, **run, **report}


def _restored(options: Options, root: Path, events: list[object], accept: Mapping[str, str], *, hooks: bool) -> _Half:
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
        on_progress=lambda progress: _log_progress(progress, title),
    )
    if report.run.snapshot.error is None:  # whose text is in the report
        _log_output(report.run.snapshot, f"{title}snapshot")
    for clone in report.run.clones:
        _log_output(clone, f"{title}clone {clone.index}")
    return _Half(hooks, report, _exit_code(report, options.fail_on))


def _log_progress(progress: Progress, title: str) -> None:
    """Write the progress to standard error: on a terminal into one line that changes, else line by line."""
    if progress.stage == "snapshot":
        text = f"{title}snapshot taken; restoring {progress.total} clones"
    else:
        text = f"{title}clone {progress.done} of {progress.total} done"
    if sys.stderr.isatty():
        end = "\n" if progress.done == progress.total else ""
        print(f"\r\x1b[K{text}", end=end, file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr)


def _log_output(process: CloneOutcome | SnapshotOutcome, title: str) -> None:
    """Write what a process wrote to standard error, each line with the name of the process."""
    for line in f"{process.stdout}\n{process.stderr}".replace("\r\n", "\n").replace("\r", "\n").splitlines():
        if line.strip():
            print(f"[{title}] {line}", file=sys.stderr)


def _exit_code(report: HazardReport, fail_on: Literal["error", "warning"]) -> int:
    """Return the exit code for what fails, then for hazards."""
    return _outcome.clones_exit_code(report.run) or (_errors.HAZARDS if report.failing(fail_on) else _errors.OK)


def _show(handler: str, halves: list[_Half], root: Path, console: ReportConsole) -> None:
    """Print the report for people."""
    console.say((handler, "bold"))
    if len(halves) == 1:
        _show_half(halves[0], root, console)
    else:
        first, second = halves
        same = first.report.run.snapshot.error == second.report.run.snapshot.error is not None
        for half in halves[1:] if same else halves:
            console.say((f"\n{'with hooks and without' if same else half.title}", "bold"))
            _show_half(half, root, console)
        _show_comparison(halves, console)
    report = halves[-1].report
    if report.run.clones:
        _show_hazards(report.hazards, console)
    for note in report.notes:
        console.say((note, "yellow"))
    console.say((f"backend {report.run.backend}", "dim"))
    for limit in report.run.limits:
        console.say((f"not shown: {limit}", "dim"))


def _show_half(half: _Half, root: Path, console: ReportConsole) -> None:
    run = half.report.run
    connected = run.snapshot.before_report is not None
    _outcome.show_phases(run.snapshot, run.clones, root, console, connected=connected)
    if run.snapshot.error is not None:
        _outcome.show_failure(run.snapshot.error, console)
    elif run.snapshot.failure is not None:
        console.say((run.snapshot.failure, "red"))
    rows: list[tuple[Cell, Cell, Cell]] = []
    stacks: dict[str, list[int]] = {}
    for clone in run.clones:
        spent = clone.after_seconds
        restored = "" if spent is None else f"restored in {milliseconds(spent * 1e3)}"
        rows.append(((f"clone {clone.index}", "bold"), (restored, "dim"), _answer(clone)))
        if clone.stack.strip():
            stacks.setdefault(clone.stack.strip(), []).append(clone.index)
    console.table(rows, "lll")
    for stack, clones in stacks.items():
        console.say((f"stacks of clone {', '.join(map(str, clones))}", "bold"))
        console.say((stack, "dim"))


def _answer(clone: CloneOutcome) -> Cell:
    if clone.failure is not None:
        return " ".join(clone.failure.split()), "red"
    return "\n".join(_shortened(_outcome.answer(each)) for each in clone.invocations)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _ANSWER_LIMIT else f"{line[: _ANSWER_LIMIT - 3]}..."


def _show_comparison(halves: list[_Half], console: ReportConsole) -> None:
    """Print which hazards the clones show without hooks, and which with hooks."""
    states = [{(each.code, each.subject): _state(each) for each in half.report.hazards} for half in halves]
    console.say()
    if any(states):
        titles = [(title, "bold") for title in ("hazard", "", *(half.title for half in halves))]
        hazards = dict.fromkeys(key for state in states for key in state)
        rows: list[list[Cell]] = [
            [*hazard, *(state.get(hazard, ("-", "green")) for state in states)] for hazard in hazards
        ]
        console.table([titles, *rows], "llll")


def _state(hazard: Hazard) -> tuple[str, str]:
    return ("accepted", "dim") if hazard.accepted is not None else (hazard.severity, _COLOURS[hazard.severity])


def _show_hazards(hazards: tuple[Hazard, ...], console: ReportConsole) -> None:
    console.say("\n", (f"{count(len(hazards), 'hazard')} found", "bold") if hazards else ("no hazard found", "green"))
    for hazard in hazards:
        console.say()
        console.say(_state(hazard), (f" {hazard.code}", "bold"), f"  {hazard.subject}")
        details = (hazard.evidence, hazard.origin, hazard.remedy, hazard.accepted)
        names = ("evidence", "from", "remedy", "accepted")
        rows = [((f"  {name}", "dim"), text) for name, text in zip(names, details, strict=True) if text]
        console.table(rows, "ll")
    if hazards:
        first = json.dumps(f"{hazards[0].code}:{hazards[0].subject}")
        console.say((_ACCEPTING.format(first).rstrip(), "dim"))
