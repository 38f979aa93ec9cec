"""The command's own process: where output goes, and how the process ends."""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import sys
import threading
from typing import TYPE_CHECKING, Final, TextIO, cast

from snapstart_hooks.cli._errors import READER_LEFT

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from snapstart_hooks.testing import Instrument, RunOutcome

__all__ = ("begin", "end", "reader_left", "run_function")


def begin() -> None:
    """Let standard streams take every text: what is closed leads nowhere, what cannot be encoded is escaped."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream: object = getattr(sys, name)
        if stream is None:  # or the next file that is opened would be taken for it
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run_function(
    handler: str,
    root: Path,
    instruments: Sequence[Instrument],
    *,
    events: Sequence[object] = (),
    hooks: bool = True,
    timeout: float = 30.0,
) -> RunOutcome:
    """Run a function in this process, with `snapstart_hooks.testing.run_in_process`.

    What the function writes goes to standard error: standard output is for the report.

    Args:
        handler: The handler, as in the function's configuration.
        root: The folder with the function's code.
        instruments: What watches the function.
        events: The event of each invocation.
        hooks: Whether hooks run.
        timeout: The function's time limit in seconds.
    """
    from snapstart_hooks.testing import run_in_process

    with _function_output():
        return run_in_process(
            handler, events, hooks=hooks, task_root=root, capture=False, timeout=timeout, instruments=instruments
        )


@contextlib.contextmanager
def _function_output() -> Generator[None]:
    """Redirect standard output to standard error, also that of C code and of child processes."""
    stdout = sys.stdout
    stdout.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    lines = cast("TextIO", _Lines(sys.stderr))
    try:
        with contextlib.redirect_stdout(lines), contextlib.redirect_stderr(lines):
            yield
    finally:
        with contextlib.suppress(OSError, ValueError):  # the function may have closed it
            stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)


class _Lines:
    """A stream that ends each line of a log entry with a line feed.

    AWS's runtime separates them by carriage returns, for CloudWatch.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream: Final = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(BrokenPipeError):  # the function must not notice that the reader has left
            self._stream.write(text.replace("\r\n", "\n").replace("\r", "\n"))
        return len(text)

    def __getattr__(self, name: str) -> object:
        found: object = getattr(self._stream, name)
        return found


def reader_left() -> int:
    """Drop further output, because the reader of standard output has closed it; return the exit code."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())  # or the interpreter would write at its end, and fail
    os.close(nowhere)
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    return READER_LEFT


def end(code: int) -> None:
    """Prepare the end of the process, after the report.

    Handlers of `atexit` may write, but not behind a JSON document.  Threads that are not daemons would keep the
    process alive for ever, so they are not waited for; Lambda does not wait for them either.
    """
    os.dup2(2, 1)
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        atexit._run_exitfuncs()  # noqa: SLF001 - a normal end would wait for threads before it
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
