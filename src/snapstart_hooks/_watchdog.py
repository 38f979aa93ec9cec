"""Says which hook is running, and where, when a phase has used up most of its time.

The platform itself only says that time ran out.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
import types
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from snapstart_hooks._loop import Awaited
    from snapstart_hooks._workers import Workers

__all__ = ("Watchdog", "stack_of")

_ENGINE: Final = os.path.join(os.path.dirname(__file__), "_engine.py")  # noqa: PTH118, PTH120 - no pathlib here


class Watchdog:
    """Calls `bark` on a worker thread if it is not stopped within `seconds`."""

    __slots__ = ("_bark", "_done", "_seconds")

    def __init__(self, seconds: float, bark: Callable[[], None], workers: Workers) -> None:
        self._seconds: Final = seconds
        self._bark: Final = bark
        self._done: Final = threading.Lock()
        self._done.acquire()
        workers.submit(self._watch)

    def _watch(self) -> None:
        if not self._done.acquire(timeout=self._seconds):
            self._bark()

    def stop(self) -> None:
        """The phase is over."""
        self._done.release()


def stack_of(where: int | Awaited) -> str:
    """The stack of a running hook, from the hook on: of a thread, or of what is awaited."""
    if isinstance(where, int):
        frame = sys._current_frames().get(where)  # noqa: SLF001 - documented
        stack = (
            traceback.StackSummary.extract(traceback.walk_stack(frame))
            if frame is not None
            else traceback.StackSummary()
        )
        stack.reverse()
        calls = [index for index, entry in enumerate(stack) if entry.name == "invoke" and entry.filename == _ENGINE]
        return "".join(traceback.format_list(stack[calls[-1] + 1 :] if calls else stack))
    frames: list[tuple[types.FrameType, int]] = []
    coroutine: object = where.awaitable
    while isinstance(coroutine, types.CoroutineType) and coroutine.cr_frame is not None:
        frames.append((coroutine.cr_frame, coroutine.cr_frame.f_lineno))
        coroutine = coroutine.cr_await
    return "".join(traceback.format_list(traceback.StackSummary.extract(iter(frames))))
