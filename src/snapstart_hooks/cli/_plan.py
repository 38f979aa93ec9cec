"""``snapstart-hooks plan HANDLER``: what would run, in which order, and whose it is."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Final, Protocol, cast

from snapstart_hooks import Phase
from snapstart_hooks.cli import _errors, _failure, _terminal
from snapstart_hooks.cli._arguments import ENVIRONMENT, add_function, directory, need_runtime
from snapstart_hooks.cli._connection import advice
from snapstart_hooks.cli._planned import planned

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from snapstart_hooks.cli._planned import HookDocument, PlanDocument

__all__ = ("add_arguments", "run")

DESCRIPTION: Final = """\
Import a function as Lambda does, find the hooks that it and all installed libraries
declare, and show in which order they would run. Nothing of a hook is run.
"""
EPILOG: Final = f"""\
examples:
  snapstart-hooks plan app.lambda_handler
  snapstart-hooks plan app.lambda_handler --path build --phase after_restore
  snapstart-hooks plan app.lambda_handler --json | jq '.phases.after_restore[].name'

{_errors.table(_errors.OK, _errors.USAGE, _errors.INIT, _errors.BEFORE_SNAPSHOT)}\
       (a library's hooks cannot be used, or `after` forms a cycle)

{ENVIRONMENT}"""

_WHEN: Final = {
    Phase.BEFORE_SNAPSHOT: "once, when a version is published",
    Phase.AFTER_RESTORE: "in every restored environment, before its first invocation",
}


class _Options(Protocol):
    """What `add_arguments` makes argparse give."""

    handler: str
    path: str
    phase: str | None
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser the description and the arguments."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_function(parser)
    parser.add_argument("--phase", choices=[phase.value for phase in Phase], help="show this phase only")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Print the plan; return the exit code."""
    options = cast("_Options", args)
    root = directory(options.path)
    console = None if options.json else _terminal.console()
    need_runtime()
    document = planned(options.handler, root, [Phase(options.phase)] if options.phase else list(Phase))
    if console is None:
        print(json.dumps(document, indent=2))
    else:
        _show(document, root, console)
    if document["init_error"] is not None:
        return _errors.INIT
    return _errors.OK if document["ok"] else _errors.BEFORE_SNAPSHOT


def _show(document: PlanDocument, root: Path, console: Console) -> None:
    from rich.text import Text

    if document["init_error"] is not None:
        console.print(Text(f"{document['handler']} cannot be loaded", style="bold"))
        _failure.show(document["init_error"], console)
        return
    for name, hooks in document["phases"].items():
        phase = Phase(name)
        console.print(Text.assemble((name, "bold"), f"  {_terminal.count(len(hooks), 'hook')}, {_WHEN[phase]}"))
        if hooks:
            console.print(_table(hooks, root))
        console.print()
    errors = [each["message"] for each in document["errors"]]
    for title, lines in (("left out", document["skipped"]), ("errors", errors)):
        if lines:
            console.print(Text(title, style="bold red" if title == "errors" else "bold"))
            for line in lines:
                console.print(Text(f"- {line}"))
            console.print()
    if errors:
        console.print(Text("Publishing a version would fail.", style="red"))
    if broken := [each["provider"] for each in document["errors"] if each["provider"]]:
        console.print(Text(f"Until that is mended, SNAPSTART_HOOKS_DISABLE={','.join(broken)} leaves it out."))
    if not document["connected"]:
        console.print(Text(advice(document["handler"]), style="yellow"))


def _table(hooks: Sequence[HookDocument], root: Path) -> Table:
    table = _terminal.columns("right", "left", "right", "left")
    for hook in hooks:
        table.add_row(
            str(hook["place"]), _name(hook, root), _terminal.priority(hook["priority"]), ", ".join(_options(hook))
        )
    return table


def _name(hook: HookDocument, root: Path) -> Text:
    from rich.text import Text

    whose = hook["provider"] or "application"
    if hook["distribution"]:
        whose = f"{hook['distribution']} {hook['version'] or '(unknown version)'}"
    where = _terminal.short_place(hook["location"], root)
    return Text.assemble((hook["name"], "bold"), "\n", (f"{whose}, {where}", "dim"))


def _options(hook: HookDocument) -> list[str]:
    """What is not the default."""
    told = [f"after {name}" for name in hook["after"]]
    if hook["timeout"] is not None:
        told.append(f"timeout {hook['timeout']:g} s")
    if not hook["required"]:
        told.append("optional")
    if hook["is_async"]:
        told.append("async")
    if hook["overlaps"]:
        told.append(f"overlaps {', '.join(map(str, hook['overlaps']))}")
    elif hook["concurrent"]:
        told.append("concurrent")
    return told
