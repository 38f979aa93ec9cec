"""``snapstart-hooks lint``: flake8 with the rules of this package alone."""

from __future__ import annotations

import argparse
import os
import re
from typing import TYPE_CHECKING, Final

from snapstart_hooks._pages import page
from snapstart_hooks.cli import _errors
from snapstart_hooks.cli._errors import CommandError
from snapstart_hooks.lint import RULES
from snapstart_hooks.lint._project import installed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ("DESCRIPTION", "EPILOG", "add_arguments", "run")

DESCRIPTION: Final = """\
Find what breaks under AWS Lambda SnapStart without running the code: ids, tokens,
clocks, generators, keys, secrets, connections and threads that are made while modules
are imported, and so are copied into every clone; and hooks that never run.
"""
EPILOG: Final = f"""\
Code that a hook repairs is not reported, also if the hook is in another file.

The command is flake8 with the rules of SnapStart alone, and without configuration. If you
use flake8 already, you do not need it: pip install 'snapstart-hooks[lint]' adds the rules.
Each rule is explained at {page("lint", "rules")}

examples:
  snapstart-hooks lint src
  snapstart-hooks lint --format github .
  snapstart-hooks lint --format sarif --output lint.sarif src
  flake8 --extend-select SSH src

to accept one place:   CREATED = time.time()  # noqa: SSH301 the time of the build

{
    _errors.exit_codes(
        (_errors.OK, "no finding"),
        (_errors.PROBLEMS, "at least one finding"),
        (_errors.USAGE, "an argument is wrong, or a file cannot be read or parsed"),
    )
}"""
_EXCLUDED: Final = (
    "test,tests,test_*.py,*_test.py,conftest.py,setup.py,noxfile.py,site-packages,node_modules,.venv,venv"
)
"""Files that never run on Lambda, or are not the user's."""
_FORMATS: Final = {
    "text": "default",
    "github": "::warning file=%(path)s,line=%(row)d,col=%(col)d,title=%(code)s::%(text)s",
    "sarif": "default",
}


class _Options(argparse.Namespace):
    """The arguments that `add_arguments` adds."""

    paths: list[str]
    format: str
    output: str | None
    ignore: str | None
    include_all: bool
    list_rules: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand to a parser."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders; - for standard input (default: .)")
    parser.add_argument(
        "--format", choices=tuple(_FORMATS), default="text", help="the format of the report (default: text)"
    )
    parser.add_argument("--output", metavar="FILE", help="write the report to this file instead of to standard output")
    parser.add_argument(
        "--ignore", metavar="CODES", help="rules to ignore, also by their first characters: SSH301,SSH6"
    )
    parser.add_argument(
        "--include-all", action="store_true", help="check also tests and installed packages in the folders"
    )
    parser.add_argument("--list-rules", action="store_true", help="list all rules and exit")


def run(args: argparse.Namespace) -> int:
    """Run flake8, or list the rules; return the exit code.

    Raises:
        CommandError: flake8 is not installed, or the report cannot be written.
    """
    options = _Options(**vars(args))
    if options.list_rules:
        print("\n".join(f"{rule.code}  {rule.title}" for rule in RULES.values()))
        return 0
    try:
        from snapstart_hooks.cli._flake8 import Alone
    except ImportError as error:
        msg = f"{error}. The rules are run by flake8: pip install 'snapstart-hooks[lint]'"
        raise CommandError(msg) from error
    if options.output is not None:
        _check_writable(options.output)
    flake8 = Alone(sarif=options.format == "sarif")
    flake8.run(_arguments(options))
    return flake8.exit_code()


def _arguments(options: _Options) -> Sequence[str]:
    """Return the arguments for flake8."""
    given = ["--isolated", "--select=SSH,E9", f"--format={_FORMATS[options.format]}"]
    if options.ignore is not None:
        given.append(f"--ignore={options.ignore}")
    if not options.include_all:
        given.append(f"--extend-exclude={','.join([_EXCLUDED, *_installed(options.paths or ['.'])])}")
    if options.output is not None:
        given.append(f"--output-file={options.output}")
    return [*given, *(options.paths or ["."])]


def _installed(paths: Sequence[str]) -> Iterator[str]:
    """What packagers have installed below the folders that are checked."""
    for path in paths:
        for folder, folders, _ in os.walk(path):
            theirs = installed(folder, folders)
            folders[:] = [name for name in folders if name not in theirs]
            paths_of_theirs = (os.path.join(folder, name) for name in sorted(theirs))  # noqa: PTH118 - as os.walk has it
            # flake8 splits at white space and commas, and takes what is left for patterns.
            yield from (re.sub(r"[\s,\[\]]", "?", each) for each in paths_of_theirs)


def _check_writable(output: str) -> None:
    """Check that the report can be written, before any file is read."""
    try:
        with open(output, "w", encoding="utf-8"):  # noqa: PTH123 - flake8 appends
            pass
    except OSError as error:
        msg = f"--output {output}: the file cannot be written: {error.strerror}"
        raise CommandError(msg) from error
