"""``snapstart-hooks check-provider DIST``: for the authors of libraries that ship hooks."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final, Literal, Protocol, cast

from snapstart_hooks.cli import _errors, _terminal
from snapstart_hooks.cli._arguments import directory, read_events
from snapstart_hooks.cli._errors import CommandError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

    from rich.console import Console

    from snapstart_hooks.testing import ClonesCompared, ProviderReport, ShippedProvider

__all__ = ("DESCRIPTION", "EPILOG", "add_arguments", "run")

_PROBLEMS: Final = 1

DESCRIPTION: Final = """\
Check the SnapStart hooks that an installed library ships: does discovery take them, what
do they cost a function that does not use the library, do they run again and again, do
their types hold; and, with a small application, do they cure what clones show.

A library ships hooks without depending on this package: in its pyproject.toml

  [project.entry-points."snapstart.hooks"]
  pool = "mydriver._snapstart"

names a module with `before_snapshot` and/or `after_restore`.
"""
EPILOG: Final = """\
examples:
  pip install --editable . && snapstart-hooks check-provider mydriver
  snapstart-hooks check-provider mydriver --app app.handler --path tests/application
  snapstart-hooks check-provider mydriver --types no --json | jq '.problems'

what it does:
  1  loads each provider in an interpreter of its own, as discovery does: after the package
     that it is in was imported, and alone. Modules, time, threads, files and sockets count.
  2  imports the application, if there is one, and runs both phases three times: Lambda takes
     new snapshots of a published version later. No error, no more threads or open files.
  3  asks mypy, else pyright, if installed, whether the modules satisfy the protocols.
  4  restores the application in clones without the hooks and with them, and compares.

The application is a handler that uses the library as its users do. It needs no hook of its
own and need not import this package. Hazards that are none in it are accepted in the
pyproject.toml of its folder: docs/hazards.md.

exit codes:
  0    no problem that counts
  1    there are problems
  2    the arguments are wrong, the library is not installed, or clones cannot be made here
  130  it was interrupted
"""

_COLOURS: Final = {"error": "bold red", "warning": "yellow"}


class _Options(Protocol):
    """What `add_arguments` makes argparse give."""

    distribution: str
    app: str | None
    path: str
    event: list[str]
    clones: int
    types: Literal["auto", "mypy", "pyright", "no"]
    fail_on: Literal["error", "warning"]
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser the arguments."""
    parser.add_argument("distribution", metavar="DIST", help="the library's name, as for pip; it has to be installed")
    parser.add_argument("--app", metavar="HANDLER", help="a small application that uses it, such as app.handler")
    parser.add_argument("--path", metavar="DIR", default=".", help="the folder of its code (default: this one)")
    parser.add_argument(
        "--event",
        action="append",
        default=[],
        metavar="EVENT",
        help="for the application: a file with JSON, - for standard input, or JSON itself (default: {})",
    )
    parser.add_argument(
        "--clones", type=int, default=2, metavar="N", help="of the application; 0: only import it (default: 2)"
    )
    parser.add_argument(
        "--types",
        choices=["auto", "mypy", "pyright", "no"],
        default="auto",
        help="the type checker (default: the first that is installed)",
    )
    parser.add_argument(
        "--fail-on", choices=["error", "warning"], default="error", help="what exit code 1 is for (default: error)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Print the report; return the exit code."""
    options = cast("_Options", args)
    root = directory(options.path)
    events = read_events(options.event)
    console = None if options.json else _terminal.console()
    report = _checked(options, root, events)
    if console is None:
        print(json.dumps(report.to_dict(), indent=2))
    else:
        _show(report, root, console)
    return _PROBLEMS if report.failing(options.fail_on) else _errors.OK


def _checked(options: _Options, root: Path, events: list[object]) -> ProviderReport:
    from snapstart_hooks.testing import CloneError, accepted_in, check_provider

    if options.app is None and options.event:
        msg = "--event needs --app HANDLER, which answers it"
        raise CommandError(msg)
    try:
        return check_provider(
            options.distribution,
            app=options.app,
            clones=options.clones,
            accept=accepted_in(root),
            types=options.types,
            on_step=_teller(),
            events=events,
            task_root=root,
        )
    except (CloneError, ValueError) as error:
        raise CommandError(str(error)) from error


def _teller() -> Callable[[str], None] | None:
    """Tells how far it is: to people who wait."""
    if not sys.stderr.isatty():
        return None
    return lambda step: print(f"{step} ...", file=sys.stderr)


def _show(report: ProviderReport, root: Path, console: Console) -> None:
    from rich.text import Text

    console.print(Text.assemble((report.distribution, "bold"), f" {report.version}"))
    for provider in report.providers:
        _provider(provider, root, console)
    if report.types.checker:
        found = len(report.types.errors)
        outcome = (_terminal.count(found, "error"), "bold red") if found else ("no error", "green")
        console.print(Text.assemble("\n", ("types", "bold"), "  ", outcome, (f"  {report.types.checker}", "dim")))
    if report.clones is not None:
        _clones(report.clones, console)
    for note in report.notes:
        console.print(Text(f"\n{note}", style="yellow"))
    if not report.problems:
        console.print(Text("\nno problem found", style="green"))
    for problem in report.problems:
        code = (f"{problem.severity} {problem.code}", _COLOURS[problem.severity])
        console.print(Text.assemble("\n", code, f"  {problem.subject}"))
        for line in filter(None, (problem.message, problem.remedy)):
            console.print(Text(f"  {line}", style="dim" if line is problem.remedy else ""))


def _provider(provider: ShippedProvider, root: Path, console: Console) -> None:
    from rich.text import Text

    from snapstart_hooks.testing.provider import loaded, options

    console.print(Text.assemble("\n", (provider.name, "bold"), f" = {provider.value}"))
    console.print(Text(f"  {loaded(provider)}"))
    table = _terminal.columns("left", "left", "left", "left")
    for hook in provider.hooks:
        table.add_row(
            Text(f"  {hook.phase}"),
            Text(hook.name),
            Text(options(hook)),
            Text(_terminal.short_place(hook.location, root), style="dim"),
        )
    if provider.hooks:
        console.print(table)


def _clones(compared: ClonesCompared, console: Console) -> None:
    from rich.text import Text

    run = compared.with_hooks.run
    count = _terminal.count(len(run.clones), "clone")
    console.print(Text.assemble("\n", ("application", "bold"), f"  {count}, backend {run.backend}"))
    table = _terminal.columns("left", "left", "left")
    for told, style, hazards in (
        ("cured", "green", compared.cured),
        ("left", "yellow", compared.left),
        ("caused", "bold red", compared.caused),
    ):
        for hazard in hazards:
            table.add_row(Text(f"  {told}", style=style), Text(hazard.code), Text(hazard.subject))
    if table.row_count:
        console.print(table)
    else:
        console.print(Text("  neither without the hooks nor with them do the clones show a hazard", style="dim"))
