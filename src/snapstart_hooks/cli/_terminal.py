"""What people read: a console, and words for figures and places."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from snapstart_hooks import Priority
from snapstart_hooks.cli._errors import CommandError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ("columns", "console", "count", "milliseconds", "priority", "short_place")

_NO_WRAPPING: Final = 1000
"""Columns of what is no terminal: a line of a table stays a line, for `grep`."""


def console() -> Console:
    """Where to write for people.

    Raises:
        CommandError: `rich` is not installed.
    """
    try:
        from snapstart_hooks.cli._console import QuietConsole
    except ImportError as error:
        msg = f"{error}. The report for people needs rich: pip install 'snapstart-hooks[cli]'. --json does without it"
        raise CommandError(msg) from error
    wide = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else _NO_WRAPPING
    return QuietConsole(wide)


def columns(*justify: str) -> Table:
    """A table without lines or header."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    for each in justify:
        table.add_column(justify="right" if each == "right" else "left", overflow="fold")
    return table


def count(number: int, what: str) -> str:
    """``1 hook``, ``2 hooks``."""
    return f"{number} {what}{'s' * (number != 1)}"


def milliseconds(value: float) -> str:
    """``0.041 ms``, ``12.3 ms``, ``1,234 ms``: about three digits that mean something."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3  # noqa: PLR2004 - three digits
    return f"{value:,.{digits}f} ms"


def priority(value: int) -> str:
    """Its band, if it is one."""
    return f"{value} {Priority(value).name}" if value in set(Priority) else str(value)


def short_place(location: str, root: Path) -> str:
    """``file:line``, the file as it is imported: from the function's folder, else from its place on the path."""
    file, _, line = location.rpartition(":")
    path = Path(file)
    if not (line.isdecimal() and path.is_absolute()):
        return location
    folders = [root, *sorted((Path(entry) for entry in sys.path if entry), key=lambda each: -len(each.parts))]
    for folder in folders:
        if path.is_relative_to(folder):
            return f"{path.relative_to(folder)}:{line}"
    return location
