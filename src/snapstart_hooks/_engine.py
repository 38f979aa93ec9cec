"""Runs a plan: one batch after the other, all hooks of it, and reports.

A batch of one hook runs on the calling thread.  Time limits, if there are any, are
kept by cancellation, by an interval timer, or by not waiting any longer.
"""

from __future__ import annotations

import threading
import time
import types
from collections import deque
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

from snapstart_hooks._hook import Phase
from snapstart_hooks._loop import GRACE, is_awaitable, persistent, wait_for
from snapstart_hooks._loop import running as loop_running
from snapstart_hooks._report import HookResult, Outcome, PhaseReport, error_text, logger, shortened
from snapstart_hooks._together import Clock, Ended, Running, await_all, run_together
from snapstart_hooks._workers import LIMIT, workers
from snapstart_hooks.errors import (
    HookExited,
    HooksFailed,
    HookSignatureError,
    HookTimeout,
    InitBudgetExceeded,
    RestoreBudgetExceeded,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType, TracebackType

    from snapstart_hooks._alarm import Alarm
    from snapstart_hooks._hook import Hook
    from snapstart_hooks._plan import Batches
    from snapstart_hooks._report import HookObserver

__all__ = ("PhaseRun", "make_ready", "verdict")

_WATCHDOG_SHARE: Final = 0.8
"""Of the budget: when this much is used up, the watchdog tells what is running."""


def invoke(hook: Hook) -> object:
    """Call one hook.  The one frame that an alarm may interrupt, because nothing else happens in it."""
    return hook.call()


class PhaseRun:
    """One run of one phase.

    Attributes:
        phase: Which one.
        budget: Seconds for all of it; ``None`` for no limit.
        changed: Set by the registry when a hook is registered while this runs.
        out_of_time: Whether the budget was used up before every hook had ended.
        interrupted: The ``KeyboardInterrupt`` that ended the run early, if one did.
    """

    __slots__ = (
        "_alarm",
        "_alone",
        "_clock",
        "_collect",
        "_observers",
        "_replan",
        "_requires",
        "_results",
        "_running",
        "_thread",
        "_todo",
        "budget",
        "changed",
        "interrupted",
        "out_of_time",
        "phase",
    )

    def __init__(
        self,
        phase: Phase,
        batches: Batches,
        *,
        budget: float | None,
        requires: Callable[[Hook], bool],
        observers: Sequence[HookObserver],
        collect: Callable[[], None],
        replan: Callable[[frozenset[Hook]], Batches],
    ) -> None:
        """Prepare a run.

        Args:
            phase: The phase.
            batches: Its plan.
            budget: Seconds for all of it; ``None`` for no limit.
            requires: Whether a hook that did not end well fails the phase; asked only then.
            observers: Who is told.
            collect: Takes over hooks that were registered where nobody tells us, and sets
                `changed` if there are any; asked when there is nothing more to do.
            replan: Gives the batches anew when hooks were registered meanwhile,
                without those that have had their turn.
        """
        self.phase: Final = phase
        self.budget: Final = budget
        self._thread: Final = threading.get_ident()
        self._todo = deque(batches)
        self._requires: Final = requires
        self._observers: Final = tuple(observers)
        self._collect: Final = collect
        self._replan: Final = replan
        self._clock = Clock(None)
        self._alarm: Alarm | None = None
        self._alone: Hook | None = None  # what runs on this thread
        self._running: Running = {}  # what runs elsewhere
        self._results: list[HookResult] = []
        self.changed = False
        self.out_of_time = False
        self.interrupted: KeyboardInterrupt | None = None

    def run(self) -> PhaseReport:
        """Run every hook, whatever the others do, and report."""
        started, begin = time.time(), perf_counter_ns()
        watchdog = None
        if self._observers:
            self._tell("phase_started", self.phase, tuple(hook for batch in self._todo for hook in batch))
        if self.budget is not None:
            from snapstart_hooks._watchdog import Watchdog

            self._clock = Clock(begin + int(self.budget * 1e9))
            watchdog = Watchdog(self.budget * _WATCHDOG_SHARE, self._bark, workers)
        try:
            if self.budget is not None or any(hook.timeout is not None for batch in self._todo for hook in batch):
                self._run_limited()
            else:
                self._run_all()
        except KeyboardInterrupt as interrupt:  # somebody wants to end the process, not one hook
            self.interrupted = interrupt
            for hook in (*self._running, *((self._alone,) if self._alone else ())):
                self._end(hook, Ended(0, error=interrupt))
        finally:
            if watchdog is not None:
                watchdog.stop()
        for batch in self._todo:
            for hook in batch:
                self._results.append(HookResult(hook, Outcome.NOT_STARTED, 0, None, self._requires(hook)))
        return PhaseReport(self.phase, started, perf_counter_ns() - begin, tuple(self._results))

    def finished(self, report: PhaseReport) -> None:
        """Tell the observers that the phase is over."""
        if self._observers:
            self._tell("phase_finished", report)

    def _run_limited(self) -> None:
        from snapstart_hooks._alarm import Alarm

        if not Alarm.possible():
            self._run_all()
            return
        with Alarm(_in_hook) as self._alarm:
            if self.budget is not None:
                self._alarm.set(self.budget)
            self._run_all()

    def _run_all(self) -> None:
        # Without an alarm, only a worker can be relieved of a sync hook that has a limit.
        alarmed, limited = self._alarm is not None, self._clock.deadline_ns is not None
        while self._todo:
            if limited and self._clock.over():
                self.out_of_time = True
                return
            batch = self._todo.popleft()
            hook = batch[0]
            if len(batch) == 1 and (alarmed or hook.is_async or not (limited or hook.timeout)):
                self._run_alone(hook)
            else:
                self._run_batch(batch)
            if not self._todo:
                self._collect()
            if self.changed:
                self.changed = False
                self._todo = deque(self._replan(frozenset(result.hook for result in self._results)))

    def _run_alone(self, hook: Hook) -> None:
        """One hook on this thread: the path that is taken a thousand times, so kept short."""
        if self._observers:
            self._tell("hook_started", hook)
        alarm = self._alarm if hook.timeout is not None else None
        self._alone = hook
        start = perf_counter_ns()
        try:
            if alarm is not None:
                alarm.set(self._clock.limit(hook, start) or 0.0)
            value = invoke(hook)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - however a hook fails, it is reported
            duration = perf_counter_ns() - start
            ended = Ended(duration, error=error, overdue=self._clock.overdue(hook, start, duration))
        else:
            duration = perf_counter_ns() - start
            if value is None and alarm is None:
                self._alone = None
                self._add(HookResult(hook, Outcome.OK, duration))
                return
            ended = self._take(hook, value, start, duration)
        self._rearm()
        self._alone = None
        self._end(hook, ended)

    def _take(self, hook: Hook, value: object, start: int, duration: int) -> Ended:
        """What a hook returned after `duration`: await it, if it is awaitable."""
        if not is_awaitable(value):
            return Ended(duration, value, overdue=self._clock.overdue(hook, start, duration))
        limit = self._clock.limit(hook, start)
        if limit is not None and self._alarm is not None:
            # Cancellation ends it, but for a coroutine that blocks the loop.
            self._alarm.set(limit + 2 * GRACE)
        ended: dict[Hook, Ended] = {}
        await_all({hook: (start, value)}, self._clock, self._running, ended)
        error = ended[hook].error
        if isinstance(error, KeyboardInterrupt):
            raise error
        return ended[hook]

    def _run_batch(self, batch: tuple[Hook, ...]) -> None:
        """Several hooks at the same time, or one that only a worker can be relieved of."""
        for hook in batch if self._observers else ():
            self._tell("hook_started", hook)
        ended = run_together(batch, invoke, self._clock, self._running)
        for hook in batch:
            if hook in ended:
                self._end(hook, ended[hook])
        left = tuple(hook for hook in batch if hook not in ended)
        if left:  # only where the budget is used up: the caller sees that and stops
            self._todo.appendleft(left)

    def _rearm(self) -> None:
        """After an alarm of a hook's own: that of the budget, if there is one."""
        if self._alarm is not None:
            if self._clock.deadline_ns is None:
                self._alarm.clear()
            else:
                self._alarm.set((self._clock.deadline_ns - perf_counter_ns()) / 1e9)

    # What came of a hook.

    def _end(self, hook: Hook, ended: Ended) -> None:
        """Judge how a hook ended, and note it."""
        self._running.pop(hook, None)
        error = ended.error or _unusable(ended.value)
        outcome = Outcome.FAILED
        if ended.overdue:
            outcome = Outcome.TIMED_OUT
            self.out_of_time = self.out_of_time or self._clock.over()
            if error is None or is_interruption(error):
                error = self._timeout(hook, ended, error)
        if error is None:
            self._add(HookResult(hook, Outcome.OK, ended.duration_ns))
        else:
            self._add(HookResult(hook, outcome, ended.duration_ns, presentable(error, hook), self._requires(hook)))

    def _timeout(self, hook: Hook, ended: Ended, raised: BaseException | None) -> HookTimeout:
        own = hook.timeout is not None and ended.duration_ns >= hook.timeout * 1e9
        if not own:
            said = f"it still ran when the {self.phase.value} phase had used up its budget of {self.budget:g} s"
        else:
            said = f"it took longer than its timeout of {hook.timeout:g} s"
        if ended.abandoned:
            said += "; it could not be stopped and still runs"
        error = HookTimeout(said)
        if raised is not None:
            error.__traceback__ = raised.__traceback__  # where it was
        return error

    def _add(self, result: HookResult) -> None:
        self._results.append(result)
        if self._observers:
            self._tell("hook_finished", result)

    def _tell(self, event: str, *about: object) -> None:
        for observer in self._observers:
            try:
                getattr(observer, event)(*about)
            except Exception as error:  # noqa: BLE001 - an observer must not harm a phase
                logger.exception("%s of the observer %r raised %s", event, observer, error_text(error))

    def _bark(self) -> None:
        """On the watchdog's thread: say what is running, and where."""
        from snapstart_hooks._watchdog import stack_of

        running = self._running.copy()
        if self._alone is not None:
            running.setdefault(self._alone, self._thread)
        told = "\n".join(f"{hook}\n{stack_of(where)}".rstrip() for hook, where in running.items())
        share = f"{self.budget * _WATCHDOG_SHARE:g} s of its budget of {self.budget:g} s" if self.budget else ""
        logger.warning("%s has used %s; running now: %s", self.phase.value, share, told or "no hook")


def make_ready(after_restore: Batches, *, budget: float | None) -> None:
    """Do before the snapshot what the after_restore phase would otherwise have to do: imports and threads."""
    if not after_restore:
        return
    import asyncio  # any plain function may return an awaitable

    del asyncio
    overlapping = max(sum(not hook.is_async for hook in batch) if len(batch) > 1 else 0 for batch in after_restore)
    if any(hook.is_async for batch in after_restore for hook in batch) and not loop_running():
        persistent()
    if budget is not None or any(hook.timeout is not None for batch in after_restore for hook in batch):
        from snapstart_hooks import _alarm, _watchdog

        del _alarm, _watchdog
    workers.ensure(min(overlapping, LIMIT) + (budget is not None))


def verdict(run: PhaseRun, report: PhaseReport) -> HooksFailed | None:
    """The one error of a phase; ``None`` if every required hook ended well."""
    guilty = [result for result in report.failed if result.required]
    if not guilty:
        return None
    ran = [result for result in guilty if result.outcome is not Outcome.NOT_STARTED]
    skipped = [result.hook.name for result in guilty if result.outcome is Outcome.NOT_STARTED]
    phase, count = report.phase.value, len(report.results)
    parts = [f"{result.hook}: {error_text(result.error)}" for result in ran if result.error]
    errors = [result.error for result in ran if isinstance(result.error, Exception)]
    kind = HooksFailed
    message = f"{phase}: {len(ran)} of {count} hooks failed: {shortened(parts)}"
    if run.out_of_time:
        kind = RestoreBudgetExceeded if report.phase is Phase.AFTER_RESTORE else InitBudgetExceeded
        done = [result.hook.name for result in report.results if result.outcome is Outcome.OK]
        message = f"{phase} used up its budget of {run.budget:g} s. Not done: {shortened(parts) or 'none'}"
        message += f". Never started: {shortened(skipped) or 'none'}. Done: {shortened(done) or 'none'}"
    if skipped:
        errors.append(HookTimeout(f"never started: {shortened(skipped)}"))
    failed = kind(message, errors)
    failed.report = report
    return failed


def presentable(error: BaseException, hook: Hook) -> BaseException:
    """`error` as an ``Exception`` that tells which hook raised it; its traceback starts at the hook."""
    error.__traceback__ = _from_hook_on(error.__traceback__)
    if not isinstance(error, (Exception, KeyboardInterrupt)):
        wrapped = HookExited(f"it raised {error_text(error)}")
        wrapped.__cause__ = error
        wrapped.__traceback__ = error.__traceback__
        error = wrapped
    note = f"in the {hook.phase.value} hook {hook}"
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)
    return error


