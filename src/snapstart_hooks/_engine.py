"""Runs a phase: one hook after the other, or all that overlap, all of them, and reports.

A hook that stands alone runs on the calling thread.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import time
import types
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final, TypeAlias

from ._foreign import attribute, coroutine, error_text, is_a, items, shortened, shown, tried
from ._hook import Phase
from ._limits import GRACE, NEVER, SHARE, HookInterrupted, Limits, stack_of, watch
from ._loop import is_awaitable, persistent
from ._loop import running as loop_running
from ._plan import Queue, batches, of_phase
from ._report import HookResult, Outcome, PhaseReport, tell
from ._together import LIMIT, Attempt, await_value, driven, run_on_worker, run_together, workers
from .errors import (
    BudgetExceeded,
    HookExited,
    HookOrderError,
    HooksFailed,
    HookSignatureError,
    HookTimeout,
    SnapstartHooksError,
)

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Sequence
    from types import FrameType, TracebackType

    from ._hook import Hook
    from ._report import HookObserver
    from ._state import State

__all__ = ("PhaseRun", "forget_threads", "make_ready")

_Progress: TypeAlias = "HookResult | Attempt | int | None"
"""What has become of a hook: its result, the attempt that runs elsewhere, when it started here, or nothing yet."""

_PATIENCE_NS: Final = int(2 * GRACE * 1e9)
"""Nanoseconds after which a hook is interrupted that should have been cancelled, but blocks the loop."""


def invoke(hook: Hook) -> object:
    """Call one hook.  The one frame that may be interrupted, because nothing else happens in it."""
    return hook.call()


class PhaseRun:
    """One run of one phase.

    What has become of each hook stands in one table, from which report, verdict and
    interruption are read: every hook that was planned is in it, once.

    Attributes:
        phase: Which one.
        budget: Seconds for all of it; ``None`` for no limit.
        interrupted: The ``KeyboardInterrupt`` that ended the run early, if one did.
        is_settled: Whether the objects were looked for when its last hook had run, so that they need not be again.
    """

    __slots__ = (
        "_faults",
        "_limits",
        "_looked_again",
        "_observers",
        "_only",
        "_queue",
        "_requires",
        "_seen",
        "_state",
        "_structure",
        "_table",
        "_thread",
        "_version",
        "budget",
        "interrupted",
        "is_settled",
        "phase",
    )

    def __init__(
        self,
        phase: Phase,
        state: State,
        *,
        budget: float | None,
        requires: Callable[[Hook], bool],
        observers: Sequence[HookObserver],
        only: Callable[[Hook], bool] | None = None,
        faults: Sequence[Exception] = (),
    ) -> None:
        """Prepare a run.

        Args:
            phase: The phase.
            state: Where its hooks are, also those that are registered while it runs.
            budget: Seconds for all of it; ``None`` for no limit.
            requires: Whether a hook that did not end well fails the phase; asked only then.
            observers: Who is told.
            only: Which hooks are run; all, if nothing is given.
            faults: What could not be prepared; it fails the phase, but keeps no hook from running.

        Raises:
            HookOrderError: The ``after`` of some hooks form a cycle.
        """
        self.phase: Final = phase
        self.budget: Final = budget
        self.interrupted: KeyboardInterrupt | None = None
        self._faults: Final[list[Exception]] = list(faults)
        self._state: Final = state
        self._requires: Final = requires
        self._observers: Final = observers
        self._only: Final = only
        self._thread: Final = threading.get_ident()
        self._limits: Limits | None = None
        self._looked_again = False
        self.is_settled = False
        # Noted before the order is made: what comes in between is found again, and known already.
        self._version: int = state.version
        self._structure: int = state.structure
        self._seen: int = len(state.hooks)
        ordered = state.order()
        planned = of_phase(phase, ordered)
        if only is not None:
            ordered = list(filter(only, ordered))
            planned = of_phase(phase, ordered)
        self._queue = Queue(phase, ordered)
        self._table: Final[dict[Hook, _Progress]] = dict.fromkeys(planned)

    def run(self) -> PhaseReport:
        """Run every hook, whatever the others do, and report."""
        started, begin = time.time(), perf_counter_ns()
        try:
            if self._observers:
                self._tell("phase_started", self.phase, tuple(self._table))
            if self.budget is None and not any(hook.timeout is not None for hook in self._table) and not watch.active:
                self._run_all()
            else:
                with Limits(begin, self.budget, bark=self._bark, interruptible=_in_hook) as self._limits:
                    self._run_limited()
        except KeyboardInterrupt as interrupt:  # somebody wants to end the process, not one hook
            self.interrupted = interrupt
            self._settle(interrupt)
        results = [
            progress if isinstance(progress, HookResult) else self._result(hook, Outcome.NOT_STARTED, 0)
            for hook, progress in self._table.items()
        ]
        return PhaseReport(self.phase, started, perf_counter_ns() - begin, tuple(results))

    def finished(self, report: PhaseReport) -> None:
        """Tell the observers that the phase is over."""
        if self._observers:
            self._tell("phase_finished", report)

    def verdict(self, report: PhaseReport) -> HooksFailed | None:
        """The one error of the phase; ``None`` if every required hook ended well, or it was interrupted."""
        guilty = [result for result in report.failed if result.required]
        if not (guilty or self._faults) or self.interrupted is not None:
            return None
        ran = [result for result in guilty if result.outcome is not Outcome.NOT_STARTED]
        skipped = [result.hook.name for result in guilty if result.outcome is Outcome.NOT_STARTED]
        parts = [f"{result.hook}: {error_text(result.error)}" for result in ran if result.error is not None]
        parts += map(error_text, self._faults)
        errors = [result.error for result in ran if is_a(result.error, Exception)] + self._faults
        if skipped:
            errors.append(HookTimeout(f"never started: {shortened(skipped)}"))
        if self._out_of_time(report):
            done = [result.hook.name for result in report.results if result.outcome is Outcome.OK]
            message = f"{self.phase.value} used up its {self._budget}. Not done: {shortened(parts) or 'none'}"
            message += f". Never started: {shortened(skipped) or 'none'}. Done: {shortened(done) or 'none'}"
            failed: HooksFailed = BudgetExceeded(message, errors)
        else:
            count = len(report.results)
            message = f"{self.phase.value}: {len(ran)} of {count} hooks failed: {shortened(parts)}"
            failed = HooksFailed(message, errors)
        failed.report = report
        return failed

    @property
    def _budget(self) -> str:
        return (
            "time, which was that of the hook that runs it" if self.budget is None else f"budget of {self.budget:g} s"
        )

    def _out_of_time(self, report: PhaseReport) -> bool:
        """Whether the budget was used up before every hook had ended."""
        if self._limits is None or not self._limits.over():
            return False
        return any(result.outcome in {Outcome.NOT_STARTED, Outcome.TIMED_OUT} for result in report.failed)

    # One after the other.

    def _run_limited(self) -> None:
        while True:
            try:
                self._run_all()
            except HookInterrupted:  # too late for the hook that it was meant for
                self._settle(None)
            else:
                return

    def _run_all(self) -> None:
        limits = self._limits
        # A sync hook that cannot be interrupted here runs on a worker, which can be left behind.
        elsewhere = limits is not None and not limits.interrupts
        overlap = not loop_running()  # where no other loop can run, nothing does
        while True:
            while self._queue:
                if limits is not None and limits.over():
                    return
                batch = self._queue.take(overlap=overlap)
                if len(batch) == 1:
                    self._run_alone(batch[0], elsewhere=elsewhere and not batch[0].is_async)
                else:
                    self._run_batch(batch)
                if self.interrupted is not None:
                    return
                if self._state.version != self._version:
                    self._look()
            if not self._collect():
                return

    def _run_alone(self, hook: Hook, *, elsewhere: bool) -> None:
        """One hook on this thread: the path that is taken a thousand times, so kept short."""
        if self._observers:
            self._tell("hook_started", hook)
        limits = self._limits
        start = perf_counter_ns()
        limit = NEVER if limits is None else limits.limit(hook, start)
        belongs = None if hook.instance is None else hook.instance.belongs()
        if elsewhere and limit != NEVER:
            attempt = self._table[hook] = Attempt(hook, start, limit)
            run_on_worker(attempt, invoke)
        else:
            self._table[hook] = start
            timed = limits is not None and hook.timeout is not None
            if timed and limits is not None:
                limits.expect(limit)
            value: object = None
            error: BaseException | None = None
            try:
                value = invoke(hook)
            except BaseException as raised:  # noqa: BLE001 - however a hook fails, it is reported
                error = raised
            ended = perf_counter_ns()
            if value is None and error is None and ended <= limit:
                self._note(hook, HookResult(hook, Outcome.OK, ended - start))
                if timed and limits is not None:
                    limits.expect(limits.deadline_ns)
                return
            attempt = self._table[hook] = Attempt(hook, start, limit)
            attempt.value, attempt.error, attempt.ended_ns = value, error, ended
        if attempt.error is None and not attempt.abandoned and is_awaitable(attempt.value):
            attempt.ended_ns = 0
            if limits is not None:
                limits.expect(limit + _PATIENCE_NS)
            self._await(attempt, belongs)
        if limits is not None:
            limits.expect(limits.deadline_ns)
        self._end(attempt)

    def _await(self, attempt: Attempt, belongs: object) -> None:
        """Await what a hook returned, on the loop where that belongs."""
        loop = self._loop_of(attempt, belongs)
        if attempt.error is None:
            await_value(attempt, loop)
        elif (left := coroutine(attempt.value)) is not None:
            left.close()  # nobody will await it
        attempt.ended_ns = attempt.ended_ns or perf_counter_ns()

    def _loop_of(self, attempt: Attempt, belongs: object) -> AbstractEventLoop | None:
        """Where its coroutine has to run; ``None`` for anywhere, or if that cannot be, which is its error."""
        if attempt.hook.instance is None:
            return None
        loop, attempt.error = tried(functools.partial(attempt.hook.instance.on, belongs))
        return loop

    def _by_loop(self, batch: Sequence[Hook]) -> list[tuple[AbstractEventLoop | None, list[Hook]]]:
        """Those that can overlap, because their coroutines run on the same loop."""
        groups: dict[int, tuple[AbstractEventLoop | None, list[Hook]]] = {}
        for hook in batch:
            belongs = None if hook.instance is None else hook.instance.belongs()
            if belongs is not None and not hook.is_async:  # a worker awaits nothing, and it may return a coroutine
                self._run_alone(hook, elsewhere=self._limits is not None and not self._limits.interrupts)
                continue
            now = perf_counter_ns()
            attempt = Attempt(hook, now, NEVER)
            loop = self._loop_of(attempt, belongs)
            if attempt.error is None:
                groups.setdefault(id(loop), (loop, []))[1].append(hook)
            else:
                attempt.ended_ns = now
                self._end(attempt)
        return list(groups.values())

    def _run_batch(self, batch: Sequence[Hook]) -> None:
        for loop, hooks in self._by_loop(batch):
            self._run_together(hooks, loop)

    def _run_together(self, batch: Sequence[Hook], loop: AbstractEventLoop | None) -> None:
        """Several hooks at the same time."""
        limits, attempts = self._limits, list[Attempt]()

        def start(hook: Hook) -> Attempt | None:
            begin = perf_counter_ns()
            if limits is not None and begin >= limits.deadline_ns:
                return None
            if self._observers:
                self._tell("hook_started", hook)
            attempt = self._table[hook] = Attempt(hook, begin, NEVER if limits is None else limits.limit(hook, begin))
            attempts.append(attempt)
            if limits is not None:
                running = [each.limit_ns for each in attempts if not each.ended_ns]
                limits.expect(min(running) + _PATIENCE_NS)
            return attempt

        try:
            run_together(batch, invoke, start, loop)
        finally:
            if limits is not None:
                limits.expect(limits.deadline_ns)
        for hook in batch:
            progress = self._table[hook]
            if isinstance(progress, Attempt):
                self._end(progress)

    # What changed meanwhile.

    def _collect(self) -> bool:
        """Whether there is something more to do: hooks that were registered elsewhere."""
        try:
            self._state.collect()
        except SnapstartHooksError as error:  # what lies there cannot be a hook
            self._faults.append(error)
            return False
        if self.phase is Phase.BEFORE_SNAPSHOT and self._only is None:
            self._faults.extend(self._state.awaken())  # the hooks may have imported something
            if not self._looked_again:  # or made pools and clients; once, for `instances` may make some, too
                self._looked_again = True
                told = {str(fault) for fault in self._faults}
                self._faults.extend(fault for fault in self._state.refresh() if str(fault) not in told)
                self.is_settled = self._state.version == self._version
        if self._state.version == self._version:
            return False
        self._look()
        return bool(self._queue)

    def _look(self) -> None:
        """Take in what hooks were registered, and forget those that were removed."""
        state, table = self._state, self._table
        self._version = state.version
        structure, seen = state.structure, len(state.hooks)
        appended = structure == self._structure
        if appended:
            found = state.hooks[self._seen : seen]
        else:
            present = dict.fromkeys(state.all_hooks())
            for hook in [hook for hook, progress in table.items() if progress is None and hook not in present]:
                del table[hook]
            found = list(present)
        self._structure, self._seen = structure, seen
        new = [hook for hook in found if hook not in table and (self._only is None or self._only(hook))]
        ours = [hook for hook in new if hook.phase is self.phase]
        table.update(dict.fromkeys(ours))
        try:
            if appended:
                self._queue.add(new)
            else:
                self._queue = Queue(self.phase, [hook for hook in state.order() if self._waits(hook)])
        except HookOrderError as error:  # the others keep their order
            self._queue = Queue(self.phase, [hook for hook in self._queue.left if self._waits(hook)])
            for hook in ours:
                self._note(hook, self._result(hook, Outcome.FAILED, 0, error))

    def _waits(self, hook: Hook) -> bool:
        """Whether it has not had its turn; those of the other phase stay where they are."""
        return hook.phase is not self.phase or self._table.get(hook, 0) is None

    # What came of a hook.

    def _end(self, attempt: Attempt) -> None:
        """Judge how a hook ended, and note it."""
        hook, error = attempt.hook, attempt.error
        if error is None:
            error = _unusable(attempt.value)
        outcome = Outcome.FAILED
        if attempt.late:
            outcome = Outcome.TIMED_OUT
            if error is None or _is_interruption(error):
                error = self._timeout(attempt, error)
        if is_a(error, KeyboardInterrupt):
            self.interrupted = self.interrupted or error
        duration = attempt.ended_ns - attempt.start_ns
        if error is None:
            self._note(hook, HookResult(hook, Outcome.OK, duration))
        else:
            self._note(hook, self._result(hook, outcome, duration, presentable(error, hook)))

    def _settle(self, interrupt: KeyboardInterrupt | None) -> None:
        """Whatever runs has ended with this interruption; or, without one, because its time was over."""
        for hook, progress in tuple(self._table.items()):
            if progress is None or isinstance(progress, HookResult):
                continue
            attempt = progress if isinstance(progress, Attempt) else Attempt(hook, progress, NEVER)
            if not attempt.ended_ns:
                attempt.ended_ns = perf_counter_ns()
                attempt.error = interrupt
                attempt.overdue = interrupt is None
            self._end(attempt)

    def _timeout(self, attempt: Attempt, raised: BaseException | None) -> HookTimeout:
        timeout = attempt.hook.timeout
        if timeout is not None and (self._limits is None or attempt.limit_ns != self._limits.deadline_ns):
            said = f"it took longer than its timeout of {timeout:g} s"
        else:
            said = f"it still ran when the {self.phase.value} phase had used up its {self._budget}"
        if attempt.abandoned:
            said += "; it could not be stopped and still runs"
        error = HookTimeout(said)
        if raised is not None:
            error.__traceback__ = _traceback_of(raised)  # where it was
        return error

    def _result(self, hook: Hook, outcome: Outcome, duration_ns: int, error: BaseException | None = None) -> HookResult:
        return HookResult(hook, outcome, duration_ns, error, self._requires(hook))

    def _note(self, hook: Hook, result: HookResult) -> None:
        self._table[hook] = result
        if self._observers:
            self._tell("hook_finished", result)

    def _tell(self, event: str, *about: object) -> None:
        for observer in self._observers:
            _, error = tried(functools.partial(_told, observer, event, about))
            if error is not None:
                message = f"{event} of the observer {shown(observer)} raised {error_text(error)}"
                tell(logging.ERROR, message, error=error)

    def _bark(self) -> None:
        """On a thread of its own: say what is running, and where."""
        told: list[str] = []
        for hook, progress in tuple(self._table.items()):
            if (
                progress is None
                or isinstance(progress, HookResult)
                or (isinstance(progress, Attempt) and progress.ended_ns)
            ):
                continue
            where = progress.where if isinstance(progress, Attempt) else None
            told.append(f"{hook}\n{stack_of(where or self._thread, below=invoke.__code__)}".rstrip())
        running = "\n".join(told) or "no hook"
        share = f"{(self.budget or 0) * SHARE:g} s of its {self._budget}"
        tell(logging.WARNING, f"{self.phase.value} has used {share}; running now: {running}")


def _told(observer: HookObserver, event: str, about: tuple[object, ...]) -> None:
    getattr(observer, event)(*about)


def make_ready(hooks: Sequence[Hook], *, budget: float | None) -> None:
    """Do before the snapshot what the after_restore phase would otherwise have to do: imports and threads.

    Args:
        hooks: Those of after_restore, in their order.
        budget: Seconds for that phase; ``None`` for no limit.
    """
    if not hooks:
        return
    import asyncio  # any plain function may return an awaitable

    del asyncio
    overlapping = max(sum(not hook.is_async for hook in batch) if len(batch) > 1 else 0 for batch in batches(hooks))
    if (overlapping or any(hook.is_async for hook in hooks)) and not loop_running():
        persistent()
    if budget is not None or any(hook.timeout is not None for hook in hooks):
        watch.expect()
    workers.ensure(min(overlapping, LIMIT))


def forget_threads() -> None:
    """The threads that stand ready do not exist in this process: in a clone that is no real restore."""
    workers.reset()
    watch.reset()


def presentable(error: BaseException, hook: Hook) -> BaseException:
    """`error` as an ``Exception`` that tells which hook raised it; its traceback starts at the hook."""
    BaseException.with_traceback(error, _from_hook_on(_traceback_of(error)))
    if not is_a(error, Exception) and not is_a(error, KeyboardInterrupt):
        wrapped = HookExited(f"it raised {error_text(error)}")
        wrapped.__cause__ = error
        wrapped.__traceback__ = _traceback_of(error)
        error = wrapped
    note = f"in the {hook.phase.value} hook {hook}"
    notes = items(attribute(error, "__notes__"), list) or []
    if not any(type(each) is str and each == note for each in notes):
        with contextlib.suppress(BaseException):  # some classes refuse all attributes
            BaseException.add_note(error, note)
    return error


def _traceback_of(error: BaseException) -> TracebackType | None:
    """What a class of exceptions makes of this attribute does not count."""
    found: TracebackType | None = BaseException.__dict__["__traceback__"].__get__(error)
    return found


def _is_interruption(error: BaseException) -> bool:
    """Whether `error` is only our own way to stop a hook, and says nothing of its own."""
    import asyncio

    return (
        is_a(error, HookInterrupted)
        or is_a(error, asyncio.CancelledError)
        or (type(error) is HookTimeout and not error.args)
    )


def _unusable(value: object) -> HookSignatureError | None:
    """A generator is the one return value that is no harmless surplus: nothing of its body has run."""
    if issubclass(type(value), (types.GeneratorType, types.AsyncGeneratorType)):
        return HookSignatureError(f"it returned the generator {shown(value)}, of which nothing has run")
    return None


def _from_hook_on(traceback: TracebackType | None) -> TracebackType | None:
    """Without the frames that called the hook: ours, and the event loop's."""
    at = traceback
    while at is not None and (_room(at.tb_frame) in _OURS or _is_of_loop(at.tb_frame)):
        at = at.tb_next
    return at or traceback


def _room(frame: FrameType) -> str:
    name = frame.f_globals.get("__name__")
    return str.__str__(name) if is_a(name, str) else ""


def _is_of_loop(frame: FrameType) -> bool:
    module = _room(frame)
    return module == "selectors" or module.startswith("asyncio.")


_OURS: Final = frozenset(
    f"{__package__}.{room}" for room in ("_engine", "_limits", "_loop", "_phases", "_registry", "_state", "_together")
)


def _in_hook(top: FrameType) -> bool:
    """Whether the main thread, found with `top` as its innermost frame, may be interrupted there.

    Inside a hook, yes.  In what drives it, no: on the loop a hook is cancelled, unless it
    has blocked the loop for long, and between two hooks there is nothing to stop.
    """
    frame: FrameType | None = top
    while frame is not None:
        if frame.f_code is invoke.__code__:
            return True
        attempt = driven(frame)
        if attempt is not None and frame is not top:
            return not _is_of_loop(top) and perf_counter_ns() >= attempt.limit_ns + _PATIENCE_NS
        if _room(frame) in _OURS:
            return False
        frame = frame.f_back
    return False
