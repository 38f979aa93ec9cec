"""``snapstart-hooks run HANDLER``: a function from its publication to its invocations."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Final, Protocol, cast

from snapstart_hooks.cli import _errors, _outcome, _terminal
from snapstart_hooks.cli._arguments import ENVIRONMENT, add_function, directory, need_runtime, positive, read_events
from snapstart_hooks.cli._connection import Connection, advice
from snapstart_hooks.cli._process import function_output

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ("add_arguments", "run")

DESCRIPTION: Final = """\
Publish, restore and invoke a function in this process: AWS's own runtime imports the
handler, runs the before_snapshot hooks, then the after_restore hooks, and then gives the
events to the handler. What the function writes goes to standard error, as it comes; the
report goes to standard output.
"""
EPILOG: Final = f"""\
examples:
  snapstart-hooks run app.lambda_handler
  snapstart-hooks run app.lambda_handler --event event.json --event '{{"id": 7}}'
  make-event | snapstart-hooks run app.lambda_handler --event - --json 2>log

{
    _errors.table(
        _errors.OK, _errors.INVOCATION, _errors.USAGE, _errors.INIT, _errors.BEFORE_SNAPSHOT, _errors.AFTER_RESTORE
    )
}
{ENVIRONMENT}"""


class _Options(Protocol):
    """What `add_arguments` makes argparse give."""

    handler: str
    path: str
    event: list[str]
    without_hooks: bool
    timeout: float
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
        help="what context.get_remaining_time_in_millis() counts down from (default: 30)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Run the function and print the report; return the exit code."""
    options = cast("_Options", args)
    root = directory(options.path)
    events = read_events(options.event)
    console = None if options.json else _terminal.console()
    need_runtime()
    document = _ran(options, root, events)
    if console is None:
        print(json.dumps(document, indent=2))
    else:
        from snapstart_hooks.cli import _outcome_text

        _outcome_text.show(document, root, console)
        if not document["connected"]:
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
