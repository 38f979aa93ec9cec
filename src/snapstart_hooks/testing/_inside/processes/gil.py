"""Makes the interpreter lock usable in a clone of a process that has other threads.

``fork()`` makes a fresh lock in the child.  After a raw clone the lock still counts the
other threads as waiting for it; they do not exist, and the first thread that the clone
starts waits for ever.  CPython exports no function for this part alone, so the lock's
condition variables and mutexes are found in memory, and initialised anew.  They are
found by a value of our choice in the field before them (the switch interval); where they
are not, clones work, but a function with threads busy in Python may hang in them.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from typing import Final

from ..kernel.linux import libc
from ..kernel.proc import mappings

__all__ = ("InterpreterLock",)

_SIGNATURE: Final = 0.076543
"""Seconds.  Also long enough to make a few clones before another thread asks for the lock."""

# struct _gil_runtime_state of CPython 3.11 to 3.13 (Include/internal/pycore_gil.h):
# interval, last_holder, locked, switch_number; then, twice, a condition variable and a mutex.
_HEADER: Final = 4 * 8
_COND: Final = 48
_MUTEX: Final = 48 if os.uname().machine == "aarch64" and "CS_GNU_LIBC_VERSION" in os.confstr_names else 40
_CLOCK_MONOTONIC: Final = 1


class InterpreterLock:
    """The lock of this interpreter."""

    def __init__(self) -> None:
        self._interval: Final = sys.getswitchinterval()
        self._calm_until = 0.0
        self._address: Final = _find()

    @property
    def found(self) -> bool:
        """Whether it can be renewed in a clone."""
        return self._address is not None

    def calm(self) -> None:
        """See that no other thread has asked for the lock, nor will within a few milliseconds.

        A thread that has would be waited for in the clone, and does not exist there.
        """
        if time.monotonic() > self._calm_until:
            sys.setswitchinterval(_SIGNATURE)  # how long a thread waits before it asks
            time.sleep(0.001)  # the lock is given away, and taken again: from now on they wait that long
            self._calm_until = time.monotonic() + _SIGNATURE / 2

    def relax(self) -> None:
        """Undo `calm`."""
        sys.setswitchinterval(self._interval)
        self._calm_until = 0.0

    def renew(self) -> None:
        """In a clone: initialise the lock, which this thread holds, as after a fork."""
        self.relax()
        if self._address is None:
            return
        attributes = (ctypes.c_char * 64)()
        libc.pthread_condattr_init(attributes)
        libc.pthread_condattr_setclock(attributes, _CLOCK_MONOTONIC)
        address = self._address + _HEADER
        for _ in range(2):
            libc.pthread_cond_init(ctypes.c_void_p(address), attributes)
            libc.pthread_mutex_init(ctypes.c_void_p(address + _COND), None)
            address += _COND + _MUTEX


def _find() -> int | None:
    """The address of the interpreter lock; ``None`` if it is not certain."""
    try:
        runtime = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
        ctypes.pythonapi.PyThreadState_Get.restype = ctypes.c_void_p
        state = int(ctypes.pythonapi.PyThreadState_Get())
        end = _end_of_mapping(runtime)
    except (OSError, StopIteration, TypeError, ValueError):
        return None
    words = ((end - runtime) & ~7) // 8
    memory = (ctypes.c_uint64 * words).from_address(runtime)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(_SIGNATURE)
    try:
        microseconds = round(sys.getswitchinterval() * 1e6)
        values = memory[:]
    finally:
        sys.setswitchinterval(interval)
    found = [
        index
        for index, value in enumerate(values[:-2])
        if value == microseconds and values[index + 1] == state and values[index + 2] & 0xFFFFFFFF == 1
    ]
    return runtime + 8 * found[0] if len(found) == 1 else None


def _end_of_mapping(address: int) -> int:
    return next(each.end for each in mappings() if each.start <= address < each.end)
