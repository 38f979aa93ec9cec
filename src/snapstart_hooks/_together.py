"""Runs hooks elsewhere than straight on the calling thread: awaited on the loop, or on worker threads.

A failing one cancels nobody.  One whose time is over is not waited for any longer.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import threading
from queue import Empty, SimpleQueue
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from ._foreign import after_fork, coroutine, error_text, is_a
from ._limits import GRACE, NEVER
from ._loop import is_awaitable, persistent, running, settle
from .errors import HookExited, PhaseError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from types import CoroutineType, FrameType

    from ._hook import Hook

__all__ = ("LIMIT", "Attempt", "Invoke", "await_value", "driven", "run_on_worker", "run_together", "workers")

LIMIT: Final = 32
"""How many sync hooks of one batch overlap at the most."""

Invoke: TypeAlias = "Callable[[Hook], object]"

_Done: TypeAlias = "tuple[object, BaseException | None, int]"
"""What a worker hands over: the value, or the error, and when."""


class Attempt:
    """One hook in one phase, from its start to how it ended.

    Attributes:
        hook: The hook.
        start_ns: When it started; this and the others on the clock of `time.perf_counter_ns`.
        limit_ns: When it has to have ended.
        ended_ns: When it ended or was left behind; 0 while it runs.
        value: What it returned; what is awaited if that is awaited.
        error: What it raised.
        thread: The ident of the thread that it runs on, if that is a worker.
        overdue: Whether it was stopped because its time was over.
        abandoned: Whether it still runs.
        context: Its context variables when what it returned had been awaited.
    """

    __slots__ = (
        "abandoned",
        "context",
        "ended_ns",
        "error",
        "hook",
        "limit_ns",
        "overdue",
        "start_ns",
        "thread",
        "value",
    )

    def __init__(self, hook: Hook, start_ns: int, limit_ns: int) -> None:
        self.hook: Final = hook
        self.start_ns: Final = start_ns
        self.limit_ns: Final = limit_ns
        self.ended_ns = 0
        self.value: object = None
        self.error: BaseException | None = None
        self.thread: int | None = None
        self.overdue = False
        self.abandoned = False
        self.context: contextvars.Context | None = None

    @property
    def late(self) -> bool:
        """Whether it ended, or was stopped, after its time."""
        return self.overdue or self.ended_ns > self.limit_ns

    @property
    def left(self) -> float | None:
        """Seconds that are left for it from now on; ``None`` if there is no limit."""
        if self.limit_ns == NEVER:
            return None
        return min(max((self.limit_ns - perf_counter_ns()) / 1e9, 0.0), threading.TIMEOUT_MAX)

    @property
    def where(self) -> int | CoroutineType[object, object, object] | None:
        """Where its stack is to be found: the ident of its worker, or the coroutine that is awaited."""
        if self.thread is not None:
            return self.thread
        return coroutine(self.value)


def await_value(attempt: Attempt, loop: asyncio.AbstractEventLoop | None = None) -> None:
    """Await what a hook returned; it shares its context variables with the caller, as a plain function would.

    Where a loop runs already, that cannot be: waiting for another would block it.

    Args:
        attempt: The hook's.
        loop: Where it has to be awaited; by default on the persistent loop.
    """
    if running():
        if (left := coroutine(attempt.value)) is not None:
            left.close()  # nobody will await it
        attempt.error = PhaseError(
            "an async hook cannot be awaited here, because an event loop already runs in this thread. "
            "Run the phase before the loop starts, or in a thread: `await asyncio.to_thread(...)`."
        )
        return
    _run(lambda tasks: _supervise(attempt, None, tasks), loop)
    if attempt.context is not None:
        settle(attempt.context)


def run_together(
    hooks: Sequence[Hook],
    invoke: Invoke,
    start: Callable[[Hook], Attempt | None],
    loop: asyncio.AbstractEventLoop | None = None,
) -> None:
    """Run several hooks at the same time, until each has ended or is left behind.

    Args:
        hooks: The hooks.
        invoke: Calls one.
        start: Notes that a hook starts now; gives ``None`` if it may not any more.
        loop: Where what is async has to run; by default on the persistent loop.
    """
    import asyncio

    lanes = asyncio.Semaphore(LIMIT)

    async def turn(hook: Hook, tasks: list[asyncio.Task[None]]) -> None:
        async with contextlib.nullcontext() if hook.is_async else lanes:
            attempt = start(hook)
            if attempt is not None:
                await _supervise(attempt, invoke, tasks)

    async def all_turns(tasks: list[asyncio.Task[None]]) -> None:
        await asyncio.gather(*(turn(hook, tasks) for hook in hooks))

    _run(all_turns, loop)


def _run(
    main: Callable[[list[asyncio.Task[None]]], Coroutine[object, object, None]],
    where: asyncio.AbstractEventLoop | None = None,
) -> None:
    """Run `main`, by default on the persistent loop; it notes the tasks that it makes in the list that it is given."""
    loop = where or persistent()
    tasks: list[asyncio.Task[None]] = []
    tasks.append(loop.create_task(main(tasks)))
    try:
        loop.run_until_complete(tasks[0])
    finally:
        for task in tasks:
            # What is left cleans up when the handler next uses the loop.
            if not task.cancel() and not task.cancelled():
                task.exception()  # asked for, so that nobody complains that it was not


async def _supervise(attempt: Attempt, invoke: Invoke | None, tasks: list[asyncio.Task[None]]) -> None:
    """Drive it, cancel it when its time is over, and wait no longer than its clean-up may take."""
    import asyncio

    task = asyncio.get_running_loop().create_task(_drive(attempt, invoke))
    tasks.append(task)
    await asyncio.wait({task}, timeout=attempt.left)
    if not task.done():
        attempt.overdue = True
        attempt.abandoned = attempt.thread is not None
        task.cancel()
        await asyncio.wait({task}, timeout=GRACE)
        attempt.abandoned = attempt.abandoned or not task.done()
        attempt.ended_ns = attempt.ended_ns or perf_counter_ns()


async def _drive(attempt: Attempt, invoke: Invoke | None) -> None:
    """Call a hook and await it, and keep what it raises: nothing but an interruption may break out of the loop."""
    try:
        if invoke is not None:
            attempt.value = invoke(attempt.hook) if attempt.hook.is_async else await _from_worker(attempt, invoke)
        if is_awaitable(attempt.value):
            await cast("Awaitable[object]", attempt.value)
            attempt.value = None
            attempt.ended_ns = 0
    except KeyboardInterrupt as error:
        attempt.error = error
        raise
    except BaseException as error:  # noqa: BLE001 - given on as this hook's
        attempt.error = error
    finally:
        attempt.ended_ns = attempt.ended_ns or perf_counter_ns()
        attempt.context = contextvars.copy_context()


def driven(frame: FrameType) -> Attempt | None:
    """Whose coroutine runs, if `frame` is the one that awaits it."""
    attempt: object = frame.f_locals.get("attempt") if frame.f_code is _drive.__code__ else None
    return attempt if is_a(attempt, Attempt) else None


# On worker threads.


def run_on_worker(attempt: Attempt, invoke: Invoke) -> None:
    """Run one hook on a worker, and wait as long as it may take; it shares its context variables with the caller."""
    context = contextvars.copy_context()
    done: SimpleQueue[_Done] = SimpleQueue()
    _submit(attempt, invoke, context, done.put)
    try:
        attempt.value, attempt.error, attempt.ended_ns = done.get(timeout=attempt.left)
    except Empty:
        attempt.overdue = attempt.abandoned = True
        attempt.ended_ns = perf_counter_ns()
    else:
        attempt.thread = None
        settle(context)


async def _from_worker(attempt: Attempt, invoke: Invoke) -> object:
    """Run one hook on a worker; it sees the caller's context variables, and keeps its own to itself."""
    import asyncio

    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Done] = loop.create_future()

    def deliver(done: _Done) -> None:
        if not future.done():  # else nobody waits any more
            future.set_result(done)

    def hand_over(done: _Done) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(deliver, done)

    _submit(attempt, invoke, contextvars.copy_context(), hand_over)
    value, error, ended_ns = await future
    attempt.thread, attempt.ended_ns = None, ended_ns
    if error is not None:
        raise error
    return value


