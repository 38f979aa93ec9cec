"""Runs several hooks at the same time: async ones on the loop, sync ones on worker threads.

A failing one cancels nobody.  One whose time is over is not waited for any longer.
"""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from queue import Empty, SimpleQueue
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from snapstart_hooks._loop import Awaited, is_awaitable, wait_for
from snapstart_hooks._workers import LIMIT, workers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from snapstart_hooks._hook import Hook

__all__ = ("Ended", "Invoke", "Running", "await_all", "run_together")

Running: TypeAlias = "dict[Hook, int | Awaited]"
"""What runs now: each hook with its thread's ident, or with what is awaited."""

Invoke: TypeAlias = "Callable[[Hook], object]"


class Ended:
    """How a hook ended that ran beside others.

    Attributes:
        duration_ns: Nanoseconds that it took.
        value: What it returned, unless that was awaited.
        error: What it raised.
        overdue: Whether its time was over before it ended.
        abandoned: Whether it still runs.
    """

    __slots__ = ("abandoned", "duration_ns", "error", "overdue", "value")

    def __init__(
        self,
        duration_ns: int,
        value: object = None,
        error: BaseException | None = None,
        *,
        overdue: bool = False,
        abandoned: bool = False,
    ) -> None:
        self.duration_ns: Final = duration_ns
        self.value: Final = value
        self.error: Final = error
        self.overdue: Final = overdue
        self.abandoned: Final = abandoned


class Clock:
    """Until when a hook may run.

    Attributes:
        deadline_ns: When the phase's budget is used up, on the clock of
            `time.perf_counter_ns`; ``None`` if it has none.
    """

    __slots__ = ("deadline_ns",)

    def __init__(self, deadline_ns: int | None) -> None:
        self.deadline_ns: Final = deadline_ns

    def limit(self, hook: Hook, since_ns: int) -> float | None:
        """Seconds that `hook` may take from `since_ns` on: its own, or what is left of the budget."""
        if self.deadline_ns is None:
            return hook.timeout
        left = max((self.deadline_ns - since_ns) / 1e9, 0.0)
        return left if hook.timeout is None else min(hook.timeout, left)

    def overdue(self, hook: Hook, since_ns: int, duration_ns: int) -> bool:
        """Whether `hook`, which ran so long, has used more time than it had."""
        limit = self.limit(hook, since_ns)
        return limit is not None and duration_ns > limit * 1e9

    def over(self) -> bool:
        """Whether the budget is used up."""
        return self.deadline_ns is not None and perf_counter_ns() >= self.deadline_ns


def run_together(batch: Sequence[Hook], invoke: Invoke, clock: Clock, running: Running) -> dict[Hook, Ended]:
    """Run `batch` and tell how each hook ended; one that never got its turn is missing."""
    ended: dict[Hook, Ended] = {}
    crew = _Crew([hook for hook in batch if not hook.is_async], invoke, running)
    try:
        begun: dict[Hook, tuple[int, object]] = {}
        for hook in batch:
            if hook.is_async:
                start = perf_counter_ns()
                try:
                    begun[hook] = start, invoke(hook)
                except Exception as error:  # noqa: BLE001 - given on as this hook's
                    ended[hook] = Ended(perf_counter_ns() - start, error=error)
        await_all(begun, clock, running, ended)
        await_all(crew.collect(clock, ended), clock, running, ended)
    finally:
        crew.dismiss()
    return ended


def await_all(begun: dict[Hook, tuple[int, object]], clock: Clock, running: Running, ended: dict[Hook, Ended]) -> None:
    """Await, at the same time, what hooks returned; `begun` gives the start of each and its awaitable."""
    if not begun:
        return
    awaited = {
        hook: Awaited(cast("Awaitable[object]", value), _left(clock.limit(hook, start), start))
        for hook, (start, value) in begun.items()
    }
    running.update(awaited)
    try:
        wait_for(list(awaited.values()))
    except Exception as error:  # noqa: BLE001 - given on as this hook's
        for hook, (start, _) in begun.items():
            ended[hook] = Ended(perf_counter_ns() - start, error=error)
    else:
        for hook, one in awaited.items():
            start = begun[hook][0]
            duration = one.ended_ns - start
            overdue = one.overdue or clock.overdue(hook, start, duration)
            ended[hook] = Ended(duration, error=one.error, overdue=overdue, abandoned=one.pending)
    finally:
        for hook in begun:
            running.pop(hook, None)


