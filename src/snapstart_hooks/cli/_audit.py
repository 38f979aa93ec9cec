"""``snapstart-hooks audit HANDLER``: what the snapshot of a function would contain and should not."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import TYPE_CHECKING, Final, Protocol, cast

from snapstart_hooks._audit import Finding, audit
from snapstart_hooks._compat import override
from snapstart_hooks.cli import _errors, _outcome, _terminal
from snapstart_hooks.cli._arguments import ENVIRONMENT, FunctionOptions, add_function, prepare
from snapstart_hooks.cli._connection import Connection, advice
from snapstart_hooks.cli._process import run_function
from snapstart_hooks.testing._outcome import ended_by_itself

if TYPE_CHECKING:
    import argparse

__all__ = ("DESCRIPTION", "EPILOG", "add_arguments", "run")

DESCRIPTION: Final = """\
Import a function as Lambda does, run its before_snapshot hooks, and list what its
snapshot would then contain and should not: open connections, threads, child processes.
Hooks of libraries run only if the function imports snapstart_hooks, as on Lambda.
Nothing is restored; `snapstart-hooks run --clones` shows what a restore does.
"""
EPILOG: Final = f"""\
examples:
  snapstart-hooks audit app.lambda_handler
  snapstart-hooks audit app.lambda_handler --path build --json
  snapstart-hooks audit app.lambda_handler --without-hooks

On Lambda, the variable SNAPSTART_HOOKS_AUDIT=warn logs the same when a version is
published, and SNAPSTART_HOOKS_AUDIT=error makes publishing fail.

{_errors.exit_codes(_errors.OK, _errors.USAGE, _errors.INIT, _errors.HAZARDS, _errors.BEFORE_SNAPSHOT)}
{ENVIRONMENT}"""


class _Options(FunctionOptions, Protocol):
    """The arguments that `add_arguments` adds."""

    without_hooks: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand to a parser."""
    add_function(parser)
    parser.add_argument("--without-hooks", action="store_true", help="run no hook, to see what the hooks close")


class _Audit(Connection):
    """Audits the process when the before_snapshot hooks have run.

    Attributes:
        findings: What the snapshot should not contain.
        done: Whether the function got as far as the snapshot.
    """

    def __init__(self) -> None:
        super().__init__()
        self.findings: list[Finding] = []
        self.done = False

    @override
    def initialized(self) -> None:
        super().initialized()
        if not self.made:  # then no hook of a library runs on Lambda either
            os.environ["SNAPSTART_HOOKS_DISABLE"] = "*"

    @override
    def snapshot(self) -> None:
        self.findings = audit()
        self.done = True


def run(args: argparse.Namespace) -> int:
    """Print what the audit finds; return the exit code."""
    options = cast("_Options", args)
    root, console = prepare(options)
    auditor = _Audit()
    outcome = run_function(options.handler, root, [auditor], hooks=not options.without_hooks)
    if outcome.error is None and not auditor.done:
        outcome = dataclasses.replace(outcome, error=ended_by_itself(outcome.exit_code))
    code = _outcome.exit_code(outcome)
    if auditor.done:  # what follows the snapshot is not audited
        code = _errors.HAZARDS if auditor.findings else _errors.OK
    if console is None:
        document = {
            "handler": options.handler,
            "path": str(root),
            "ok": code == _errors.OK,
            "exit_code": code,
            "connected": auditor.made,
            "error": outcome.to_dict()["error"],
            "findings": [finding.to_dict() for finding in auditor.findings],
        }
        print(json.dumps(document, indent=2))
    elif not auditor.done and outcome.error is not None:
        _outcome.show_failure(outcome.error, console)
    else:
        number = len(auditor.findings)
        found = _terminal.count(number, "finding") if number else "nothing that should not be there"
        console.say((f"{options.handler}: {found}", "bold"))
        for finding in auditor.findings:
            console.say(f"{finding.kind} {finding.what}\n    {finding.remedy}")
        if not auditor.made and not options.without_hooks:
            console.say((f"\n{advice(options.handler)}", "yellow"))
    return code
