"""``snapstart-hooks lint``: flake8 with our rules alone, for those who have not set it up."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from snapstart_hooks.cli._errors import CommandError
from snapstart_hooks.lint import RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("DESCRIPTION", "EPILOG", "add_arguments", "run")

DESCRIPTION: Final = """\
Find what breaks under AWS Lambda SnapStart without running the code: ids, tokens,
clocks, generators, keys, secrets, connections and threads that are made while modules
are imported, and so are copied into every clone; and hooks that never run.
"""
EPILOG: Final = """\
What a hook puts right is not reported, also if the hook stands in another file.

It is flake8 with the rules of SnapStart alone, and no configuration. Whoever uses
flake8 anyway needs no command: after pip install 'snapstart-hooks[lint]' it has them.

examples:
  snapstart-hooks lint src
  snapstart-hooks lint --format github .
  snapstart-hooks lint --format sarif --output lint.sarif src
  flake8 --extend-select SSH src

silence one place:   CREATED = time.time()  # noqa: SSH301 the time of the build

exit codes: 0 nothing found, 1 findings, 2 wrong usage, or a file that cannot be read
or parsed.
"""
_NEVER_RUN: Final = (
    "test,tests,test_*.py,*_test.py,conftest.py,setup.py,noxfile.py,site-packages,node_modules,.venv,venv"
)
"""What never runs on Lambda, or is not the user's."""
_FORMATS: Final = {
    "text": "default",
    "github": "::warning file=%(path)s,line=%(row)d,col=%(col)d,title=%(code)s::%(text)s",
    "sarif": "default",
}


class _Options(argparse.Namespace):
    """What `add_arguments` lets argparse give."""

    paths: list[str]
    format: str
    output: str | None
    ignore: str | None
    include_all: bool
    list_rules: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser the arguments."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders; - is standard input (default: .)")
    parser.add_argument("--format", choices=tuple(_FORMATS), default="text", help="what to write (default: text)")
    parser.add_argument("--output", metavar="FILE", help="write the report here instead of to standard output")
    parser.add_argument("--ignore", metavar="CODES", help="not these rules: SSH301,SSH6 (beginnings are enough)")
    parser.add_argument("--include-all", action="store_true", help="check tests and installed packages in folders, too")
    parser.add_argument("--list-rules", action="store_true", help="list all rules and stop")


def run(args: argparse.Namespace) -> int:
    """Do what the arguments of `add_arguments` say; return the exit code.

    Raises:
        CommandError: flake8 is not there, or the report cannot be written.
    """
    options = _Options(**vars(args))
    if options.list_rules:
        print("\n".join(f"{rule.code}  {rule.title}" for rule in RULES.values()))
        return 0
    try:
        from snapstart_hooks.cli._flake8 import Alone
    except ImportError as error:
        msg = f"{error}. flake8 runs the rules: pip install 'snapstart-hooks[lint]'"
        raise CommandError(msg) from error
    if options.output is not None:
        _writable(options.output)
    flake8 = Alone(sarif=options.format == "sarif")
    flake8.run(_arguments(options))
    return flake8.exit_code()


def _arguments(options: _Options) -> Sequence[str]:
    """The arguments of flake8."""
    given = ["--isolated", "--select=SSH,E9", f"--format={_FORMATS[options.format]}"]
    if options.ignore is not None:
        given.append(f"--ignore={options.ignore}")
    if not options.include_all:
        given.append(f"--extend-exclude={_NEVER_RUN}")
    if options.output is not None:
        given.append(f"--output-file={options.output}")
    return [*given, *(options.paths or ["."])]


def _writable(output: str) -> None:
    """See that a report can be written, before anything is looked at."""
    try:
        with open(output, "w", encoding="utf-8"):  # noqa: PTH123 - flake8 appends
            pass
    except OSError as error:
        msg = f"--output {output}: {error.strerror}"
        raise CommandError(msg) from error
