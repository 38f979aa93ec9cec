"""The one persistent event loop that async hooks are awaited on.

Never `asyncio.run`: a pool that a hook opens would be bound to a loop that is closed
when the handler wants to use it.
"""

from __future__ import annotations

import atexit
import contextvars
import os
import sys
import threading
import types
import warnings
from typing import TYPE_CHECKING, Final

from ._foreign import is_a, special

if TYPE_CHECKING:
    import asyncio

_ITERABLE_COROUTINE: Final = 0x100  # inspect.CO_ITERABLE_COROUTINE


def is_awaitable(value: object) -> bool:
    """Whether a hook returned something that has to be awaited."""
    if is_a(value, types.GeneratorType):
        return bool(value.gi_code.co_flags & _ITERABLE_COROUTINE)
    return special(value, "__await__") is not None


def running() -> bool:
    """Whether an event loop runs in this thread; asks nobody if asyncio was never imported."""
    asyncio_module = sys.modules.get("asyncio.events")
    return asyncio_module is not None and asyncio_module._get_running_loop() is not None  # noqa: SLF001 - named so, but documented


def is_cancellation(error: BaseException) -> bool:
    """Whether it is asyncio's ``CancelledError``."""
    exceptions = sys.modules.get("asyncio.exceptions")
    return exceptions is not None and is_a(error, exceptions.CancelledError)


class _Own:
    """The loop that we made for one thread: kept, whoever resets the current one, and closed in the end."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: Final = loop
        self._pid: Final = os.getpid()

    def __del__(self) -> None:
        if self._pid != os.getpid():
            _inherited.append(self.loop)  # both processes have one epoll: closing it here would make it deaf there
        elif not self.loop.is_running():
            self.loop.close()


_inherited: Final[list[asyncio.AbstractEventLoop]] = []
"""Loops of threads that do not exist in this process."""


class _Owned(threading.local):
    own: _Own | None = None


_owned: Final = _Owned()


def _close_own() -> None:
    _owned.own = None


def persistent() -> asyncio.AbstractEventLoop:
    """The loop that the application set as current, else one that is made, set and kept.

    A hook or handler that calls `asyncio.run` leaves no loop set behind it; then ours is
    set again, and what is bound to it goes on working.
    """
    import asyncio

    with warnings.catch_warnings():
        # Where none is set, 3.12 and 3.13 warn and make one, 3.14 raises.
        warnings.simplefilter("error", DeprecationWarning)
        try:
            loop = asyncio.get_event_loop()
        except (RuntimeError, DeprecationWarning):
            loop = None
    if loop is not None and not loop.is_closed():
        return loop
    if _owned.own is None or _owned.own.loop.is_closed():
        _owned.own = _Own(asyncio.new_event_loop())
        if threading.current_thread() is threading.main_thread():
            atexit.register(_close_own)
    asyncio.set_event_loop(_owned.own.loop)
    return _owned.own.loop


def settle(context: contextvars.Context) -> None:
    """Carry what was set in `context` over to the caller's context."""
    mine = contextvars.copy_context()
    for variable, value in context.items():
        if variable not in mine or mine[variable] is not value:
            variable.set(value)
