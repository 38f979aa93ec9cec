"""The console of `rich`, imported only to print a report for people: `rich` may be missing."""

from __future__ import annotations

import re
import sys
from typing import IO, TYPE_CHECKING, Final, TypeAlias, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from snapstart_hooks._compat import override

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TextIO

__all__ = ("Cell", "ReportConsole")

Cell: TypeAlias = "str | tuple[str, str] | Text"
"""A text as it is; a text with a style of `rich`; or texts that `rich` has put together."""


class ReportConsole(Console):
    """Prints lines and tables to standard output, and leaves a closed pipe to the command.

    Args:
        width: The number of columns; ``None`` for that of the terminal.
    """

    def __init__(self, width: int | None) -> None:
        file = sys.stdout if sys.stdout.isatty() else cast("IO[str]", _Unpadded(sys.stdout))
        super().__init__(file=file, width=width, highlight=False, soft_wrap=False)

    def say(self, *parts: Cell) -> None:
        """Print these texts as one line; nothing in them is read as markup."""
        self.print(Text.assemble(*parts))

    def table(self, rows: Iterable[Sequence[Cell]], justify: str) -> None:
        """Print rows in columns, without lines or a header; nothing if there are no rows.

        Args:
            rows: The cells of each row.
            justify: A letter for each column: ``l`` for left, ``r`` for right.
        """
        grid = Table.grid(padding=(0, 2, 0, 0))
        for side in justify:
            grid.add_column(justify="right" if side == "r" else "left", overflow="fold")
        for row in rows:
            grid.add_row(*map(Text.assemble, row))
        if grid.row_count:
            self.print(grid)

    @override
    def on_broken_pipe(self) -> None:
        # `rich` calls this while it handles the error, and would end the process as if the function had failed.
        raise  # noqa: PLE0704


class _Unpadded:
    """A stream that drops the spaces with which a table fills its lines."""

    def __init__(self, file: TextIO) -> None:
        self._file: Final = file

    def write(self, text: str) -> int:
        return self._file.write(re.sub(r" +$", "", text, flags=re.MULTILINE))

    def __getattr__(self, name: str) -> object:
        found: object = getattr(self._file, name)
        return found
