"""``snapstart-hooks audit HANDLER``: what the snapshot of a function would contain and should not."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final, Protocol, cast

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

from snapstart_hooks._audit import Finding, audit
from snapstart_hooks.cli import _errors, _outcome, _terminal
from snapstart_hooks.cli._arguments import ENVIRONMENT, add_function, directory, need_runtime
from snapstart_hooks.cli._process import function_output
from snapstart_hooks.testing import Instrument, run_in_process

if TYPE_CHECKING:
    import argparse

__all__ = ("DESCRIPTION", "EPILOG", "add_arguments", "run")

DESCRIPTION: Final = """\
Import a function as Lambda does, run its before_snapshot hooks, and look for what its
snapshot would then contain and should not: open connections, threads, child processes.
Nothing is cloned; `run --clones` shows what a restore does.
"""
EPILOG: Final = f"""\
examples:
  snapstart-hooks audit app.lambda_handler
  snapstart-hooks audit app.lambda_handler --path build --json
  snapstart-hooks audit app.lambda_handler --without-hooks

On Lambda itself SNAPSTART_HOOKS_AUDIT=warn does the same when a version is published, and
SNAPSTART_HOOKS_AUDIT=error lets publishing fail.

{_errors.table(_errors.OK, _errors.USAGE, _errors.INIT, _errors.HAZARDS, _errors.BEFORE_SNAPSHOT)}
{ENVIRONMENT}"""


class _Options(Protocol):
    """What `add_arguments` makes argparse give."""

    handler: str
    path: str
    without_hooks: bool
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser the arguments."""
    add_function(parser)
    parser.add_argument("--without-hooks", action="store_true", help="run no hook, to see what they tear down")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


class _Audit(Instrument):
    """Looks when the before_snapshot hooks have run."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    @override
    def snapshot(self) -> None:
        self.findings = audit()


def run(args: argparse.Namespace) -> int:
    """Print what is found; return the exit code."""
    options = cast("_Options", args)
    root = directory(options.path)
    console = None if options.json else _terminal.console()
    need_runtime()
    look = _Audit()
    with function_output():
        outcome = run_in_process(
            options.handler, (), hooks=not options.without_hooks, task_root=root, capture=False, instruments=[look]
        )
    code = _outcome.exit_code(outcome)
    if code not in {_errors.INIT, _errors.BEFORE_SNAPSHOT}:  # a restore is not what is looked at
        code = _errors.HAZARDS if look.findings else _errors.OK
    if console is None:
        document = {
            "handler": options.handler,
            "path": str(root),
            "ok": code == _errors.OK,
            "exit_code": code,
            "error": outcome.to_dict()["error"],
            "findings": [finding.to_dict() for finding in look.findings],
        }
        print(json.dumps(document, indent=2))
    elif code in {_errors.INIT, _errors.BEFORE_SNAPSHOT} and outcome.error is not None:
        _outcome.show_failure(outcome.error, console)
    else:
        found = _terminal.count(len(look.findings), "finding") if look.findings else "nothing that should not be there"
        console.print(f"{options.handler}: {found}", style="bold", markup=False)
        for finding in look.findings:
            console.print(f"{finding.kind} {finding.what}\n    {finding.remedy}", markup=False)
    return code
