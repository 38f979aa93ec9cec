"""The command ``snapstart-hooks``: one module for each subcommand.

A subcommand is a module with two texts, ``DESCRIPTION`` and ``EPILOG``, which say what it
is for and how it is used, and two functions, ``add_arguments(parser)`` and ``run(args) -> exit code``.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import TYPE_CHECKING, Final, Protocol, cast

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

from snapstart_hooks.cli import _process
from snapstart_hooks.cli._errors import INTERRUPTED, CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("main",)

DESCRIPTION: Final = "Look at the AWS Lambda SnapStart hooks of a function, and run them on this machine."
EPILOG: Final = """\
examples:
  snapstart-hooks plan app.lambda_handler
  snapstart-hooks run app.lambda_handler --event event.json
  snapstart-hooks run app.lambda_handler --clones 3
  snapstart-hooks prime app.lambda_handler --write primed.txt
  snapstart-hooks audit app.lambda_handler
  snapstart-hooks lint src

`snapstart-hooks COMMAND --help` has examples, exit codes and environment variables.
"""


class Command(Protocol):
    """What a subcommand's module offers."""

    DESCRIPTION: str
    EPILOG: str

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Give a parser the arguments of the subcommand."""

    def run(self, args: argparse.Namespace, /) -> int:
        """Do what the arguments say; return the exit code."""
        ...


COMMANDS: Final = {
    "plan": ("snapstart_hooks.cli._plan", "show which hooks would run, in which order, and whose they are"),
    "run": ("snapstart_hooks.cli._run", "take a function through init, snapshot, restore and invocations"),
    "prime": ("snapstart_hooks.cli._prime", "find what the first answer imports, for the snapshot to have it"),
    "audit": ("snapstart_hooks.cli._audit", "look for what the snapshot would contain and should not"),
    "check-provider": (
        "snapstart_hooks.cli._check_provider",
        "check the hooks that an installed library ships, for its author",
    ),
    "doctor": ("snapstart_hooks.cli._doctor", "examine what is deployed as Lambda would see it"),
    "freeze": ("snapstart_hooks.cli._freeze", "write or check the manifest of the hooks that a build ships"),
    "lint": ("snapstart_hooks.cli._lint", "find in the source what breaks under SnapStart, without running it"),
}
"""The module of each subcommand, and what it does; only the one that is used is imported."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments.  Default: those of this process, which then is the command's
            own: it is ended here if threads of the function would keep it from ending.

    Returns:
        The exit code.

    Raises:
        SystemExit: By `argparse`: 0 after ``--help`` and ``--version``, 2 for wrong arguments.
    """
    given = sys.argv[1:] if argv is None else argv
    args: _Arguments = _parser(given).parse_args(given, _Arguments())
    command = _command(args.command)
    try:
        code = command.run(args)
        sys.stdout.flush()
    except CommandError as error:
        print(f"snapstart-hooks {args.command}: {error}", file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        print(f"snapstart-hooks {args.command}: interrupted", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:
        code = _process.reader_left()
    if argv is None:
        _process.end(code)
    return code


class _Arguments(argparse.Namespace):
    command: str


def _command(name: str) -> Command:
    command: Command = cast("Command", importlib.import_module(COMMANDS[name][0]))
    return command


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="snapstart-hooks",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and stop")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, title="commands")
    for name, (_, what) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=what)
        if name in given:
            command = _command(name)
            subparser.description, subparser.epilog = command.DESCRIPTION, command.EPILOG
            subparser.formatter_class = argparse.RawDescriptionHelpFormatter
            command.add_arguments(subparser)
    return parser


class _Version(argparse.Action):
    """Asks for the version only when it is wanted: that reads the metadata of all that is installed."""

    @override
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        from snapstart_hooks import __version__

        print(f"snapstart-hooks {__version__}")
        parser.exit()
