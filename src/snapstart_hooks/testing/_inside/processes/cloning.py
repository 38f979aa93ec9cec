"""The two ways in which a process duplicates itself."""

from __future__ import annotations

import ctypes
import os
import signal
import warnings
from typing import Final

from ..kernel import linux
from ..kernel.proc import threads
from .gil import InterpreterLock

__all__ = ("Fork", "RawClone")

_PATIENCE: Final = 20
"""How often to look whether the other threads sleep, every half millisecond."""


class RawClone:
    """As a resumed VM: same pid, same memory, and no at-fork handler runs.

    Attributes:
        notes: What is weaker in this process than it should be.
    """

    def __init__(self, *, folders: bool) -> None:
        """Make clones that have mounts of their own, or share them."""
        self._lock: Final = InterpreterLock()
        self.notes: Final = () if self._lock.found else (_NO_LOCK,)
        self._folders: Final = linux.CLONE_NEWNS if folders else 0

    def make(self) -> int:
        """Duplicate this process; 0 in the clone, its pid in the zygote."""
        others = threads()
        if others:
            self._lock.calm()
            _wait_for_quiet(others)
        # Since `calm`, nothing has given the interpreter lock away.
        pid = linux.raw_clone(linux.CLONE_NEWPID | self._folders)
        if pid == 0 and others:
            self._lock.renew()
        return pid

    def done(self) -> None:
        """In the zygote: all clones are made."""
        self._lock.relax()


_NO_LOCK: Final = (
    "the interpreter lock of this Python could not be found in memory: a clone may hang if a thread was busy in Python "
    "when the snapshot was taken"
)


class Fork:
    """``os.fork``: every at-fork handler runs, and each clone has a pid of its own."""

    notes: tuple[str, ...] = ()

    def make(self) -> int:
        """Duplicate this process; 0 in the clone, its pid in the zygote."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on, if there are threads
            pid = os.fork()
        if pid == 0:
            linux.die_with_parent(signal.SIGKILL)
        return pid

    def done(self) -> None:
        """In the zygote: all clones are made."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # else their exit status is lost


def _wait_for_quiet(threads: list[int]) -> None:
    """Give other threads a moment to leave C code in which they may hold a lock of the C library.

    A lock that is held when the clone is made is held in the clone for ever.  All is done
    with the interpreter lock held, so that threads waiting for it are asleep, and stay so.
    """
    buffer = ctypes.create_string_buffer(512)
    for _ in range(_PATIENCE):
        for thread in threads:
            fd = linux.libc.open(f"/proc/self/task/{thread}/stat".encode(), ctypes.c_int(os.O_RDONLY))
            size = linux.libc.read(fd, buffer, ctypes.c_size_t(len(buffer)))
            linux.libc.close(fd)
            state = buffer.raw[: max(0, size)].rpartition(b")")[2].split()[:1]
            if state and state[0] in (b"R", b"D"):
                break
        else:
            return
        linux.libc.usleep(ctypes.c_uint(500))
