"""``snapstart-hooks prime HANDLER``: which modules the first answer imports, as a list for the snapshot."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol, cast

from snapstart_hooks.cli import _errors, _terminal
from snapstart_hooks.cli._arguments import (
    ENVIRONMENT,
    add_events,
    add_function,
    directory,
    need_runtime,
    positive,
    read_events,
)
from snapstart_hooks.cli._connection import advice
from snapstart_hooks.cli._cost import megabytes
from snapstart_hooks.cli._errors import CommandError
from snapstart_hooks.cli._terminal import count, milliseconds
from snapstart_hooks.testing import CloneError, ClonesFailed, measure_cost

if TYPE_CHECKING:
    from rich.console import Console

    from snapstart_hooks.testing import Cost, CostReport

__all__ = ("add_arguments", "run")

_VARIABLE: Final = "SNAPSTART_HOOKS_PRIME"

DESCRIPTION: Final = f"""\
Find the modules that a function imports only when it answers for the first time, so that
they can be imported before the snapshot. The function is restored in clones, and each
answers the events twice: what the first answers import and the second do not is what is
printed, a module on each line.

--write FILE writes that list, and measures once more with it. Deploy the file with the
function, and set {_VARIABLE}=FILE; or say prime = "FILE" in [tool.snapstart-hooks] of a
pyproject.toml beside the function. What is listed is imported before the snapshot; no
handler is called then, so that nothing can have an effect.

What more there is to gain, and the handler may be called before the snapshot:
snapstart_hooks.priming.prime(handler, events).
"""
EPILOG: Final = f"""\
examples:
  snapstart-hooks prime app.lambda_handler --event event.json
  snapstart-hooks prime app.lambda_handler --event get.json --event post.json --write primed.txt
  snapstart-hooks prime app.lambda_handler --json

{_errors.table(_errors.OK, _errors.INVOCATION, _errors.USAGE)}
{ENVIRONMENT}"""


class _Options(Protocol):
    """What `add_arguments` makes argparse give."""

    handler: str
    path: str
    event: list[str]
    write: str | None
    clones: int
    timeout: float
    backend: Literal["criu", "namespace", "fork"] | None
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser the description and the arguments."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_function(parser)
    add_events(parser)
    parser.add_argument("--write", metavar="FILE", help="write the list there, and measure once more with it")
    parser.add_argument(
        "--clones",
        type=int,
        default=3,
        metavar="N",
        help="in how many clones time and memory are measured (default: 3)",
    )
    parser.add_argument(
        "--timeout", type=positive, default=30.0, metavar="SECONDS", help="when a clone is ended (default: 30)"
    )
    parser.add_argument(
        "--backend", choices=["criu", "namespace", "fork"], help="how clones are made (default: the best way here)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Find the modules, write them if that is wanted, and print them; return the exit code."""
    options = cast("_Options", args)
    if options.clones < 1:
        msg = f"--clones {options.clones}: it has to be 1 or more"
        raise CommandError(msg)
    root = directory(options.path)
    events = read_events(options.event)
    console = None if options.json else _terminal.console()
    need_runtime()
    print("restoring the function without a list", file=sys.stderr)
    before = _measured(options, root, events, {"SNAPSTART_HOOKS_DISABLE": "snapstart-hooks:prime"})
    found = before.before_the_snapshot.modules
    connected = before.run.snapshot.before_report is not None
    after: CostReport | None = None
    if options.write is not None:
        file = Path(options.write).resolve()
        _write(file, options.handler, found)
        if connected:
            print(f"restoring it with {options.write}", file=sys.stderr)
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
            console.print(f"\n{advice(options.handler)}", style="yellow", markup=False)
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
        raise CommandError(str(error), _errors.INVOCATION) from error
    except CloneError as error:
        raise CommandError(str(error)) from error


def _write(file: Path, handler: str, modules: tuple[str, ...]) -> None:
    lines = [
        f"# What the first answer of {handler} imports: found, and to be renewed, by `snapstart-hooks prime`.",
        f"# It is imported before the snapshot where {_VARIABLE} names this file.",
        *modules,
    ]
    try:
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        msg = f"--write {file}: {error.strerror}"
        raise CommandError(msg) from error


def _show(options: _Options, root: Path, before: CostReport, after: CostReport | None, console: Console) -> None:
    from rich.text import Text

    found = before.before_the_snapshot.modules
    for name in found:
        console.print(Text(name))
    console.print(Text(f"{count(len(found), 'module')} that only the first answer imports", style="bold"))
    table = _terminal.columns("left", "right", "right")
    table.add_row("first answer without the list", *_figures(before.first))
    if after is not None:
        table.add_row("first answer with it", *_figures(after.first))
    console.print(table)
    if after is not None and (left := after.before_the_snapshot.modules):
        console.print(Text(f"still imported by the first answer: {', '.join(left)}", style="yellow"))
    if options.write is not None:
        file = Path(options.write).resolve()
        inside = file.is_relative_to(root)
        name = str(file.relative_to(root)) if inside else f"{file.name} (deployed beside the function)"
        console.print(Text(f"written to {options.write}; on Lambda: {_VARIABLE}={name}"))


def _figures(cost: Cost) -> tuple[str, str]:
    return milliseconds(cost.seconds * 1e3), megabytes(cost.read)
