"""Runs hooks elsewhere than straight on the calling thread: awaited on the loop, or on worker threads.

A failing one cancels nobody.  One whose time is over is not waited for any longer.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from queue import SimpleQueue
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final, cast

from ._foreign import after_fork, coroutine, error_text, is_a
from ._limits import GRACE, NEVER
from ._loop import is_awaitable, persistent, running, settle
from ._report import HookResult, Outcome
from .errors import HookExited, PhaseError

if TYPE_CHECKING:
    import asyncio
    from asyncio import AbstractEventLoop
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from concurrent.futures import Future
    from types import CoroutineType, FrameType, TracebackType

    from ._hook import Hook

LIMIT: Final = 32
"""How many sync hooks of one batch overlap at the most."""


class Attempt:
    """One hook in one phase, from its plan to how it ended: what engine, loop, workers and watch know of it."""

    __slots__ = (
        "_result",
        "abandoned",
        "context",
        "ended_ns",
        "error",
        "hook",
        "limit_ns",
        "outcome",
        "overdue",
        "raised",
        "required",
        "start_ns",
        "thread",
        "value",
    )

    def __init__(self, hook: Hook) -> None:
        self.hook: Final = hook
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
        # The judgement: how it ended, why not well, and whether that fails the phase.
        self.outcome = Outcome.NOT_STARTED
        self.error: BaseException | None = None
        self.required = hook.required
        self._result: HookResult | None = None

    @property
    def running(self) -> bool:
        """Whether it has started and nobody has judged yet how it ended."""
        return self.start_ns != 0 and self.outcome is Outcome.NOT_STARTED

    @property
    def left(self) -> float | None:
        """Seconds that are left for it from now on; ``None`` if there is no limit."""
        if self.limit_ns == NEVER:
            return None
        return min(max((self.limit_ns - perf_counter_ns()) / 1e9, 0.0), threading.TIMEOUT_MAX)

    @property
    def where(self) -> int | CoroutineType[object, object, object] | None:
        """Where its stack is to be found: the ident of its worker, or the coroutine that is awaited."""
        return self.thread or coroutine(self.value)

    def result(self) -> HookResult:
        """What is told of it; always the same, once it has been judged."""
        if self._result is None:
            duration = self.ended_ns - self.start_ns
            self._result = HookResult(self.hook, self.outcome, duration, self.error, self.required)
        return self._result


def invoke(hook: Hook) -> object:
    """Call one hook.  The one frame that may be interrupted, because nothing else happens in it."""
    return hook.call()


def traceback_of(error: BaseException) -> TracebackType | None:
    """What a class of exceptions makes of this attribute does not count."""
    found: TracebackType | None = BaseException.__dict__["__traceback__"].__get__(error)
    return found


def exited(error: BaseException) -> HookExited:
    """What is told of a hook that raised something else than an ``Exception``."""
    told = HookExited(f"it raised {error_text(error)}")
    told.__cause__, told.__traceback__ = error, traceback_of(error)
    return told


def await_value(attempt: Attempt, loop: AbstractEventLoop | None) -> None:
    """Await what a hook returned, on `loop` or the persistent one; as a plain function would, it shares the context."""
    if running():  # waiting for another loop would block it
        if (left := coroutine(attempt.value)) is not None:
            left.close()  # nobody will await it
        attempt.raised = PhaseError(
            "an async hook cannot be awaited here, because an event loop already runs in this thread. "
            "Run the phase before the loop starts, or in a thread: `await asyncio.to_thread(...)`."
        )
        return
    _run(lambda tasks: _supervise(attempt, tasks), loop)
    if attempt.context is not None:
        settle(attempt.context)


def run_together(attempts: Sequence[Attempt], start: Callable[[Attempt], bool], loop: AbstractEventLoop | None) -> None:
    """Run several hooks at the same time, until each has ended or is left behind.

    What is async runs on `loop` or the persistent one.  `start` notes that one starts now, and tells whether it may.
    """
    import asyncio

    lanes = asyncio.Semaphore(LIMIT)

    async def turn(attempt: Attempt, tasks: list[asyncio.Task[None]]) -> None:
        async with contextlib.nullcontext() if attempt.hook.is_async else lanes:
            if start(attempt):
                await _supervise(attempt, tasks)

    async def all_turns(tasks: list[asyncio.Task[None]]) -> None:
        await asyncio.gather(*(turn(attempt, tasks) for attempt in attempts))

    _run(all_turns, loop)


def _run(
    main: Callable[[list[asyncio.Task[None]]], Coroutine[object, object, None]], where: AbstractEventLoop | None
) -> None:
    """Run `main`; it notes the tasks that it makes in the list that it is given."""
    import asyncio

    loop = where or persistent()
    tasks: list[asyncio.Task[None]] = []
    tasks.append(loop.create_task(main(tasks)))
    try:
        loop.run_until_complete(tasks[0])
    except KeyboardInterrupt:
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.wait(tasks, timeout=GRACE))  # else they are destroyed in the middle
        raise
    finally:
        for task in tasks:
            # What is left cleans up when the handler next uses the loop.
            if not task.cancel() and not task.cancelled():
                task.exception()  # asked for, so that nobody complains that it was not


async def _supervise(attempt: Attempt, tasks: list[asyncio.Task[None]]) -> None:
    """Drive it, cancel it when its time is over, and wait no longer than its clean-up may take."""
    import asyncio

    task = asyncio.get_running_loop().create_task(_drive(attempt))
    tasks.append(task)
    await asyncio.wait({task}, timeout=attempt.left)
    if not task.done():
        attempt.overdue = True
        attempt.abandoned = attempt.thread is not None
        task.cancel()
        await asyncio.wait({task}, timeout=GRACE)
        attempt.abandoned = attempt.abandoned or not task.done()
        attempt.ended_ns = attempt.ended_ns or perf_counter_ns()


async def _drive(attempt: Attempt) -> None:
    """Call a hook and await it, and keep what it raises: nothing but an interruption may break out of the loop."""
    try:
        if attempt.value is None:
            if attempt.hook.is_async:
                attempt.value = invoke(attempt.hook)
            else:  # it sees the caller's context variables, and keeps its own to itself
                import asyncio

                await asyncio.wrap_future(_on_worker(attempt, contextvars.copy_context()))
        if attempt.raised is None and is_awaitable(attempt.value):
            attempt.ended_ns = 0
            await cast("Awaitable[object]", attempt.value)
            attempt.value = None
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
    context = contextvars.copy_context()
    try:
        _on_worker(attempt, context).result(attempt.left)
    except TimeoutError:
        attempt.overdue = attempt.abandoned = True
        attempt.ended_ns = max(perf_counter_ns(), attempt.limit_ns + 1)
    else:
        settle(context)


def _on_worker(attempt: Attempt, context: contextvars.Context) -> Future[None]:
    """Let a worker call a hook; when the future is done, the attempt tells what came of it."""
    attempt.thread = 0

    def call() -> None:
        attempt.thread = threading.get_ident()
        try:
            attempt.value = context.run(invoke, attempt.hook)
        except BaseException as raised:  # noqa: BLE001 - given on as this hook's
            # Nobody pressed a key: not on a worker.
            attempt.raised = exited(raised) if is_a(raised, KeyboardInterrupt) else raised
        attempt.ended_ns = attempt.ended_ns or perf_counter_ns()
        attempt.thread = None

    return workers.submit(call)


class _Workers:
    """Daemon threads that each run one job at a time, for all registries; one that hangs is simply not waited for.

    They exist before the snapshot is taken, and wait.
    """

    def __init__(self) -> None:
        self.reset()
        after_fork(self.reset)

    def reset(self) -> None:
        """Forget all threads: they do not exist in this process."""
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[tuple[Callable[[], None], Future[None]]] = SimpleQueue()
        self._idle = 0

    def ensure(self, idle: int) -> None:
        """Start threads until `idle` of them wait for a job."""
        with self._lock:
            while self._idle < idle:
                self._start()

    def submit(self, job: Callable[[], None]) -> Future[None]:
        """Run `job`, which raises nothing, on an idle thread, or on a new one if all are busy."""
        from concurrent.futures import Future

        done: Future[None] = Future()
        done.set_running_or_notify_cancel()  # whoever stops waiting does not stop it
        with self._lock:
            if not self._idle:
                self._start()
            self._idle -= 1
        self._jobs.put((job, done))
        return done

    def _start(self) -> None:
        threading.Thread(target=self._work, args=(self._jobs,), name="snapstart_hooks", daemon=True).start()
        self._idle += 1

    def _work(self, jobs: SimpleQueue[tuple[Callable[[], None], Future[None]]]) -> None:
        while True:
            job, done = jobs.get()
            job()
            with self._lock:
                self._idle += 1  # before anybody knows, who may have another job at once
            done.set_result(None)
            del job, done  # the hook's objects must not live until the next job comes


workers: Final = _Workers()
"""Of this process."""
