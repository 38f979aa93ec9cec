"""The command ``snapstart-hooks``: one module for each subcommand.

The module of a subcommand has two texts for its help, ``DESCRIPTION`` and ``EPILOG``, and two functions,
``add_arguments(parser)`` and ``run(args) -> exit code``.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import sys
from typing import TYPE_CHECKING, Final, Protocol, cast

from snapstart_hooks._compat import override
from snapstart_hooks._pages import page
from snapstart_hooks.cli import _process
from snapstart_hooks.cli._errors import INTERRUPTED, USAGE, CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("main",)

DESCRIPTION: Final = "Show, run and check the AWS Lambda SnapStart hooks of a function on this machine."
EPILOG: Final = f"""\
examples:
  snapstart-hooks plan app.lambda_handler
  snapstart-hooks run app.lambda_handler --event event.json
  snapstart-hooks run app.lambda_handler --clones 3
  snapstart-hooks prime app.lambda_handler --write primed.txt
  snapstart-hooks audit app.lambda_handler
  snapstart-hooks check-provider mydriver
  snapstart-hooks doctor function.zip --handler app.lambda_handler
  snapstart-hooks freeze --target build
  snapstart-hooks lint src

`snapstart-hooks COMMAND --help` has more examples, the exit codes and the environment variables.
The documentation is at {page("command")}
"""


class Command(Protocol):
    """The contents of a subcommand's module."""

    DESCRIPTION: str
    EPILOG: str

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Add the arguments of the subcommand to a parser."""

    def run(self, args: argparse.Namespace, /) -> int:
        """Run the subcommand; return the exit code."""
        ...


COMMANDS: Final = {
    "plan": (
        "snapstart_hooks.cli._plan",
        "show which hooks would run, in which order, and which library declares them",
    ),
    "run": ("snapstart_hooks.cli._run", "publish, restore and invoke a function on this machine"),
    "prime": (
        "snapstart_hooks.cli._prime",
        "list the modules that only the first answer imports, to import them before the snapshot",
    ),
    "audit": (
        "snapstart_hooks.cli._audit",
        "list the connections, threads and processes that the snapshot would contain",
    ),
    "check-provider": (
        "snapstart_hooks.cli._check_provider",
        "check the hooks that an installed library ships, for the author of the library",
    ),
    "doctor": (
        "snapstart_hooks.cli._doctor",
        "examine a folder, zip, wheel or image that is deployed, as Lambda would see it",
    ),
    "freeze": ("snapstart_hooks.cli._freeze", "write or check the manifest of the hooks that a build ships"),
    "lint": ("snapstart_hooks.cli._lint", "find code that breaks under SnapStart, without running it"),
}
"""The module and the purpose of each subcommand; only the module that is used is imported."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments.  Default: those of this process, which then belongs to the command: it is ended here
            if threads of the function would keep it from ending.

    Returns:
        The exit code.

    Raises:
        SystemExit: `argparse` raises it: 0 after ``--help`` and ``--version``, 2 for wrong arguments.
    """
    if argv is None:
        _process.begin()
    given = sys.argv[1:] if argv is None else argv
    command = next((name for name in given if name in COMMANDS), "--version")  # which prints while these are parsed
    args = _Arguments(command=command)
    try:
        args = _parser(given).parse_args(given, args)
        code = _command(args.command).run(args)
        sys.stdout.flush()
    except CommandError as error:
        print(f"snapstart-hooks {args.command}: {error}", file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        print(f"snapstart-hooks {args.command}: interrupted", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:
        code = _process.reader_left()
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise
        print(f"snapstart-hooks {args.command}: the report cannot be written: {error.strerror}", file=sys.stderr)
        _process.reader_left()
        code = USAGE
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
    for name, (_, purpose) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=purpose)
        if name in given:
            command = _command(name)
            subparser.description, subparser.epilog = command.DESCRIPTION, command.EPILOG
            subparser.formatter_class = argparse.RawDescriptionHelpFormatter
            command.add_arguments(subparser)
    return parser


class _Version(argparse.Action):
    """Prints the version, which is looked up on demand only: that reads the metadata of all installed packages."""

    @override
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        from snapstart_hooks import __version__

        print(f"snapstart-hooks {__version__}", flush=True)
        parser.exit()
