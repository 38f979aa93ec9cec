"""``snapstart-hooks run HANDLER``: a function from its publication to its invocations."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Final, Protocol, cast

from snapstart_hooks.cli import _clones, _errors, _outcome, _terminal
from snapstart_hooks.cli._arguments import ENVIRONMENT, add_function, directory, need_runtime, positive, read_events
from snapstart_hooks.cli._connection import Connection, advice
from snapstart_hooks.cli._process import function_output

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

__all__ = ("add_arguments", "run")

DESCRIPTION: Final = """\
Publish, restore and invoke a function on this machine: AWS's own runtime imports the
handler, runs the before_snapshot hooks, then the after_restore hooks, and then gives the
events to the handler. What the function writes goes to standard error; the report goes
to standard output.

Without --clones all of it happens in one process, so that nothing repeats and no
connection dies. With --clones N the function is initialised once and restored N times,
as SnapStart does it, and the report names the hazards that this shows.
"""
EPILOG: Final = f"""\
examples:
  snapstart-hooks run app.lambda_handler
  snapstart-hooks run app.lambda_handler --event event.json --event '{{"id": 7}}'
  make-event | snapstart-hooks run app.lambda_handler --event - --json 2>log
  snapstart-hooks run app.lambda_handler --clones 3 --elapsed 6h --dead-connections
  snapstart-hooks run app.lambda_handler --clones 3 --compare

{
    _errors.table(
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
    """What `add_arguments` makes argparse give."""

    path: str
    event: list[str]
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser the description and the arguments."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_function(parser)
    parser.add_argument(
        "--event",
        action="append",
        default=[],
        metavar="EVENT",
        help="a file with JSON, - for standard input, or JSON itself; several are several invocations (default: {})",
    )
    parser.add_argument("--without-hooks", action="store_true", help="run no hook, to see what they are good for")
    parser.add_argument(
        "--timeout",
        type=positive,
        default=30.0,
        metavar="SECONDS",
        help="what context.get_remaining_time_in_millis() counts down from; a clone is ended then (default: 30)",
    )
    clones = parser.add_argument_group("restoring clones of one snapshot (Linux)")
    clones.add_argument("--clones", type=int, metavar="N", help="how many; 2 or more, or nothing can repeat")
    clones.add_argument(
        "--elapsed",
        type=_clones.seconds,
        metavar="TIME",
        help="how much later they are restored, as their wall clock has it: 90s, 15m, 6h, 1d",
    )
    clones.add_argument(
        "--dead-connections",
        nargs="?",
        const="reset",
        choices=["reset", "blackhole"],
        help="let what was connected before the snapshot be dead: answered by a reset (default), or by nothing",
    )
    clones.add_argument("--compare", action="store_true", help="do it without hooks, then with them, side by side")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Run the function and print the report; return the exit code."""
    options = cast("_Options", args)
    _clones.check(options)
    root = directory(options.path)
    events = read_events(options.event)
    console = None if options.json else _terminal.console()
    need_runtime()
    if options.clones is not None:
        return _restored(options, root, events, console)
    document = _ran(options, root, events)
    if console is None:
        print(json.dumps(document, indent=2))
    else:
        from snapstart_hooks.cli import _outcome_text

        _outcome_text.show(document, root, console)
        if not document["connected"] and document["init_ms"] is not None:
            console.print(f"\n{advice(options.handler)}", style="yellow", markup=False)
    return document["exit_code"]


def _restored(options: _Options, root: Path, events: list[object], console: Console | None) -> int:
    document = _clones.ran(options, root, events)
    if console is None:
        print(json.dumps(document, indent=2))
    else:
        from snapstart_hooks.cli import _clones_text

        _clones_text.show(document, root, console)
        last = document["runs"][-1]
        before = last["before_snapshot"]
        if last["hooks"] and before is not None and before["report"] is None:
            console.print(f"\n{advice(options.handler)}", style="yellow", markup=False)
    return document["exit_code"]


def _ran(options: _Options, root: Path, events: list[object]) -> _outcome.RunDocument:
    from snapstart_hooks.testing import run_in_process

    connection = Connection()
    with function_output():
        outcome = run_in_process(
            options.handler,
            events,
            hooks=not options.without_hooks,
            task_root=root,
            capture=False,
            timeout=options.timeout,
            instruments=[connection],
        )
    return _outcome.document(outcome, handler=options.handler, root=root, connected=connection.made, events=len(events))
