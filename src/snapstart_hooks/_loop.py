"""The one persistent event loop that async hooks are awaited on.

Never `asyncio.run`: a pool that a hook opens would be bound to a loop that is closed
when the handler wants to use it.  `asyncio` itself is imported here, inside the
functions, because most users' registries never need it.
"""

from __future__ import annotations

import atexit
import contextvars
import sys
import threading
import types
import warnings
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

from snapstart_hooks.errors import PhaseError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Sequence

__all__ = ("Awaited", "is_awaitable", "persistent", "running", "settle", "wait_for")

GRACE: Final = 0.1
"""Seconds that a cancelled hook has for its clean-up before it is left behind."""

_ITERABLE_COROUTINE: Final = 0x100  # inspect.CO_ITERABLE_COROUTINE


def is_awaitable(value: object) -> bool:
    """Whether a hook returned something that has to be awaited."""
    if isinstance(value, types.GeneratorType):
        return bool(value.gi_code.co_flags & _ITERABLE_COROUTINE)
    return hasattr(type(value), "__await__")


def running() -> bool:
    """Whether an event loop runs in this thread; asks nobody if asyncio was never imported."""
    asyncio_module = sys.modules.get("asyncio.events")
    return asyncio_module is not None and asyncio_module._get_running_loop() is not None  # noqa: SLF001 - named so, but documented


class _Own:
    """The loop that we made for one thread: kept, whoever resets the current one, and closed in the end."""

    __slots__ = ("loop",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: Final = loop

    def __del__(self) -> None:
        if not self.loop.is_running():
            self.loop.close()


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


class Awaited:
    """One awaitable that is driven on the loop, and how that ended.

    Attributes:
        limit: Seconds that it may take; ``None`` for no limit.
        error: What it raised; ``None`` if it ended well or is left behind.
        overdue: Whether its time was over before it ended.
        pending: Whether it ignored its cancellation and is left behind.
        ended_ns: When it ended or was left behind, on the clock of `time.perf_counter_ns`.
    """

    __slots__ = ("awaitable", "ended_ns", "error", "limit", "overdue", "pending", "task")

    def __init__(self, awaitable: Awaitable[object], limit: float | None) -> None:
        self.awaitable: Final = awaitable
        self.limit: Final = limit
        self.error: BaseException | None = None
        self.overdue = False
        self.pending = True
        self.ended_ns = 0
        self.task: asyncio.Task[None] | None = None

    async def drive(self) -> None:
        """Await it, and keep what it raises: nothing may break out of the loop, not even ``SystemExit``."""
        try:
            await self.awaitable
        except BaseException as error:  # noqa: BLE001 - given on in `error`
            self.error = error
        self.pending = False
        self.ended_ns = perf_counter_ns()

    async def supervise(self, context: contextvars.Context) -> None:
        """Drive it in `context`, cancel it when its time is over, and wait no longer than its clean-up may take."""
        import asyncio

        loop = asyncio.get_running_loop()
        task = self.task = loop.create_task(self.drive(), context=context)
        await asyncio.wait({task}, timeout=self.limit)
        if not task.done():
            self.overdue = True
            task.cancel()
            await asyncio.wait({task}, timeout=GRACE)
            self.ended_ns = self.ended_ns or perf_counter_ns()


def wait_for(awaited: Sequence[Awaited]) -> None:
    """Drive all on the persistent loop at the same time, until each has ended or is left behind.

    A single one shares its context variables with the caller, as a plain function
    would; of several each has a copy of its own.

    Raises:
        PhaseError: A loop runs in this thread already: waiting for another would block it.
    """
    if running():
        for one in awaited:
            close = getattr(one.awaitable, "close", None)
            if close is not None:
                close()  # nobody will await it
        msg = (
            "an async hook cannot be awaited here, because an event loop already runs in this thread. "
            "Run the phase before the loop starts, or in a thread: `await asyncio.to_thread(...)`."
        )
        raise PhaseError(msg)
    contexts = [contextvars.copy_context() for _ in awaited]
    try:
        persistent().run_until_complete(_supervise_all(awaited, contexts))
    finally:
        for one in awaited:
            if one.task is not None and not one.task.done():
                one.task.cancel()  # its clean-up runs when the handler next uses the loop
    if len(awaited) == 1:
        settle(contexts[0])


async def _supervise_all(awaited: Sequence[Awaited], contexts: Sequence[contextvars.Context]) -> None:
    import asyncio

    await asyncio.gather(*(one.supervise(context) for one, context in zip(awaited, contexts, strict=True)))


def settle(context: contextvars.Context) -> None:
    """Carry what was set in `context` over to the caller's context."""
    mine = contextvars.copy_context()
    for variable, value in context.items():
        if variable not in mine or mine[variable] is not value:
            variable.set(value)
