"""``snapstart-hooks check-provider DIST``: check the hooks of a library, for the author of the library."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final, Literal, Protocol, cast

from snapstart_hooks._pages import page
from snapstart_hooks.cli import _errors
from snapstart_hooks.cli._arguments import add_events, add_fail_on, add_json, directory, given_path, read_events
from snapstart_hooks.cli._errors import CommandError

if TYPE_CHECKING:
    import argparse

    from snapstart_hooks.testing import ProviderReport

__all__ = ("DESCRIPTION", "EPILOG", "add_arguments", "run")

DESCRIPTION: Final = """\
Check the SnapStart hooks that an installed library ships: does discovery accept them,
what do they cost a function that does not use the library, can they run several times,
are their types right? With a small application: which hazards of its clones do they cure?

A library ships hooks without depending on this package: in its pyproject.toml

  [project.entry-points."snapstart.hooks"]
  pool = "mydriver._snapstart"

names a module with `before_snapshot`, `after_restore`, or both.
"""
EPILOG: Final = f"""\
examples:
  pip install --editable . && snapstart-hooks check-provider mydriver
  snapstart-hooks check-provider mydriver --app app.handler --path application
  snapstart-hooks check-provider mydriver --types no --json | jq '.problems'

what it does:
  1  loads each provider in an interpreter of its own, as discovery does: once after the
     package that contains it, and once alone. It counts modules, time, threads, files
     and sockets.
  2  imports the application, if there is one, and runs both phases three times, because
     Lambda takes new snapshots of a published version later. No run may raise an error,
     or leave more threads or open files than the run before.
  3  lets mypy or pyright check the modules against the protocols, if one is installed.
  4  restores the application in clones, without the hooks and with them, and compares.

The application is a handler that uses the library as its users do. It needs no hooks, and
need not import this package. To accept a hazard of the application that does no harm, use
the pyproject.toml of its folder: {page("hazards", "accepting-one")}

{
    _errors.exit_codes(
        (_errors.OK, "no problem as severe as --fail-on"),
        (_errors.PROBLEMS, "at least one such problem"),
        (_errors.USAGE, "an argument is wrong, the library is not installed, or clones cannot be made here"),
        _errors.INTERRUPTED,
    )
}"""


class _Options(Protocol):
    """The arguments that `add_arguments` adds."""

    distribution: str
    app: str | None
    path: str
    event: list[str]
    clones: int
    types: Literal["auto", "mypy", "pyright", "no"]
    fail_on: Literal["error", "warning"]
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand to a parser."""
    parser.add_argument("distribution", metavar="DIST", help="the name of the installed library, as pip knows it")
    parser.add_argument("--app", metavar="HANDLER", help="a small application that uses the library: app.handler")
    parser.add_argument(
        "--path",
        metavar="DIR",
        type=given_path,
        default=".",
        help="the folder with the application (default: the current folder)",
    )
    add_events(parser)
    parser.add_argument(
        "--clones",
        type=int,
        default=2,
        metavar="N",
        help="the number of clones of the application; with 0 it is only imported (default: 2)",
    )
    parser.add_argument(
        "--types",
        choices=["auto", "mypy", "pyright", "no"],
        default="auto",
        help="the type checker (default: the first of them that is installed)",
    )
    add_fail_on(parser, "problem", _errors.PROBLEMS)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the report; return the exit code."""
    options = cast("_Options", args)
    report = _checked(options)
    print(json.dumps(report.to_dict(), indent=2) if options.json else report)
    return _errors.PROBLEMS if report.failing(options.fail_on) else _errors.OK


def _checked(options: _Options) -> ProviderReport:
    from snapstart_hooks.testing import CloneError, accepted_in, check_provider

    if options.app is None and options.event:
        msg = "--event needs --app HANDLER, which answers the event"
        raise CommandError(msg)
    root = directory(options.path)
    try:
        return check_provider(
            options.distribution,
            app=options.app,
            clones=options.clones,
            accept=accepted_in(root),
            types=options.types,
            on_step=_log_step if sys.stderr.isatty() else None,
            events=read_events(options.event),
            task_root=root,
        )
    except (CloneError, ValueError) as error:
        raise CommandError(str(error)) from error


def _log_step(step: str) -> None:
    """Write the progress for people who wait."""
    print(f"{step} ...", file=sys.stderr)
