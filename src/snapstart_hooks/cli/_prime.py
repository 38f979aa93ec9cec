"""``snapstart-hooks prime HANDLER``: list the modules that only the first answer imports."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol, cast

from snapstart_hooks._pages import page
from snapstart_hooks.cli import _errors
from snapstart_hooks.cli._arguments import (
    ENVIRONMENT,
    FunctionOptions,
    add_backend,
    add_events,
    add_function,
    add_timeout,
    prepare,
    read_events,
)
from snapstart_hooks.cli._connection import advice
from snapstart_hooks.cli._cost import megabytes
from snapstart_hooks.cli._errors import CommandError
from snapstart_hooks.cli._outcome import clones_exit_code
from snapstart_hooks.cli._terminal import count, milliseconds
from snapstart_hooks.testing import CloneError, ClonesFailed, measure_cost

if TYPE_CHECKING:
    import argparse

    from snapstart_hooks.cli._console import ReportConsole
    from snapstart_hooks.testing import Cost, CostReport

__all__ = ("DESCRIPTION", "EPILOG", "add_arguments", "run")

_VARIABLE: Final = "SNAPSTART_HOOKS_PRIME"

DESCRIPTION: Final = f"""\
List the modules that a function imports only for its first answer, so that they can be
imported before the snapshot. The function is restored in clones, and each clone answers
the events twice: the list has the modules that the first answers import and the second
answers do not, one on each line.

--write FILE writes the list, and measures again with it. Deploy the file with the
function, and set the variable {_VARIABLE}=FILE; or write prime = "FILE" into
[tool.snapstart-hooks] of a pyproject.toml beside the function. Then the modules are
imported before the snapshot; the handler is not called, so there are no side effects.

A function whose handler may be called before the snapshot gains more with
snapstart_hooks.priming.prime(handler, events): {page("priming")}
"""
EPILOG: Final = f"""\
examples:
  snapstart-hooks prime app.lambda_handler --event event.json
  snapstart-hooks prime app.lambda_handler --event get.json --event post.json --write primed.txt
  snapstart-hooks prime app.lambda_handler --json

{
    _errors.exit_codes(
        _errors.OK,
        _errors.INVOCATION,
        _errors.USAGE,
        _errors.INIT,
        _errors.BEFORE_SNAPSHOT,
        _errors.AFTER_RESTORE,
    )
}
{ENVIRONMENT}"""


class _Options(FunctionOptions, Protocol):
    """The arguments that `add_arguments` adds."""

    event: list[str]
    write: str | None
    clones: int
    timeout: float
    backend: Literal["criu", "namespace", "fork"] | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand to a parser."""
    add_function(parser)
    add_events(parser)
    parser.add_argument("--write", metavar="FILE", help="write the list to this file, and measure again with it")
    parser.add_argument(
        "--clones", type=int, default=3, metavar="N", help="the number of clones that are measured (default: 3)"
    )
    add_timeout(parser)
    add_backend(parser)


def run(args: argparse.Namespace) -> int:
    """Find the modules, write them to a file if there is one, and print them; return the exit code."""
    options = cast("_Options", args)
    if options.clones < 1:
        msg = f"--clones {options.clones}: give 1 or more"
        raise CommandError(msg)
    events = read_events(options.event)
    root, console = prepare(options)
    print("restoring the function without a list", file=sys.stderr)
    before = _measured(options, root, events, {"SNAPSTART_HOOKS_DISABLE": "snapstart-hooks:prime"})
    found = before.before_the_snapshot.modules
    connected = before.run.snapshot.before_report is not None
    after: CostReport | None = None
    if options.write is not None:
        file = Path(options.write).resolve()
        _write(file, options.handler, found)
        if connected:
            print(f"restoring the function with {options.write}", file=sys.stderr)
            after = _measured(options, root, events, {_VARIABLE: str(file)})
    if console is None:
        document = {
            "handler": options.handler,
            "path": str(root),
            "modules": list(found),
            "written": options.write,
            "connected": connected,
            "without": before.to_dict(),
            "with": None if after is None else after.to_dict(),
        }
        print(json.dumps(document, indent=2))
    else:
        _show(options, root, before, after, console)
        if not connected:
            console.say((f"\n{advice(options.handler)}", "yellow"))
    return _errors.OK


def _measured(options: _Options, root: Path, events: list[object], environment: dict[str, str | None]) -> CostReport:
    try:
        return measure_cost(
            options.handler,
            events=events,
            clones=options.clones,
            task_root=root,
            timeout=options.timeout,
            backend=options.backend,
            environment=environment,
        )
    except ClonesFailed as error:
        code = _errors.INVOCATION if error.run is None else clones_exit_code(error.run)
        raise CommandError(str(error), code) from error
    except CloneError as error:
        raise CommandError(str(error)) from error


def _write(file: Path, handler: str, modules: tuple[str, ...]) -> None:
    lines = [
        f"# The modules that the first answer of {handler} imports. Written by `snapstart-hooks prime --write`.",
        f"# They are imported before the snapshot if {_VARIABLE} names this file.",
        *modules,
    ]
    try:
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        msg = f"--write {file}: the file cannot be written: {error.strerror}"
        raise CommandError(msg) from error


def _show(options: _Options, root: Path, before: CostReport, after: CostReport | None, console: ReportConsole) -> None:
    found = before.before_the_snapshot.modules
    for name in found:
        console.say(name)
    console.say((f"{count(len(found), 'module')} that only the first answer imports", "bold"))
    measured = [("without the list", before), *([("with the list", after)] if after is not None else [])]
    console.table([(f"first answer {how}", *_figures(cost.first)) for how, cost in measured], "lrr")
    if after is not None and (left := after.before_the_snapshot.modules):
        console.say((f"still imported by the first answer: {', '.join(left)}", "yellow"))
    if options.write is not None:
        file = Path(options.write).resolve()
        inside = file.is_relative_to(root)
        name = str(file.relative_to(root)) if inside else f"{file.name} (deployed beside the function)"
        console.say(f"written to {options.write}; on Lambda: {_VARIABLE}={name}")


def _figures(cost: Cost) -> tuple[str, str]:
    return milliseconds(cost.seconds * 1e3), megabytes(cost.read)