def is_interruption(error: BaseException) -> bool:
    """Whether `error` is only our own way to stop a hook, and says nothing of its own."""
    import asyncio

    from snapstart_hooks._alarm import HookInterrupted

    return isinstance(error, (HookInterrupted, asyncio.CancelledError)) or (
        isinstance(error, HookTimeout) and not error.args
    )


def _unusable(value: object) -> HookSignatureError | None:
    """A generator is the one return value that is no harmless surplus: nothing of its body has run."""
    if isinstance(value, (types.GeneratorType, types.AsyncGeneratorType)):
        return HookSignatureError(f"it returned the generator {value.__qualname__!r}, of which nothing has run")
    return None


def _from_hook_on(traceback: TracebackType | None) -> TracebackType | None:
    """Without the frames that called the hook: ours, and the event loop's."""
    at = traceback
    while at is not None and _is_machinery(at.tb_frame):
        at = at.tb_next
    return at or traceback


def _is_machinery(frame: FrameType) -> bool:
    module = str(frame.f_globals.get("__name__"))
    return module in _MACHINERY or module.startswith("asyncio.")


_MACHINERY: Final = frozenset(
    f"snapstart_hooks.{room}" for room in ("_alarm", "_engine", "_loop", "_registry", "_together", "_workers")
) | {"selectors"}


def _in_hook(frame: FrameType | None) -> bool:
    """Whether an alarm that finds the main thread in `frame` may raise there.

    Inside a hook, yes.  In what drives it, no: on the loop a hook is cancelled, and
    between two hooks there is nothing to stop.
    """
    top = frame
    while frame is not None:
        if frame.f_code is invoke.__code__:
            return True
        if frame.f_code is wait_for.__code__:
            return top is not None and not _is_machinery(top)
        frame = frame.f_back
    return False