def _left(limit: float | None, start: int) -> float | None:
    return None if limit is None else max(limit - (perf_counter_ns() - start) / 1e9, 0.0)


class _Crew:
    """Some workers that share the sync hooks of a batch."""

    __slots__ = ("_contexts", "_finished", "_hooks", "_invoke", "_running", "_started", "_todo")

    def __init__(self, hooks: Sequence[Hook], invoke: Invoke, running: Running) -> None:
        self._invoke: Final = invoke
        self._running: Final = running
        self._hooks: Final = hooks
        self._todo: Final = deque(hooks)
        # Each sees the values of the thread that runs the phase, and keeps its own to itself.
        self._contexts: Final = {hook: contextvars.copy_context() for hook in hooks}
        self._started: Final[dict[Hook, int]] = {}
        self._finished: Final[SimpleQueue[tuple[Hook, Ended]]] = SimpleQueue()
        for _ in range(min(len(hooks), LIMIT)):
            workers.submit(self._lane)

    def _lane(self) -> None:
        """On a worker: take hooks until none is left."""
        while True:
            try:
                hook = self._todo.popleft()
            except IndexError:
                return
            value, error = None, None
            self._running[hook] = threading.get_ident()
            start = self._started[hook] = perf_counter_ns()
            try:
                value = self._contexts[hook].run(self._invoke, hook)
            except BaseException as raised:  # noqa: BLE001 - given on as this hook's
                error = raised
            self._running.pop(hook, None)
            self._finished.put((hook, Ended(perf_counter_ns() - start, value, error)))
            del value, error

    def collect(self, clock: Clock, ended: dict[Hook, Ended]) -> dict[Hook, tuple[int, object]]:
        """Wait for all; give back what those returned that have to be awaited, as `await_all` takes it."""
        begun: dict[Hook, tuple[int, object]] = {}
        pending = set(self._hooks)
        while pending:
            try:
                hook, how = self._finished.get(timeout=self._patience(pending, clock))
            except Empty:
                for hook in self._overdue(pending, clock):
                    pending.discard(hook)
                    self._running.pop(hook, None)
                    ended[hook] = Ended(perf_counter_ns() - self._started[hook], overdue=True, abandoned=True)
                    workers.submit(self._lane)  # in place of the one that hangs
                if clock.over():
                    break  # what has not started by now never will
                continue
            if hook not in pending:
                continue  # given up before
            pending.discard(hook)
            if how.error is None and is_awaitable(how.value):
                begun[hook] = self._started[hook], how.value
            else:
                overdue = clock.overdue(hook, self._started[hook], how.duration_ns)
                ended[hook] = Ended(how.duration_ns, how.value, how.error, overdue=overdue)
        return begun

    def dismiss(self) -> None:
        """Nobody takes a further hook."""
        self._todo.clear()

    def _ends(self, hook: Hook, clock: Clock) -> float:
        start = self._started.get(hook)
        if start is None:
            return float("inf") if clock.deadline_ns is None else clock.deadline_ns
        limit = clock.limit(hook, start)
        return float("inf") if limit is None else start + limit * 1e9

    def _patience(self, pending: set[Hook], clock: Clock) -> float | None:
        """Seconds until the next of `pending` is overdue; ``None`` if none ever is."""
        if clock.deadline_ns is None and all(hook.timeout is None for hook in pending):
            return None
        wait = (min(self._ends(hook, clock) for hook in pending) - perf_counter_ns()) / 1e9
        # A hook that has not started has no end yet: look again soon.
        return min(max(wait, 0.0), 0.05)

    def _overdue(self, pending: set[Hook], clock: Clock) -> list[Hook]:
        now = perf_counter_ns()
        return [hook for hook in pending if hook in self._started and self._ends(hook, clock) <= now]
