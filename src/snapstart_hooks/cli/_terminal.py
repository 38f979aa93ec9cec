"""The console for people, and how numbers and locations are written on it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from snapstart_hooks import Priority
from snapstart_hooks.cli._errors import CommandError

if TYPE_CHECKING:
    from snapstart_hooks.cli._console import ReportConsole

__all__ = ("console", "count", "milliseconds", "priority", "short_location")

_NO_WRAPPING: Final = 1000
"""Columns where standard output is not a terminal: each row of a table stays one line, for `grep`."""


def console() -> ReportConsole:
    """Return the console for the report.

    Raises:
        CommandError: `rich` is not installed.
    """
    try:
        from snapstart_hooks.cli._console import ReportConsole
    except ImportError as error:
        msg = f"{error}. The report needs rich: pip install 'snapstart-hooks[cli]'. --json works without it"
        raise CommandError(msg) from error
    return ReportConsole(None if sys.stdout.isatty() or os.environ.get("COLUMNS") else _NO_WRAPPING)


def count(number: int, noun: str) -> str:
    """Write a number with its noun: ``1 hook``, ``2 hooks``."""
    return f"{number} {noun}{'s' * (number != 1)}"


def milliseconds(value: float) -> str:
    """Write milliseconds with about three significant digits: ``0.041 ms``, ``12.3 ms``, ``1,234 ms``."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3  # noqa: PLR2004 - three digits
    return f"{value:,.{digits}f} ms"


def priority(value: int) -> str:
    """Write a priority with its name, if it has one: ``-200 CONNECTIONS``."""
    edges = {-sys.maxsize: "lowest", sys.maxsize: "highest"}
    return f"{value} {Priority(value).name}" if value in set(Priority) else edges.get(value, str(value))


def short_location(location: str, root: Path) -> str:
    """Shorten ``file:line``: the file relative to the function's folder, else to its entry of ``sys.path``."""
    file, _, line = location.rpartition(":")
    path = Path(file)
    if not (line.isdecimal() and path.is_absolute()):
        return location
    folders = [root, *sorted((Path(entry) for entry in sys.path if entry), key=lambda each: -len(each.parts))]
    for folder in folders:
        if path.is_relative_to(folder):
            return f"{path.relative_to(folder)}:{line}"
    return location
