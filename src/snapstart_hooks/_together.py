"""Attempts at hooks, and those that do not run straight on the calling thread: on an event loop, or on a worker thread.

A hook that fails cancels no other. One whose time is over is not waited for any longer.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
from collections import deque
from functools import partial
from queue import SimpleQueue
from threading import TIMEOUT_MAX, Event, Lock, Thread, get_ident
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final, cast

from ._foreign import after_fork, coroutine, error_text, is_a, tried
from ._limits import GRACE, NEVER
from ._loop import is_awaitable, persistent, running, settle
from ._report import HookResult, Outcome, tell
from .errors import HookExited, PhaseError

if TYPE_CHECKING:
    import asyncio
    from asyncio import AbstractEventLoop
    from collections.abc import Awaitable, Callable, Iterable
    from types import CoroutineType, FrameType, TracebackType

    from ._hook import Hook

LIMIT: Final = 32
"""How many sync hooks of one batch overlap at the most."""


class Attempt(HookResult):
    """A result in the making: what the engine, the loop, the workers and the watch know of one hook in one phase."""

    __slots__ = ("abandoned", "context", "ended_ns", "limit_ns", "overdue", "raised", "start_ns", "thread", "value")

    def __init__(self, hook: Hook, *, required: bool) -> None:
        super().__init__(hook, Outcome.NOT_STARTED, 0, required=required)
        # When it started, ended or was left behind, and has to have ended, on the clock of `perf_counter_ns`.
        self.start_ns = self.ended_ns = 0
        self.limit_ns = NEVER
        # What it returned and, if that is awaited, the context in which it ended; or what it raised.
        self.value: object = None
        self.context: contextvars.Context | None = None
        self.raised: BaseException | None = None
        # The ident of the worker that it runs on; 0 if that is not known yet.
        self.thread: int | None = None
        # Whether it was stopped because its time was over, and whether it still runs.
        self.overdue = self.abandoned = False

    @property
    def running(self) -> bool:
        """Whether it has started and nobody has judged yet how it ended."""
        return self.start_ns != 0 and self._outcome is Outcome.NOT_STARTED

    def judge(self, outcome: Outcome, error: BaseException | None = None) -> None:
        """Be the result from now on."""
        self._outcome, self._error, self._duration_ns = outcome, error, self.ended_ns - self.start_ns

    @property
    def left(self) -> float | None:
        """Seconds that are left for it from now on; ``None`` if there is no limit."""
        if self.limit_ns == NEVER:
            return None
        return min(max((self.limit_ns - perf_counter_ns()) / 1e9, 0.0), TIMEOUT_MAX)

    @property
    def where(self) -> int | CoroutineType[object, object, object] | None:
        """Where its stack is to be found: the ident of its worker, or the coroutine that is awaited."""
        return self.thread or coroutine(self.value)


def invoke(hook: Hook) -> object:
    """Call one hook.  The one frame that may be interrupted, because nothing else happens in it."""
    return hook.call()


def traceback_of(error: BaseException) -> TracebackType | None:
    """What a class of exceptions makes of this attribute does not count."""
    found: TracebackType | None = BaseException.__dict__["__traceback__"].__get__(error)
    return found


def exited(error: BaseException) -> HookExited:
    """The error of a hook that raised something else than an ``Exception``."""
    failure = HookExited(f"it raised {error_text(error)}")
    failure.__cause__, failure.__traceback__ = error, traceback_of(error)
    return failure


def await_value(attempt: Attempt, where: AbstractEventLoop | None) -> None:
    """Await what a hook returned, on `where` or the persistent loop; as a plain function would, it shares the context.

    Raises:
        PhaseError: An event loop runs in this thread.
    """
    if running():  # waiting for another loop would block it
        msg = (
            "an async hook cannot be awaited here, because an event loop already runs in this thread. "
            "Run the phase before the loop starts, or in a thread: `await asyncio.to_thread(...)`."
        )
        raise PhaseError(msg)
    run_together([attempt], lambda _: True, where)
    if attempt.context is not None:
        settle(attempt.context)


def run_together(
    attempts: Iterable[Attempt], start: Callable[[Attempt], bool], where: AbstractEventLoop | None
) -> None:
    """Run several hooks at the same time, until each has ended or is left behind.

    What is async runs on `where` or the persistent loop.  `start` notes that one starts now, and tells whether it may.
    """
    _Batch(attempts, start, where or persistent()).run()


class _Batch:
    """What runs at the same time on one loop: async hooks in tasks of their own, sync ones on workers.

    Nothing that waits for them is a task: a hook may cancel all tasks that it finds, or stop the loop.
    """

    def __init__(self, attempts: Iterable[Attempt], start: Callable[[Attempt], bool], loop: AbstractEventLoop) -> None:
        self._start: Final = start
        self._loop: Final = loop
        # Sync ones last, for they may have to wait until others have ended.
        self._waiting: Final = deque(sorted(attempts, key=_needs_worker))
        self._lanes = LIMIT
        # The caller's: a worker that calls back has one of its own, without his variables.
        self._context: Final = contextvars.copy_context()
        # Those that run, with their tasks, unless they are on a worker; and what notices that their time is over.
        self._running: Final[dict[Attempt, asyncio.Task[None] | None]] = {}
        self._timers: Final[dict[Attempt, asyncio.TimerHandle]] = {}

    def run(self) -> None:
        """Run all of them."""
        try:
            self._advance()
            while self._running:
                self._loop.run_forever()
        except KeyboardInterrupt:
            self._waiting.clear()
            self._cancel()
            timer = self._loop.call_later(GRACE, self._loop.stop)
            self._loop.run_forever()  # else they are destroyed in the middle
            timer.cancel()
            raise
        finally:
            self._cancel()  # what is left cleans up when the handler next uses the loop

    def _cancel(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        for task in self._running.values():
            if task is not None:
                task.cancel()

    def _advance(self) -> None:
        """Start what may start now."""
        while self._waiting and (self._lanes or not _needs_worker(self._waiting[0])):
            attempt = self._waiting.popleft()
            if not self._start(attempt):
                self._waiting.clear()
                return
            _, error = tried(partial(self._launch, attempt))
            if error is not None:  # there is no task or no thread to be had
                self._running.pop(attempt, None)
                attempt.raised, attempt.ended_ns = error, perf_counter_ns()

    def _launch(self, attempt: Attempt) -> None:
        if _needs_worker(attempt):  # it sees the caller's context variables, and keeps its own to itself
            _on_worker(attempt, contextvars.copy_context(), partial(self._notify, attempt))
            self._running[attempt] = None
            self._lanes -= 1
        else:
            self._await(attempt)
        left = attempt.left
        if left is not None:
            self._timers[attempt] = self._loop.call_later(left, self._expire, attempt)

    def _await(self, attempt: Attempt) -> None:
        task = self._running[attempt] = self._loop.create_task(_drive(attempt))
        task.add_done_callback(partial(self._done, attempt))

    def _done(self, attempt: Attempt, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # asked for, so that nobody complains that it was not
        else:
            import asyncio

            attempt.raised = asyncio.CancelledError("another hook cancelled it before it began")
        self._end(attempt)

    def _notify(self, attempt: Attempt) -> None:
        """On the worker, when its hook has returned."""
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._returned, attempt, context=self._context)

    def _returned(self, attempt: Attempt) -> None:
        if attempt in self._running and attempt.raised is None and is_awaitable(attempt.value):
            attempt.ended_ns = 0
            self._await(attempt)
        else:
            self._end(attempt)

    def _expire(self, attempt: Attempt) -> None:
        """Its time is over: cancel it, and wait no longer than its clean-up may take; a worker cannot be stopped."""
        task, attempt.overdue = self._running[attempt], True
        if task is None:
            self._end(attempt, abandoned=True)
        else:
            task.cancel()
            self._timers[attempt] = self._loop.call_later(GRACE, partial(self._end, attempt, abandoned=True))

    def _end(self, attempt: Attempt, *, abandoned: bool = False) -> None:
        """Wait for it no longer."""
        if attempt not in self._running:  # it had been left behind
            return
        del self._running[attempt]
        if timer := self._timers.pop(attempt, None):
            timer.cancel()
        attempt.abandoned = abandoned
        attempt.ended_ns = attempt.ended_ns or perf_counter_ns()
        self._lanes += not attempt.hook.is_async
        self._advance()
        if not self._running:
            self._loop.stop()


def _needs_worker(attempt: Attempt) -> bool:
    return attempt.value is None and not attempt.hook.is_async


async def _drive(attempt: Attempt) -> None:
    """Call an async hook and await it, or what another returned, and keep what it raises.

    Nothing but an interruption may break out of the loop.
    """
    try:
        if attempt.value is None:
            attempt.value = invoke(attempt.hook)
        attempt.value = await cast("Awaitable[object]", attempt.value)
    except KeyboardInterrupt as error:
        attempt.raised = error
        raise
    except BaseException as error:  # noqa: BLE001 - given on as this hook's
        attempt.raised = error
    finally:
        attempt.ended_ns = attempt.ended_ns or perf_counter_ns()
        attempt.context = contextvars.copy_context()


def driven(frame: FrameType) -> Attempt | None:
    """Whose coroutine runs, if `frame` is the one that awaits it."""
    attempt: object = frame.f_locals.get("attempt") if frame.f_code is _drive.__code__ else None
    return attempt if is_a(attempt, Attempt) else None


def run_on_worker(attempt: Attempt) -> None:
    """Run one hook on a worker, and wait as long as it may take; it shares its context variables with the caller."""
    context, ended = contextvars.copy_context(), Event()
    _on_worker(attempt, context, ended.set)
    if ended.wait(attempt.left):
        settle(context)
    else:
        attempt.overdue = attempt.abandoned = True
        attempt.ended_ns = max(perf_counter_ns(), attempt.limit_ns + 1)


def _on_worker(attempt: Attempt, context: contextvars.Context, then: Callable[[], object]) -> None:
    """Let a worker call a hook, and `then` when the attempt tells what came of it."""
    attempt.thread = 0

    def call() -> None:
        attempt.thread = get_ident()
        try:
            attempt.value = context.run(invoke, attempt.hook)
        except BaseException as raised:  # noqa: BLE001 - given on as this hook's
            # Nobody pressed a key: not on a worker.
            attempt.raised = exited(raised) if is_a(raised, KeyboardInterrupt) else raised
        attempt.ended_ns = attempt.ended_ns or perf_counter_ns()
        attempt.thread = None

    workers.submit(call, then)


class _Workers:
    """Daemon threads that each run one job at a time, for all registries; one that hangs is simply not waited for.

    They exist before the snapshot is taken, and wait.
    """

    def __init__(self) -> None:
        self.reset()
        after_fork(self.reset)

    def reset(self) -> None:
        """Forget all threads: they do not exist in this process."""
        self._lock = Lock()
        self._jobs: SimpleQueue[tuple[Callable[[], object], Callable[[], object]]] = SimpleQueue()
        self._idle = 0

    def ensure(self, idle: int) -> None:
        """Start threads until `idle` of them wait for a job, or warn that this is not possible."""
        try:
            with self._lock:
                while self._idle < idle:
                    self._start()
        except RuntimeError as error:
            tell(logging.WARNING, f"hooks that overlap need threads, and none can be started: {error_text(error)}")

    def submit(self, job: Callable[[], object], then: Callable[[], object]) -> None:
        """Run `job` and `then`, which raise nothing, on an idle thread, or on a new one if all are busy.

        Raises:
            RuntimeError: No thread can be started.
        """
        with self._lock:
            if not self._idle:
                self._start()
            self._idle -= 1
        self._jobs.put((job, then))

    def _start(self) -> None:
        Thread(target=self._work, args=(self._jobs,), name="snapstart_hooks", daemon=True).start()
        self._idle += 1

    def _work(self, jobs: SimpleQueue[tuple[Callable[[], object], Callable[[], object]]]) -> None:
        while jobs is self._jobs:  # else it is forgotten, and nobody gives it a job again
            job, then = jobs.get()
            job()
            with self._lock:
                self._idle += jobs is self._jobs  # before anybody knows, who may have another job at once
            then()
            del job, then  # the hook's objects must not live until the next job comes


workers: Final = _Workers()
"""Of this process."""
