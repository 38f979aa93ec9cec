"""Interrupts a hook on the main thread when its time is over.

The kernel's interval timer sends ``SIGALRM``, whose Python handler raises inside the
hook.  It works only on the main thread, and not while C code holds on without
looking for signals; the watchdog reports that case.
"""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Final, Self

from snapstart_hooks.errors import HookTimeout

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ("Alarm", "HookInterrupted")

_REPEAT: Final = 0.05
"""Seconds between further alarms, for a hook that swallows the first."""

_LATER: Final = 0.001
"""Seconds until an overdue timer of the application fires when it gets its turn back."""


class HookInterrupted(BaseException):
    """Raised in a hook that swallowed `HookTimeout`, where ``except Exception`` cannot."""


class Alarm:
    """The application's handler and timer are put back on exit, as far as the hook left them."""

    __slots__ = ("_entered", "_fired", "_handler", "_in_hook", "_theirs", "_timer")

    def __init__(self, in_hook: Callable[[FrameType | None], bool]) -> None:
        """`in_hook` tells whether the code that runs in a frame may be interrupted."""
        self._in_hook: Final = in_hook
        self._fired = 0

    @staticmethod
    def possible() -> bool:
        """Whether this is the main thread of a platform with interval timers."""
        return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Self:
        self._entered = time.monotonic()
        # One object: every access to a method makes another, and __exit__ compares.
        self._handler = self._ring
        self._timer = signal.setitimer(signal.ITIMER_REAL, 0)
        self._theirs = signal.signal(signal.SIGALRM, self._handler)
        return self

    def set(self, seconds: float) -> None:
        """Ring in `seconds`, and again every `_REPEAT` until set anew or cleared."""
        self._fired = 0
        current = signal.signal(signal.SIGALRM, self._handler)
        if current is not self._handler:  # a hook before installed its own, which stays in the end
            self._theirs = current
        signal.setitimer(signal.ITIMER_REAL, max(seconds, _LATER), _REPEAT)

    def clear(self) -> None:
        """Do not ring."""
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, _signum: int, frame: FrameType | None) -> None:
        if self._in_hook(frame):
            self._fired += 1
            raise HookTimeout if self._fired == 1 else HookInterrupted

    def __exit__(self, *_: object) -> None:
        self.clear()
        if signal.getsignal(signal.SIGALRM) is self._handler:  # else a hook wanted its own
            signal.signal(signal.SIGALRM, signal.SIG_DFL if self._theirs is None else self._theirs)
            remaining, interval = self._timer
            if remaining:
                remaining -= time.monotonic() - self._entered
                signal.setitimer(signal.ITIMER_REAL, max(remaining, _LATER), interval)
