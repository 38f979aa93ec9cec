"""The console of `rich`, apart: `rich` may be missing."""

from __future__ import annotations

import sys

from rich.console import Console

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

__all__ = ("QuietConsole",)


class QuietConsole(Console):
    """Lets the command itself decide what to do when nobody reads any more."""

    @override
    def on_broken_pipe(self) -> None:
        # Called while the error is handled; rich would end the process as if the function had failed.
        raise  # noqa: PLE0704
