"""``snapstart-hooks run HANDLER``: publish, restore and invoke a function."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Final, Protocol, cast

from snapstart_hooks.cli import _clones, _errors, _outcome
from snapstart_hooks.cli._arguments import (
    ENVIRONMENT,
    add_backend,
    add_events,
    add_fail_on,
    add_function,
    add_timeout,
    duration,
    prepare,
    read_events,
)
from snapstart_hooks.cli._connection import Connection, advice
from snapstart_hooks.cli._process import run_function

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from snapstart_hooks.cli._console import ReportConsole

__all__ = ("DESCRIPTION", "EPILOG", "add_arguments", "run")

DESCRIPTION: Final = """\
Publish, restore and invoke a function on this machine: AWS's own runtime imports the
handler, runs the before_snapshot hooks, then the after_restore hooks, and then passes
the events to the handler. What the function writes goes to standard error; the report
goes to standard output.

Without --clones everything happens in one process: no value repeats, and no connection
dies. With --clones N the function is initialised once and restored N times, as under
SnapStart, and the report lists the hazards that the clones show. The clones are compared
with starts of the function that are never restored.
"""
EPILOG: Final = f"""\
examples:
  snapstart-hooks run app.lambda_handler
  snapstart-hooks run app.lambda_handler --event event.json --event '{{"id": 7}}'
  make-event | snapstart-hooks run app.lambda_handler --event - --json 2>log
  snapstart-hooks run app.lambda_handler --clones 3 --elapsed 6h
  snapstart-hooks run app.lambda_handler --clones 3 --compare
  snapstart-hooks run app.lambda_handler --clones 3 --cost --plot cost.svg

{
    _errors.exit_codes(
        _errors.OK,
        _errors.INVOCATION,
        _errors.USAGE,
        _errors.INIT,
        _errors.HAZARDS,
        _errors.BEFORE_SNAPSHOT,
        _errors.AFTER_RESTORE,
    )
}
{ENVIRONMENT}"""


class _Options(_clones.Options, Protocol):
    """The arguments that `add_arguments` adds."""

    event: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand to a parser."""
    add_function(parser)
    add_events(parser)
    parser.add_argument("--without-hooks", action="store_true", help="run no hook, to see what the hooks prevent")
    add_timeout(parser)
    clones = parser.add_argument_group("restoring clones of one snapshot (Linux)")
    clones.add_argument(
        "--clones", type=int, metavar="N", help="the number of clones; a value can repeat only in 2 or more"
    )
    clones.add_argument(
        "--elapsed",
        type=duration,
        metavar="TIME",
        help="the time between the snapshot and the restore, by the clones' wall clock: 90s, 15m, 6h, 1d",
    )
    clones.add_argument(
        "--dead-connections",
        nargs="?",
        const="reset",
        choices=["reset", "blackhole"],
        help="what connections of the snapshot do in the clones: they are reset (default), or never answer",
    )
    clones.add_argument(
        "--live-connections",
        action="store_true",
        help="leave connections of the snapshot open, shared by all clones, which no restore on Lambda does",
    )
    add_backend(clones)
    add_fail_on(clones, "hazard", _errors.HAZARDS)
    clones.add_argument(
        "--cost",
        action="store_true",
        help="measure the time and memory that the hooks, the first and the second answer take, "
        "and list what only the first answer does",
    )
    clones.add_argument("--plot", metavar="FILE", help="draw the cost as .png, .svg or .pdf; implies --cost")
    clones.add_argument(
        "--compare", action="store_true", help="restore without hooks, then with hooks, and show the hazards of both"
    )


def run(args: argparse.Namespace) -> int:
    """Run the function and print the report; return the exit code."""
    options = cast("_Options", args)
    _clones.check(options)
    events = read_events(options.event)
    root, console = prepare(options)
    run_it = _run_here if options.clones is None else _clones.run
    code, connected = run_it(options, root, events, console)
    if console is not None and not connected:
        console.say((f"\n{advice(options.handler)}", "yellow"))
    return code


def _run_here(options: _Options, root: Path, events: list[object], console: ReportConsole | None) -> tuple[int, bool]:
    """Run the function in this process and print the report.

    Returns:
        The exit code, and whether the function is connected to the hooks of this package.
    """
    from snapstart_hooks.testing._outcome import ended_by_itself

    connection = Connection()
    outcome = run_function(
        options.handler,
        root,
        [connection],
        events=events,
        hooks=not options.without_hooks,
        timeout=options.timeout,
    )
    if outcome.error is None and outcome.init_seconds is None:
        outcome = dataclasses.replace(outcome, error=ended_by_itself(outcome.exit_code))
    code = _outcome.exit_code(outcome)
    if console is None:
        about = {"handler": options.handler, "path": str(root), "connected": connection.made, "events": len(events)}
        document = {**about, "ok": code == _errors.OK, **outcome.to_dict(), "exit_code": code}
        print(json.dumps(document, indent=2))
    else:
        _outcome.show(outcome, len(events), root, console, connected=connection.made)
    return code, connection.made or outcome.init_seconds is None
