"""The command: ``snapstart-hooks lint PATH...``, also ``python -m snapstart_hooks.lint PATH...``."""

from __future__ import annotations

import argparse
import dataclasses
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

from snapstart_hooks.lint._check import check_paths
from snapstart_hooks.lint._config import SECTION, ConfigError, check_codes, read_config
from snapstart_hooks.lint._formats import render_github, render_json, render_sarif
from snapstart_hooks.lint._model import Severity
from snapstart_hooks.lint._rules import RULES, rule
from snapstart_hooks.lint._text import render_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from snapstart_hooks.lint._config import LintConfig
    from snapstart_hooks.lint._model import LintReport
    from snapstart_hooks.lint._rules import Rule

__all__ = ("add_arguments", "main", "run")

DESCRIPTION: Final = """\
Find what breaks under AWS Lambda SnapStart without running the code: ids, tokens,
clocks, generators, keys, secrets, connections and threads that are made while modules
are imported, and so are copied into every clone; and hooks that cannot run.
"""
EPILOG: Final = f"""\
A value that an after_restore hook of the same run replaces is not reported.

silence one place:   CREATED = time.time()  # snapstart: ignore[SSH301] build stamp
                     CREATED = time.time()  # noqa: SSH301
silence more:        [{SECTION}] in pyproject.toml: select, ignore, per-file-ignores,
                     exclude, severity, report-unused

exit codes: 0 nothing found, 1 findings, 2 wrong usage, wrong settings, or a file that
cannot be read or parsed.
"""


class _Options(Protocol):
    """What `add_arguments` makes argparse give."""

    paths: list[str]
    format: str
    output: str | None
    config: str | None
    select: str | None
    ignore: str | None
    severity: str | None
    include_all: bool
    report_unused: bool
    list_rules: bool
    explain: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser the description, arguments and epilog of ``lint``."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders (default: the current folder)")
    parser.add_argument(
        "--format", choices=("text", "json", "sarif", "github"), default="text", help="what to write (default: text)"
    )
    parser.add_argument("--json", dest="format", action="store_const", const="json", help="short for --format json")
    parser.add_argument("--output", metavar="FILE", help="write the report here instead of to standard output")
    parser.add_argument("--select", metavar="CODES", help="only these rules: SSH101,SSH5 (beginnings are enough)")
    parser.add_argument("--ignore", metavar="CODES", help="not these rules")
    parser.add_argument(
        "--severity", choices=[one.value for one in Severity], help="the least severity to report (default: warning)"
    )
    parser.add_argument(
        "--include-all", action="store_true", help="check tests, docs and the like in folders too (no `exclude`)"
    )
    parser.add_argument("--report-unused", action="store_true", help="report suppressions that silence nothing")
    parser.add_argument("--config", metavar="FILE", help="the pyproject.toml to read (default: the nearest one)")
    parser.add_argument("--list-rules", action="store_true", help="list all rules and stop")
    parser.add_argument("--explain", metavar="CODE", help="explain a rule, with examples, and stop")


def run(args: argparse.Namespace) -> int:
    """Do what the arguments of `add_arguments` say; return the exit code."""
    options = cast("_Options", args)
    if options.list_rules:
        sys.stdout.write("".join(f"{one.code}  {one.severity.value:<8}{one.name:<34}{one.summary}\n" for one in RULES))
        return 0
    try:
        if options.explain is not None:
            sys.stdout.write(_explanation(_asked(options.explain)))
            return 0
        config = _settings(options)
        report = _checked([*options.paths] or ["."], config)
    except ConfigError as error:
        print(f"snapstart-hooks lint: {error}", file=sys.stderr)
        return 2
    return _write(report, options)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command by itself."""
    parser = argparse.ArgumentParser(prog="snapstart-hooks lint")
    add_arguments(parser)
    return run(parser.parse_args(argv))


def _settings(options: _Options) -> LintConfig:
    config = read_config([Path(path) for path in options.paths], Path(options.config) if options.config else None)
    if options.select is not None:
        config = dataclasses.replace(config, select=check_codes(options.select.split(","), "--select"))
    if options.ignore is not None:
        more = dict.fromkeys(check_codes(options.ignore.split(","), "--ignore"), "--ignore")
        config = dataclasses.replace(config, ignore={**config.ignore, **more})
    if options.severity is not None:
        config = dataclasses.replace(config, severity=Severity(options.severity))
    if options.include_all:
        config = dataclasses.replace(config, exclude=())
    if options.report_unused:
        config = dataclasses.replace(config, report_unused=True)
    return config


def _checked(paths: Sequence[str], config: LintConfig) -> LintReport:
    progress, done = _progress()
    gc.disable()  # a syntax tree has no garbage until it is dropped as a whole: a fifth of the time
    try:
        return check_paths(paths, config=config, progress=progress)
    finally:
        gc.enable()
        done()


def _progress() -> tuple[Callable[[int, int], None] | None, Callable[[], None]]:
    """A counter on a terminal, for runs that take long enough to be watched."""
    if not sys.stderr.isatty():
        return None, lambda: None

    def show(done: int, files: int) -> None:
        if files >= 200 and done % 50 == 0:  # noqa: PLR2004 - fewer are done before one has read it
            sys.stderr.write(f"\rchecked {done} of {files} files")
            sys.stderr.flush()

    def clear() -> None:
        sys.stderr.write("\r\x1b[K")

    return show, clear


def _write(report: LintReport, options: _Options) -> int:
    colour = options.output is None and sys.stdout.isatty() and "NO_COLOR" not in os.environ
    text = {
        "text": lambda: render_text(report, colour=colour),
        "json": lambda: render_json(report),
        "sarif": lambda: render_sarif(report),
        "github": lambda: render_github(report),
    }[options.format]()
    if options.output is None:
        sys.stdout.write(text)
        return report.exit_code
    try:
        Path(options.output).write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"snapstart-hooks lint: {options.output} cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    return report.exit_code


def _asked(code: str) -> Rule:
    try:
        return rule(code)
    except KeyError:
        msg = f"there is no rule {code!r}; `--list-rules` lists them."
        raise ConfigError(msg) from None


def _explanation(asked: Rule) -> str:
    return (
        f"{asked.code} {asked.name} ({asked.severity.value})\n{asked.summary}.\n\n{asked.why}\n\n"
        f"What to do: {asked.remedy}\n\nFound:\n\n{_indented(asked.wrong)}\nNot found:\n\n{_indented(asked.right)}"
    )


def _indented(code: str) -> str:
    return "".join(f"    {line}".rstrip() + "\n" for line in code.splitlines())