def _submit(attempt: Attempt, invoke: Invoke, context: contextvars.Context, hand_over: Callable[[_Done], None]) -> None:
    attempt.thread = 0  # not known yet

    def job() -> Callable[[], None]:
        attempt.thread = threading.get_ident()
        value: object = None
        error: BaseException | None = None
        try:
            value = context.run(invoke, attempt.hook)
        except KeyboardInterrupt as raised:  # on a worker: nobody pressed a key
            error = HookExited(f"it raised {error_text(raised)}").with_traceback(raised.__traceback__)
            error.__cause__ = raised
        except BaseException as raised:  # noqa: BLE001 - given on as this hook's
            error = raised
        return functools.partial(hand_over, (value, error, perf_counter_ns()))

    workers.submit(job)


class _Workers:
    """Daemon threads that each run one job at a time; one that hangs is simply not waited for.

    They exist before the snapshot is taken, and wait: on the restore path nothing is done
    that could have been done before.  All registries of a process share them.
    """

    __slots__ = ("_idle", "_jobs", "_lock")

    def __init__(self) -> None:
        self.reset()
        after_fork(self.reset)

    def reset(self) -> None:
        """Forget all threads: they do not exist in this process."""
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[Callable[[], Callable[[], object]]] = SimpleQueue()
        self._idle = 0

    def ensure(self, idle: int) -> None:
        """Start threads until `idle` of them wait for a job."""
        with self._lock:
            while self._idle < idle:
                self._start()

    def submit(self, job: Callable[[], Callable[[], object]]) -> None:
        """Run `job`, which raises nothing, on an idle thread, or on a new one if all are busy; then what it gives."""
        with self._lock:
            if not self._idle:
                self._start()
            self._idle -= 1
        self._jobs.put(job)

    def _start(self) -> None:
        threading.Thread(target=self._work, args=(self._jobs,), name="snapstart_hooks", daemon=True).start()
        self._idle += 1

    def _work(self, jobs: SimpleQueue[Callable[[], Callable[[], object]]]) -> None:
        while True:
            hand_over = jobs.get()()
            with self._lock:
                self._idle += 1  # before anybody knows, who may have another job at once
            hand_over()
            del hand_over  # the hook's objects must not live until the next job comes


workers: Final = _Workers()
"""Of this process."""
