"""What runs beside the function: threads and event loops."""

from __future__ import annotations

import sys
import threading
import weakref
from typing import TYPE_CHECKING, cast

from .observation import observation
from .owners import instances

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Iterator

    from .observation import Observation

__all__ = ("Tasks", "threads")


def threads() -> Iterator[Observation]:
    """The Python threads beside this one; those of `snapstart_hooks` only wait."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.name != "snapstart_hooks":
            target: object = vars(thread).get("_target")
            yield observation(
                "live-thread",
                f"thread {thread.name}",
                "it was alive at the snapshot: it runs on in every environment before any after_restore hook",
                _function(target) if target is not None else type(thread).__qualname__,
            )


def _function(function: object) -> str:
    code: object = getattr(getattr(function, "__func__", function), "__code__", None)
    name = f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', repr(function))}"
    return f"{name} ({getattr(code, 'co_filename')}:{getattr(code, 'co_firstlineno')})" if code else name  # noqa: B009


class Tasks:
    """Tasks of event loops that the snapshot holds, not yet done."""

    def __init__(self) -> None:
        self._found: list[weakref.ref[Task[object]]] = []

    def snapshot(self) -> None:
        """Note them."""
        self._found = [weakref.ref(task) for task in _pending()]

    def ready(self) -> Iterator[Observation]:
        """Those that no hook has ended."""
        known = [reference() for reference in self._found]
        for task in _pending():
            if task in known:
                coroutine = task.get_coro()
                code: object = getattr(coroutine, "cr_code", None)
                where = f"{getattr(code, 'co_filename')}:{getattr(code, 'co_firstlineno')}" if code else ""  # noqa: B009
                yield observation(
                    "running-loop",
                    f"task {getattr(coroutine, '__qualname__', repr(coroutine))}",
                    "it was pending at the snapshot: its timers and connections are those of before",
                    where,
                )


def _pending() -> list[Task[object]]:
    """Of all loops, also of those that do not run."""
    kind: object = getattr(sys.modules.get("asyncio.tasks"), "Task", None)
    if not isinstance(kind, type):
        return []
    return [task for task in cast("list[Task[object]]", instances([kind])) if not task.done()]
