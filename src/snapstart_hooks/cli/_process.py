"""What the command does to its own process: where output goes, and how it ends."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Final, TextIO, cast

from snapstart_hooks.cli._errors import READER_LEFT

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ("end", "function_output", "reader_left")


@contextlib.contextmanager
def function_output() -> Generator[None]:
    """Let what a function writes come out on standard error: standard output is for the report.

    So does what C code and child processes write.
    """
    stdout = sys.stdout
    stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    lines = cast("TextIO", _Lines(sys.stderr))
    try:
        with contextlib.redirect_stdout(lines), contextlib.redirect_stderr(lines):
            yield
    finally:
        with contextlib.suppress(OSError, ValueError):  # the function may have closed it
            stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


class _Lines:
    """A stream on which the lines of a traceback are lines.

    The runtime separates those of one log entry by carriage returns, for CloudWatch.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream: Final = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(BrokenPipeError):  # the function is not to notice that nobody reads
            self._stream.write(text.replace("\r\n", "\n").replace("\r", "\n"))
        return len(text)

    def __getattr__(self, name: str) -> object:
        found: object = getattr(self._stream, name)
        return found


def reader_left() -> int:
    """Whoever read standard output has seen enough; return the exit code for that."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())  # or the interpreter would try again at its end, and complain
    os.close(nowhere)
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()  # what it still holds is for nobody
    return READER_LEFT


def end(code: int) -> None:
    """Make ready for the end of the process, after the report.

    Handlers of `atexit` may write: not behind a JSON document.  Threads that are no daemons
    would keep the process alive for ever; Lambda does not wait for them either.
    """
    os.dup2(2, 1)
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        atexit._run_exitfuncs()  # noqa: SLF001 - without the wait for threads that precedes it at a normal end
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
