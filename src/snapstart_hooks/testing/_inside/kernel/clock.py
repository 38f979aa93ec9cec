"""Lets the wall clock of a clone appear moved, with `time-machine`.

Moved is what Python code asks for: `time.time`, `time.time_ns`, `time.localtime`,
`time.gmtime`, `time.strftime`, ``clock_gettime(CLOCK_REALTIME)``, `datetime.now`,
`date.today`.  `time.monotonic`, `time.perf_counter` and the clocks of event loops go on
as they were, as after a restore.  What asks the kernel from compiled code sees no change:
OpenSSL, libpq, SQLite, libuuid (`uuid.uuid1`), the times of files.

Each machine has a monotonic clock of its own. The kernel can give a process another one, so
that what holds a time of this clock is another number in a start of its own.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Final, cast

from . import linux

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ("BOOTED_LATER", "move", "prepare", "start_ahead")

BOOTED_LATER: Final = 1e6
"""Seconds by which the monotonic clock of a start that is never restored is ahead of that of the snapshot."""


def start_ahead() -> None:
    """Let the next child have another monotonic clock than this machine, as if that had been booted earlier.

    Raises:
        OSError: There is no giving it one here.
    """
    linux.unshare(linux.CLONE_NEWTIME)
    with open("/proc/self/timens_offsets", "w", encoding="ascii") as file:
        file.write(f"monotonic {BOOTED_LATER:.0f} 0")


def prepare() -> None:
    """Import what `move` needs; before the snapshot, for a clone has no time for it."""
    pytest: ModuleType | None = sys.modules.get("pytest")
    if pytest is None:
        # time-machine imports pytest where there is one; the function's process would not.
        modules = cast("dict[str, ModuleType | None]", sys.modules)
        modules["pytest"] = None  # documented: such an import then fails
    try:
        importlib.import_module("time_machine")
    finally:
        if pytest is None:
            del sys.modules["pytest"]


def move(seconds: float) -> None:
    """Move the wall clock of this process by so much; it ticks on from there."""
    if not seconds:
        return
    import datetime as dt
    import time
    import uuid

    import time_machine

    made_by_libuuid: object = uuid.__dict__["_generate_time_safe"]
    time_machine.travel(dt.timedelta(seconds=seconds), tick=True).start()
    # time-machine lets uuid1 draw its clock sequence from `random`. After a restore it
    # does not, and repeats; that matters more here than the time in it.
    uuid.__dict__["_generate_time_safe"] = made_by_libuuid
    time.time()  # the first call starts the ticking
