"""The console of `rich`, apart: `rich` may be missing."""

from __future__ import annotations

import re
import sys
from typing import IO, TYPE_CHECKING, Final, cast

from rich.console import Console

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ("QuietConsole",)


class QuietConsole(Console):
    """Lets the command itself decide what to do when nobody reads any more, and pads no lines of a file."""

    def __init__(self, width: int | None) -> None:
        """Write to standard output, in so many columns, or in as many as the terminal has."""
        file = sys.stdout if sys.stdout.isatty() else cast("IO[str]", _Unpadded(sys.stdout))
        super().__init__(file=file, width=width, highlight=False, soft_wrap=False)

    @override
    def on_broken_pipe(self) -> None:
        # Called while the error is handled; rich would end the process as if the function had failed.
        raise  # noqa: PLE0704


class _Unpadded:
    """Lines without the spaces at their ends with which a table is filled."""

    def __init__(self, file: TextIO) -> None:
        self._file: Final = file

    def write(self, text: str) -> int:
        return self._file.write(re.sub(r" +$", "", text, flags=re.MULTILINE))

    def __getattr__(self, name: str) -> object:
        found: object = getattr(self._file, name)
        return found
