"""Finds out where a process is that does not answer, or where it crashed."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import time
from typing import Final

from ..kernel.proc import fields, tasks

__all__ = ("SIGNAL", "end_with_stack", "read_stack", "stack_file", "write_stack_to")

SIGNAL: Final = signal.SIGRTMAX - 3
"""What asks for the stack: a real-time signal that nothing we know of uses."""

_PATIENCE: Final = 3.0
"""Seconds that writing the stack may take."""


def stack_file() -> int:
    """Where a process writes its stack: memory that vanishes with its last descriptor."""
    return os.memfd_create("snapstart-stack", os.MFD_CLOEXEC)


def write_stack_to(fd: int) -> None:
    """Let this process write its stack there when it crashes or is asked to."""
    faulthandler.register(SIGNAL, file=fd, all_threads=True)
    faulthandler.enable(file=fd, all_threads=True)


def end_with_stack(pid: int, fd: int) -> None:
    """Ask a process for its stack, give it the time to write it, and kill it."""
    with contextlib.suppress(ProcessLookupError):
        before, blocking = os.fstat(fd).st_size, _blocking(pid)
        os.kill(pid, SIGNAL)
        end = time.monotonic() + _PATIENCE
        size = before
        while time.monotonic() < end:
            time.sleep(0.02)
            now = os.fstat(fd).st_size
            if now == size > before and _blocking(pid) <= blocking:
                break  # it grows no more, and not for want of a processor
            size = now
        os.kill(pid, signal.SIGKILL)


def _blocking(pid: int) -> set[str]:
    """The threads of a process, and of what it started, that block the signal, as one does while its handler runs."""
    blocked = ((task, dict(fields(f"{task}/status")).get("SigBlk", "0")) for task in tasks(pid))
    return {task for task, signals in blocked if int(signals, 16) >> (SIGNAL - 1) & 1}


def read_stack(fd: int) -> str:
    """What was written."""
    return os.pread(fd, 1 << 20, 0).decode(errors="replace")
