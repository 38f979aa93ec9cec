"""Runs a phase: one hook after the other, or all that overlap, all of them, and reports.

A hook that stands alone runs on the calling thread.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import types
from time import perf_counter_ns, time
from typing import TYPE_CHECKING, Final

from ._foreign import attribute, coroutine, error_text, is_a, items, shortened, shown, tried
from ._hook import Phase
from ._limits import GRACE, NEVER, SHARE, HookInterrupted, Limits, stack_of, watch
from ._loop import is_awaitable, is_cancellation, persistent
from ._loop import running as loop_running
from ._plan import Queue, batches, of_phase
from ._report import Outcome, PhaseReport, is_told, tell
from ._together import (
    LIMIT,
    Attempt,
    await_value,
    driven,
    exited,
    invoke,
    run_on_worker,
    run_together,
    traceback_of,
    workers,
)
from .errors import (
    BudgetExceeded,
    HookOrderError,
    HooksFailed,
    HookSignatureError,
    HookTimeout,
    PhaseError,
    SnapstartHooksError,
)

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Sequence
    from types import CoroutineType, FrameType, TracebackType

    from ._hook import Hook
    from ._report import HookObserver
    from ._settings import Settings
    from ._state import State

_PATIENCE_NS: Final = int(2 * GRACE * 1e9)
"""Nanoseconds after which a hook is interrupted that should have been cancelled, but blocks the loop."""


class PhaseRun:
    """One run of one phase: a table of attempts, from which report, verdict and interruption are read."""

    def __init__(
        self,
        phase: Phase,
        state: State,
        settings: Settings,
        *,
        only: Callable[[Hook], bool] | None = None,
        faults: Sequence[Exception] = (),
    ) -> None:
        """Prepare a run on this thread of all hooks of `state`, or those that `only` admits; `faults` fail it.

        Raises:
            HookOrderError: The ``after`` of some hooks form a cycle.
        """
        self.phase: Final = phase
        self.faults: Final = list(faults)  # what fails the phase beside its hooks
        self.interrupted: KeyboardInterrupt | None = None  # what ended the run early
        # Whether nobody has to hear of it, if it ends well and fast.
        self.discreet = phase is Phase.AFTER_RESTORE and not is_told(logging.DEBUG)
        self._state: Final = state
        self._settings: Final = settings
        self._only: Final = only
        self._begun = False
        self._observers: tuple[HookObserver, ...] = ()
        self._looked_again = False
        self.is_settled = False  # whether the live objects were looked for after the last hook
        # Noted before the order is made: what comes in between is found again, and known already.
        self._version: int = state.version
        self._structure: int = state.structure
        self._seen: int = len(state.hooks)
        ordered = [hook for hook in state.order() if only is None or only(hook)]
        self._queue = Queue(phase, ordered)
        self._table: Final = {hook: self._attempt(hook) for hook in of_phase(phase, ordered)}
        limited = self._budget is not None or any(hook.timeout is not None for hook in self._table)
        self._limits: Final = Limits(self._budget, limited=limited, bark=self._bark, interruptible=_in_hook)

    def make_ready(self) -> None:
        """Do before the snapshot what would otherwise have to be done after the restore: imports and threads."""
        if not self._table:
            return
        import asyncio  # any plain function may return an awaitable

        del asyncio
        cut = batches(tuple(self._table))
        overlapping = max(sum(not hook.is_async for hook in batch) if len(batch) > 1 else 0 for batch in cut)
        if (overlapping or any(hook.is_async for hook in self._table)) and not loop_running():
            persistent()
        workers.ensure(min(overlapping, LIMIT))
        self._limits.make_ready()

    def is_current(self) -> bool:
        """Whether it was prepared for this thread, has not run, and nothing has changed since."""
        fresh = self._limits.thread == threading.get_ident() and not self._begun
        return fresh and self._state.version == self._version

    def run(self, *, restore: bool = False) -> PhaseReport:
        """Run every hook, whatever the others do, and report; a `restore` counts as one.

        Raises:
            PhaseError: A phase of this registry is running.
        """
        state, started, begin = self._state, time(), perf_counter_ns()
        try:
            with state.lock:
                if state.running is not None:
                    msg = (
                        f"{self.phase.value} cannot start: {state.running.phase.value} of this registry is running. "
                        "A hook must not start a phase, nor may another thread."
                    )
                    raise PhaseError(msg)
                state.running = self
            self._begun = True
            if restore:
                state.restored_at = started
                state.generation += 1
            self._observers = (*state.observers.values(), *state.switched_on)
            if self._observers:
                self._tell("phase_started", self.phase, tuple(self._table))
            # Before the snapshot a phase without hooks may still find some in the end.
            if self._table or self._observers or self.phase is Phase.BEFORE_SNAPSHOT:
                self._limits.open(begin)
                self._run_all()
        except KeyboardInterrupt as interrupt:  # somebody wants to end the process, not one hook
            self.interrupted = interrupt
            self._settle(interrupt)
        finally:
            if state.running is self:
                state.running = None
            self._limits.close()
        report = PhaseReport(self.phase, started, perf_counter_ns() - begin, self._table.values())
        state.last_report = report
        if self._observers:
            self._tell("phase_finished", report)
        return report

    def verdict(self, report: PhaseReport) -> HooksFailed | None:
        """The one error of the phase; ``None`` if every required hook ended well, or it was interrupted."""
        guilty = [result for result in report.failed if result.required]
        if not (guilty or self.faults) or self.interrupted is not None:
            return None
        ran = [result for result in guilty if result.error is not None]
        skipped = [result.hook.name for result in guilty if result.outcome is Outcome.NOT_STARTED]
        parts = [f"{result.hook}: {error_text(result.error)}" for result in ran if result.error is not None]
        parts += map(error_text, self.faults)
        errors = [result.error for result in ran if is_a(result.error, Exception)] + self.faults
        if skipped:
            errors.append(HookTimeout(f"never started: {shortened(skipped)}"))
        failed = HooksFailed(
            f"{self.phase.value}: {len(ran)} of {len(report.results)} hooks failed: {shortened(parts)}", errors
        )
        out_of_time = {Outcome.NOT_STARTED, Outcome.TIMED_OUT}
        if self._limits.over() and any(result.outcome in out_of_time for result in report.failed):
            done = [result.hook.name for result in report.results if result.outcome is Outcome.OK]
            message = f"{self.phase.value} used up its {self._time}. Not done: {shortened(parts) or 'none'}"
            message += f". Never started: {shortened(skipped) or 'none'}. Done: {shortened(done) or 'none'}"
            failed = BudgetExceeded(message, errors)
        failed.report = report
        return failed

    @property
    def _budget(self) -> float | None:
        """Seconds for all of it; ``None`` for no limit."""
        return self._settings.budget if self.phase is Phase.AFTER_RESTORE else self._settings.init_budget

    @property
    def _time(self) -> str:
        return (
            "time, which was that of the hook that runs it" if self._budget is None else f"budget of {self._budget:g} s"
        )

    def _attempt(self, hook: Hook) -> Attempt:
        return Attempt(hook, required=self._settings.requires(hook.required, hook.names))

    # One after the other.

    def _run_all(self) -> None:
        """Run batch after batch, until nothing is left or the time is over.

        What goes wrong beside the hooks, as where no thread can be started, fails those that run, and no other.
        """
        while self.interrupted is None:
            batch: Sequence[Hook] = ()
            try:
                batch = self._queue.take(alone=loop_running)  # where no other loop can run, nothing overlaps
                now = perf_counter_ns()
                if now >= self._limits.deadline_ns or not (batch or self._collect()):
                    return
                if len(batch) == 1:
                    self._run_alone(batch[0], now)
                else:
                    self._run_batch(batch)
                if self._state.version != self._version:
                    self._look()
            except KeyboardInterrupt:
                raise
            except HookInterrupted as late:  # too late for the hook that it was meant for
                self._settle(late)
            except BaseException as error:  # noqa: BLE001 - whatever it is, the others have their turn
                self._settle(error)
                if not batch:  # it would go wrong again
                    return

    def _run_alone(self, hook: Hook, now: int) -> None:
        """One hook on this thread: the path that is taken a thousand times, so kept short."""
        limits, attempt = self._limits, self._table[hook]
        if self._observers:
            self._tell("hook_started", hook)
        where = _where(hook)
        attempt.start_ns = now
        attempt.limit_ns = limit = limits.deadline_ns if hook.timeout is None else limits.limit(hook, now)
        if limit != NEVER and not limits.interrupts and not hook.is_async:
            run_on_worker(attempt)  # which can be left behind
        else:
            if hook.timeout is not None:
                limits.expect(limit)
            try:
                attempt.value = invoke(hook)
            except BaseException as raised:  # noqa: BLE001 - however a hook fails, it is reported
                attempt.raised = raised
            attempt.ended_ns = perf_counter_ns()
        if attempt.value is not None:
            self._await(attempt, *where)
        if limits.end_ns != limits.deadline_ns:
            limits.expect(limits.deadline_ns)
        if attempt.raised is None and attempt.value is None and attempt.ended_ns <= limit and not self._observers:
            attempt.judge(Outcome.OK)
        else:
            self._end(attempt)

    def _await(self, attempt: Attempt, loop: AbstractEventLoop | None, error: BaseException | None) -> None:
        """Await what a hook returned, if it can be awaited, unless an error says that there is no loop for it."""
        if attempt.raised is not None or attempt.abandoned or not is_awaitable(attempt.value):
            return
        self._limits.expect(attempt.limit_ns + _PATIENCE_NS)
        attempt.ended_ns = 0
        attempt.raised = error
        if error is None:
            await_value(attempt, loop)
        attempt.ended_ns = attempt.ended_ns or perf_counter_ns()

    def _run_batch(self, batch: Sequence[Hook]) -> None:
        """Several hooks: those at the same time whose coroutines run on the same loop."""
        groups: dict[int, tuple[AbstractEventLoop | None, list[Attempt]]] = {}
        for hook in batch:
            attempt = self._table[hook]
            loop, attempt.raised = _where(hook)
            if not (hook.is_async or (loop is None and attempt.raised is None)):  # workers await nothing
                attempt.raised = None
                self._run_alone(hook, perf_counter_ns())
            elif attempt.raised is None:
                groups.setdefault(id(loop), (loop, []))[1].append(attempt)
            else:
                attempt.start_ns = attempt.ended_ns = perf_counter_ns()
                self._end(attempt)
        for loop, attempts in groups.values():
            _, error = tried(functools.partial(run_together, attempts, self._start, loop))
            if error is not None:
                for attempt in attempts:
                    attempt.start_ns = attempt.start_ns or perf_counter_ns()
                self._settle(error)
            self._limits.expect(self._limits.deadline_ns)
            for attempt in attempts:
                if attempt.running:
                    self._end(attempt)

    def _start(self, attempt: Attempt) -> bool:
        """Note that one of several starts now; tell whether it still may."""
        limits = self._limits
        if limits.over():
            return False
        if self._observers:
            self._tell("hook_started", attempt.hook)
        attempt.start_ns = perf_counter_ns()
        attempt.limit_ns = limits.limit(attempt.hook, attempt.start_ns)
        limits.expect(min(limits.end_ns, attempt.limit_ns + _PATIENCE_NS))
        return True

    # What changed meanwhile.

    def _collect(self) -> bool:
        """Whether there is something more to do: hooks that were registered elsewhere."""
        try:
            self._state.collect()
        except SnapstartHooksError as error:  # what lies there cannot be a hook
            self.faults.append(error)
            return False
        if self.phase is Phase.BEFORE_SNAPSHOT and self._only is None:
            self.faults.extend(self._state.awaken())  # the hooks may have imported something
            if not self._looked_again:  # or made pools and clients; once, for `instances` may make some, too
                self._looked_again = True
                known = {str(fault) for fault in self.faults}
                self.faults.extend(fault for fault in self._state.refresh() if str(fault) not in known)
                self.is_settled = self._state.version == self._version
        return self._state.version != self._version

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
            for hook in [hook for hook, attempt in table.items() if not attempt.start_ns and hook not in present]:
                del table[hook]
            found = list(present)
        self._structure, self._seen = structure, seen
        new = [hook for hook in found if hook not in table and (self._only is None or self._only(hook))]
        ours = [hook for hook in new if hook.phase is self.phase]
        table.update((hook, self._attempt(hook)) for hook in ours)
        try:
            if appended:
                self._queue.add(new)
            else:
                self._queue = Queue(self.phase, [hook for hook in state.order() if self._waits(hook)])
        except HookOrderError as error:  # the others keep their order
            for hook in ours:
                attempt = table[hook]
                attempt.raised, attempt.start_ns = error, perf_counter_ns()
                attempt.ended_ns = attempt.start_ns
                self._end(attempt)
            self._queue = Queue(self.phase, [hook for hook in self._queue.left if self._waits(hook)])

    def _waits(self, hook: Hook) -> bool:
        """Whether it has not had its turn; those of the other phase stay where they are."""
        return hook.phase is not self.phase or (hook in self._table and not self._table[hook].start_ns)

    # What came of a hook.

    def _end(self, attempt: Attempt) -> None:
        """Judge how a hook ended."""
        error = _unusable(attempt.value) if attempt.raised is None else attempt.raised
        late = attempt.overdue or attempt.ended_ns > attempt.limit_ns
        if late and (error is None or _is_interruption(error)):
            error = self._timeout(attempt, error)
        if error is None:
            attempt.judge(Outcome.OK)
        else:
            attempt.judge(Outcome.TIMED_OUT if late else Outcome.FAILED, presentable(error, attempt.hook))
            if left := _unstarted(attempt.value):
                left.close()  # nobody will await it
            if is_a(error, KeyboardInterrupt):
                self.interrupted = self.interrupted or error
        attempt.value = attempt.context = None  # the report is kept; what a hook has made is not its affair
        if self._observers:
            self._tell("hook_finished", attempt)

    def _settle(self, error: BaseException) -> None:
        """Whatever runs has ended with this error, which none of the hooks has raised."""
        self._limits.expect(self._limits.deadline_ns)
        interrupt, in_time = is_a(error, KeyboardInterrupt), not is_a(error, HookInterrupted)
        running = [attempt for attempt in self._table.values() if attempt.running]
        for attempt in running:
            cancelled = interrupt and attempt.raised is not None and _is_interruption(attempt.raised)
            if cancelled or not attempt.ended_ns:
                attempt.ended_ns = perf_counter_ns()
                attempt.raised, attempt.overdue = error, not in_time
            self._end(attempt)
        if in_time and not running:
            self.faults.append(error if is_a(error, Exception) else exited(error))

    def _timeout(self, attempt: Attempt, raised: BaseException | None) -> HookTimeout:
        if attempt.hook.timeout is not None and attempt.limit_ns != self._limits.deadline_ns:
            said = f"it took longer than its timeout of {attempt.hook.timeout:g} s"
        else:
            said = f"it still ran when the {self.phase.value} phase had used up its {self._time}"
        if attempt.abandoned:
            said += "; it could not be stopped and still runs"
        error = HookTimeout(said)
        if raised is not None:
            error.__traceback__ = traceback_of(raised)  # where it was
        return error

    def _tell(self, event: str, *about: object) -> None:
        for observer in self._observers:

            def hear(observer: HookObserver = observer) -> None:
                getattr(observer, event)(*about)

            _, error = tried(hear)
            if error is not None:
                message = f"{event} of the observer {shown(observer)} raised {error_text(error)}"
                tell(logging.ERROR, message, error=error)

    def _bark(self) -> None:
        """On a thread of its own: say what is running, and where."""
        stacks: list[str] = []
        for attempt in tuple(self._table.values()):
            if attempt.running and not attempt.ended_ns:
                stack = stack_of(attempt.where or self._limits.thread, below=invoke.__code__)
                stacks.append(f"{attempt.hook}\n{stack}".rstrip())
        running = "\n".join(stacks) or "no hook"
        share = f"{(self._budget or 0) * SHARE:g} s of its {self._time}"
        tell(logging.WARNING, f"{self.phase.value} has used {share}; running now: {running}")


def _where(hook: Hook) -> tuple[AbstractEventLoop | None, BaseException | None]:
    """The loop on which its coroutine has to run, ``None`` for any; or why there is none."""
    return (None, None) if hook.instance is None else hook.instance.where()


def forget_threads() -> None:
    """The threads that stand ready do not exist in this process: in a clone that is no real restore."""
    workers.reset()
    watch.reset()


def presentable(error: BaseException, hook: Hook) -> BaseException:
    """`error` as an ``Exception`` that tells which hook raised it; its traceback starts at the hook."""
    BaseException.with_traceback(error, _from_hook_on(traceback_of(error)))
    if not is_a(error, Exception) and not is_a(error, KeyboardInterrupt):
        error = exited(error)
    note = f"in the {hook.phase.value} hook {hook}"
    notes = items(attribute(error, "__notes__"), list) or []
    if not any(type(each) is str and each == note for each in notes):
        with contextlib.suppress(BaseException):  # some classes refuse all attributes
            BaseException.add_note(error, note)
    return error


def _is_interruption(error: BaseException) -> bool:
    """Whether `error` is only our own way to stop a hook, and says nothing of its own."""
    ours = is_a(error, HookInterrupted) or (type(error) is HookTimeout and not error.args)
    return ours or is_cancellation(error)


def _unusable(value: object) -> HookSignatureError | None:
    """A result of which nothing has run is no harmless surplus: a generator, or a coroutine that nobody awaits."""
    if _unstarted(value) or issubclass(type(value), (types.GeneratorType, types.AsyncGeneratorType)):
        return HookSignatureError(f"it returned {shown(value)}, of which nothing has run")
    return None


def _unstarted(value: object) -> CoroutineType[object, object, object] | None:
    """`value`, if it is a coroutine that nobody has awaited."""
    found = coroutine(value)
    began = found is None or found.cr_frame is None or found.cr_running or found.cr_suspended
    return None if began else found


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
        called = frame.f_code is invoke.__code__
        attempt = driven(frame.f_back if called and frame.f_back is not None else frame)
        if attempt is not None and frame is not top:
            return not _is_of_loop(top) and perf_counter_ns() >= attempt.limit_ns + _PATIENCE_NS
        if called or _room(frame) in _OURS:
            return called
        frame = frame.f_back
    return False
