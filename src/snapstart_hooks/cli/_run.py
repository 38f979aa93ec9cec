"""``snapstart-hooks run HANDLER``: a function from its publication to its invocations."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Final, Protocol, cast

from snapstart_hooks.cli import _clones, _errors, _outcome, _terminal
from snapstart_hooks.cli._arguments import (
    ENVIRONMENT,
    add_events,
    add_function,
    directory,
    duration,
    need_runtime,
    positive,
    read_events,
)
from snapstart_hooks.cli._connection import Connection, advice
from snapstart_hooks.cli._process import function_output

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from rich.console import Console

__all__ = ("DESCRIPTION", "EPILOG", "add_arguments", "run")

DESCRIPTION: Final = """\
Publish, restore and invoke a function on this machine: AWS's own runtime imports the
handler, runs the before_snapshot hooks, then the after_restore hooks, and then gives the
events to the handler. What the function writes goes to standard error; the report goes
to standard output.

Without --clones all of it happens in one process, so that nothing repeats and no
connection dies. With --clones N the function is initialised once and restored N times,
as SnapStart does it, and the report names the hazards that this shows. The clones are
compared with starts of the function that are never restored.
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
    """Give a parser the arguments."""
    add_function(parser)
    add_events(parser)
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
        type=duration,
        metavar="TIME",
        help="how much later they are restored, as their wall clock has it: 90s, 15m, 6h, 1d",
    )
    clones.add_argument(
        "--dead-connections",
        nargs="?",
        const="reset",
        choices=["reset", "blackhole"],
        help="what was connected before the snapshot is dead: answered by a reset (default), or by nothing",
    )
    clones.add_argument(
        "--live-connections",
        action="store_true",
        help="let all clones share what was connected with the real peers, as no restore does",
    )
    clones.add_argument(
        "--backend",
        choices=["criu", "namespace", "fork"],
        help="how clones are made (default: the best way there is here); fork works everywhere, "
        "but cannot show repeated random numbers",
    )
    clones.add_argument(
        "--fail-on",
        choices=["error", "warning"],
        default="error",
        help="which hazards make the command fail (default: error)",
    )
    clones.add_argument(
        "--cost",
        action="store_true",
        help="measure what hooks, the first and the second answer cost: time, memory, and what is done only once",
    )
    clones.add_argument("--plot", metavar="FILE", help="draw that, as .png, .svg or .pdf; implies --cost")
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
        code, connected = _clones.run(options, root, events, console)
    else:
        code, connected = _ran(options, root, events, console)
    if console is not None and not connected:
        console.print(f"\n{advice(options.handler)}", style="yellow", markup=False)
    return code


def _ran(options: _Options, root: Path, events: list[object], console: Console | None) -> tuple[int, bool]:
    """Run it in this process and print the report; the exit code, and whether the function uses our hooks."""
    from snapstart_hooks.testing import run_in_process
    from snapstart_hooks.testing._outcome import ended_by_itself

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
