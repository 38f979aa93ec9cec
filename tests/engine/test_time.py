"""Time: a hook's own limit, the phase's budget, and the watchdog."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import faulthandler
import logging
import signal
import sys
import threading
import time
import traceback
from types import SimpleNamespace
from typing import TYPE_CHECKING, NoReturn

import pytest
from typing_extensions import override

from snapstart_hooks import HookObserver, HookResult, Outcome, PhaseReport, Registry
from snapstart_hooks._engine import _in_hook, forget_threads
from snapstart_hooks._limits import NEVER, SIGNAL, HookInterrupted, watch
from snapstart_hooks._loop import persistent
from snapstart_hooks._registry import state_of
from snapstart_hooks._settings import Settings
from snapstart_hooks._together import await_value
from snapstart_hooks.errors import BudgetExceeded, HookOptionError, HooksFailed, HookTimeout, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from snapstart_hooks._together import Attempt

SHORT = 0.05
LONG = 120.0  # nobody waits for it: a test that does fails by its duration


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < LONG / 2


def sleep_long() -> None:
    time.sleep(LONG)


def swallow() -> None:
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        with contextlib.suppress(Exception):
            time.sleep(LONG)


def give_up_quietly() -> None:
    try:
        time.sleep(LONG)
    except TimeoutError:
        return


async def sleep_async() -> None:
    await asyncio.sleep(LONG)


async def block_loop() -> None:
    time.sleep(LONG)  # noqa: ASYNC251 - the point of it


async def ignore_cancellation() -> None:
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.1)


def report_of(registry: Registry) -> PhaseReport:
    with pytest.raises(HooksFailed) as caught:
        registry.run_after_restore()
    return caught.value.report


@pytest.mark.parametrize("hook", [sleep_long, swallow, give_up_quietly, sleep_async, block_loop, ignore_cancellation])
def test_a_hook_is_stopped_when_its_time_is_over_and_the_next_runs(hook: object) -> None:
    registry, ran = Registry(), list[str]()
    assert callable(hook)
    registry.after_restore(timeout=SHORT, name="slow")(hook)
    registry.register_after_restore(ran.append, "next")
    slow, following = report_of(registry).results
    assert slow.outcome is Outcome.TIMED_OUT
    assert isinstance(slow.error, HookTimeout)
    assert "longer than its timeout of 0.05 s" in str(slow.error)
    assert following.outcome is Outcome.OK
    assert ran == ["next"]
    loop = persistent()  # still usable, also by what was left behind
    while pending := asyncio.all_tasks(loop):
        loop.run_until_complete(asyncio.wait(pending))


def test_the_error_shows_where_the_hook_was() -> None:
    registry = Registry()
    registry.after_restore(timeout=SHORT)(sleep_long)
    error = report_of(registry).results[0].error
    assert error is not None
    assert traceback.extract_tb(error.__traceback__)[0].name == "sleep_long"


def test_an_error_of_the_hook_that_follows_its_interruption_is_kept() -> None:
    registry = Registry()

    @registry.after_restore(timeout=SHORT)
    def translate() -> None:
        try:
            time.sleep(LONG)
        except TimeoutError as error:
            raise ConnectionError("gave up") from error

    (result,) = report_of(registry).results
    assert result.outcome is Outcome.TIMED_OUT
    assert isinstance(result.error, ConnectionError)


def test_without_the_main_thread_a_worker_is_left_behind() -> None:
    registry, reports, release = Registry(), list[PhaseReport](), threading.Event()

    @registry.after_restore(timeout=SHORT)
    def slow() -> None:
        release.wait(LONG)

    registry.after_restore(timeout=SHORT)(sleep_async)
    thread = threading.Thread(target=lambda: reports.append(report_of(registry)))
    thread.start()
    thread.join(LONG / 2)
    release.set()
    (report,) = reports
    assert [result.outcome for result in report.results] == [Outcome.TIMED_OUT] * 2
    assert "it could not be stopped and still runs" in str(report.results[0].error)
    assert "still runs" not in str(report.results[1].error)


def test_a_coroutine_that_blocks_beyond_its_time_without_an_alarm_is_told_afterwards() -> None:
    registry, reports = Registry(), list[PhaseReport]()

    @registry.after_restore(timeout=SHORT)
    async def block() -> None:
        time.sleep(2 * SHORT)  # noqa: ASYNC251 - the point of it

    thread = threading.Thread(target=lambda: reports.append(report_of(registry)))
    thread.start()
    thread.join(LONG / 2)
    assert reports[0].results[0].outcome is Outcome.TIMED_OUT


def test_the_budget_ends_the_phase_and_lists_what_ran_what_was_running_and_what_never_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", "0.6")  # a busy machine takes its time for the first
    registry = Registry()
    registry.after_restore(name="quick")(lambda: None)
    registry.after_restore(name="hanging")(sleep_long)
    registry.after_restore(name="waiting")(sleep_long)
    with pytest.raises(BudgetExceeded) as caught:
        registry.run_after_restore()
    assert [result.outcome for result in caught.value.report.results] == [
        Outcome.OK,
        Outcome.TIMED_OUT,
        Outcome.NOT_STARTED,
    ]
    message = str(caught.value)
    assert "used up its budget of 0.6 s" in message
    assert "Not done: hanging (" in message
    assert "Never started: waiting" in message
    assert "Done: quick" in message
    assert len(caught.value.exceptions) == 2


@pytest.mark.parametrize("hook", [sleep_async, block_loop, swallow])
def test_the_budget_stops_every_kind_of_hook(monkeypatch: pytest.MonkeyPatch, hook: object) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", "0.5")
    registry = Registry()
    assert callable(hook)
    registry.after_restore(timeout=LONG)(hook)
    registry.after_restore(hook)
    with pytest.raises(BudgetExceeded) as caught:
        registry.run_after_restore()
    first, second = caught.value.report.results
    assert first.outcome is Outcome.TIMED_OUT
    assert "used up its budget of 0.5 s" in str(first.error)
    assert second.outcome is Outcome.NOT_STARTED


def test_the_budget_of_the_last_hook_is_the_phases_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", "0.5")
    registry = Registry()
    registry.after_restore(sleep_long)
    with pytest.raises(BudgetExceeded, match="Never started: none"):
        registry.run_after_restore()


def test_optional_hooks_that_the_budget_leaves_out_fail_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", "0.5")
    registry = Registry()
    registry.after_restore(required=False)(sleep_long)
    registry.after_restore(required=False)(sleep_long)
    report = registry.run_after_restore()
    assert report.ok
    assert [result.outcome for result in report.results] == [Outcome.TIMED_OUT, Outcome.NOT_STARTED]


def test_initialisation_has_a_budget_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_INIT_BUDGET", "0.1")
    registry = Registry()
    registry.before_snapshot(sleep_long)
    with pytest.raises(BudgetExceeded):
        registry.run_before_snapshot()


def test_under_snapstart_the_budget_is_nine_of_the_platforms_ten_seconds() -> None:
    assert Settings({}).budget is None
    assert Settings({"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}).budget == 9.0
    assert Settings({"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "SNAPSTART_HOOKS_BUDGET": "0"}).budget is None


def eventually(look: Callable[[], list[str]]) -> list[str]:
    """What there is to see, as soon as there is: the watchdog reads source files while the phase goes on."""
    deadline = time.monotonic() + 10
    while not (seen := look()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return seen


@pytest.mark.parametrize("kind", ["sync", "async", "concurrent"])
def test_the_watchdog_tells_what_is_running_and_where(
    kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", "1.25")
    for room in ("_engine", "_limits"):  # so that on a busy machine, too, it looks before the hook is stopped
        monkeypatch.setattr(f"snapstart_hooks.{room}.SHARE", 0.2)
    registry = Registry()
    if kind == "concurrent":
        registry.after_restore(concurrent=True, name="other")(lambda: None)
    registry.after_restore(concurrent=True, name="slow")(sleep_async if kind == "async" else sleep_long)
    with caplog.at_level(logging.WARNING, "snapstart_hooks"), pytest.raises(BudgetExceeded):
        registry.run_after_restore()
    (barked,) = eventually(lambda: [text for text in caplog.messages if "running now" in text])
    assert "after_restore has used 0.25 s of its budget of 1.25 s; running now: slow (" in barked
    assert ("in sleep_async" if kind == "async" else "in sleep_long") in barked
    assert "other" not in barked
    assert "_engine.py" not in barked


def test_the_watchdog_is_silent_when_the_phase_is_in_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", str(LONG))
    registry, before, watched = Registry(), watch.active, list[int]()
    registry.after_restore(lambda: watched.append(len(watch.active)))
    registry.run_after_restore()
    assert watched == [len(before) + 1]
    assert watch.active == before  # nobody is left who could bark
    assert not any("running now" in text for text in caplog.messages)


# The signal and timer that people use belong to the application, whatever a hook does with them.


class Alarms:
    """The application's own handler of SIGALRM."""

    def __init__(self) -> None:
        self.rung = threading.Event()

    def __call__(self, _signum: int, _frame: FrameType | None) -> None:
        self.rung.set()


@pytest.fixture
def alarms() -> Iterator[Alarms]:
    handler = Alarms()
    before = signal.signal(signal.SIGALRM, handler)
    yield handler
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_the_applications_handler_and_timer_go_on(alarms: Alarms) -> None:
    signal.setitimer(signal.ITIMER_REAL, SHORT / 2)
    registry = Registry()
    registry.after_restore(timeout=SHORT)(sleep_long)
    assert report_of(registry).results[0].outcome is Outcome.TIMED_OUT
    assert alarms.rung.wait(LONG / 4)
    assert signal.getsignal(signal.SIGALRM) is alarms


def alarm_of_its_own() -> None:
    signal.alarm(10)
    signal.alarm(0)


def default_left_behind() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 0)


def written_in_c() -> None:
    faulthandler.register(signal.SIGALRM, chain=False)
    faulthandler.unregister(signal.SIGALRM)


def own_phase() -> None:
    inner = Registry()
    inner.after_restore(timeout=LONG)(lambda: None)
    inner.run_after_restore()


def loop_of_its_own() -> None:
    asyncio.run(asyncio.sleep(0))


def signal_taken_away() -> None:
    assert SIGNAL
    signal.signal(SIGNAL, signal.SIG_IGN)


def signal_blocked() -> None:
    assert SIGNAL
    signal.pthread_sigmask(signal.SIG_BLOCK, {SIGNAL})


def work_long() -> None:
    """Without a system call that a signal would have to interrupt."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        pass


@pytest.mark.parametrize(
    "meddle",
    [
        alarm_of_its_own,
        default_left_behind,
        written_in_c,
        own_phase,
        loop_of_its_own,
        signal_taken_away,
        signal_blocked,
    ],
)
def test_a_limit_holds_whatever_a_hook_does_with_signals_and_timers(
    meddle: Callable[[], None], alarms: Alarms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", "0.9")
    registry = Registry()
    registry.after_restore(meddle)

    @registry.after_restore(timeout=SHORT)
    def meddle_and_work() -> None:
        meddle()
        work_long()

    registry.after_restore(work_long)
    assert SIGNAL
    try:
        report = report_of(registry)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {SIGNAL})
    assert [result.outcome for result in report.results] == [Outcome.OK, Outcome.TIMED_OUT, Outcome.TIMED_OUT]
    assert "its timeout of 0.05 s" in str(report.results[1].error)
    assert "its budget of 0.9 s" in str(report.results[2].error)


@pytest.mark.parametrize("inner_timeout", [None, LONG])
def test_a_phase_that_a_hook_runs_has_no_more_time_than_the_hook(inner_timeout: float | None) -> None:
    inner, outer = Registry(), Registry()
    inner.after_restore(timeout=inner_timeout)(sleep_long)
    inner.after_restore(lambda: pytest.fail("there was no time left"))
    outer.after_restore(timeout=16 * SHORT)(inner.run_after_restore)
    outer.after_restore(timeout=LONG)(lambda: None)
    first, second = report_of(outer).results
    assert (first.outcome, second.outcome) == (Outcome.TIMED_OUT, Outcome.OK)
    assert inner.last_report is not None
    assert [result.outcome for result in inner.last_report.results] == [Outcome.TIMED_OUT, Outcome.NOT_STARTED]


def test_a_hook_that_overran_is_timed_out_whatever_it_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(what: object) -> object:
        end = time.perf_counter() + 2 * SHORT
        while time.perf_counter() < end:
            with contextlib.suppress(BaseException):
                time.sleep(2 * SHORT)
        if isinstance(what, Exception):
            raise what
        return what

    registry = Registry()
    for what in (None, "value", ValueError("own")):
        registry.after_restore(timeout=SHORT).call(late, what)
    report = report_of(registry)
    assert [result.outcome for result in report.results] == [Outcome.TIMED_OUT] * 3
    assert [type(result.error) for result in report.results] == [HookTimeout, HookTimeout, ValueError]
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", str(SHORT))
    last = Registry()
    last.after_restore.__call__(lambda: late(None))
    with pytest.raises(BudgetExceeded):
        last.run_after_restore()


@pytest.mark.parametrize("hook", [sleep_async, block_loop, ignore_cancellation])
def test_a_limit_holds_on_uvloop(hook: Callable[[], object]) -> None:
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not there for this Python")
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        registry = Registry()
        registry.after_restore(timeout=SHORT)(hook)
        registry.after_restore(timeout=SHORT)(sleep_long)
        assert [result.outcome for result in report_of(registry).results] == [Outcome.TIMED_OUT] * 2
        while pending := asyncio.all_tasks(loop):
            loop.run_until_complete(asyncio.wait(pending))
    finally:
        loop.close()
        asyncio.set_event_loop(None)


def test_a_queued_hook_is_not_kept_from_its_limit_by_a_long_async_neighbour() -> None:
    registry = Registry()

    @registry.after_restore(concurrent=True)
    async def outlast() -> None:
        run = state_of(registry).running
        assert run is not None
        while not run._table[registry.hooks[1]].ended_ns:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)

    registry.after_restore(concurrent=True, timeout=SHORT)(sleep_long)
    assert [result.outcome for result in report_of(registry).results] == [Outcome.OK, Outcome.TIMED_OUT]


async def asyncio_half_a_second() -> None:
    await asyncio.sleep(0.5)


def test_of_hooks_that_overlap_the_one_that_blocks_the_loop_is_interrupted() -> None:
    registry = Registry()
    registry.after_restore(concurrent=True, name="blocks", timeout=SHORT)(block_loop)
    registry.after_restore(concurrent=True, name="works")(asyncio_half_a_second)
    report = report_of(registry)
    assert {result.hook.name: result.outcome for result in report.results} == {
        "blocks": Outcome.TIMED_OUT,
        "works": Outcome.OK,
    }


@pytest.mark.parametrize("limit", [10**400, 1e300, threading.TIMEOUT_MAX * 2])
def test_a_limit_that_no_timer_holds_is_refused_where_it_is_given(limit: float) -> None:
    with pytest.raises(HookOptionError, match="not above"):
        Registry().after_restore(timeout=limit)
    with pytest.raises(SettingsError, match="SNAPSTART_HOOKS_BUDGET"):
        Settings({"SNAPSTART_HOOKS_BUDGET": str(limit)})


def test_the_longest_limit_is_kept() -> None:
    registry = Registry()
    registry.after_restore(timeout=threading.TIMEOUT_MAX)(lambda: None)
    assert registry.run_after_restore().ok


def test_without_any_limit_no_signal_timer_or_thread_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(signal, "signal", refuse)
    monkeypatch.setattr(signal, "setitimer", refuse)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    registry = Registry()
    registry.after_restore(lambda: None)
    assert registry.run_before_snapshot().ok
    assert registry.run_after_restore().ok


def test_with_a_budget_nothing_is_started_or_woken_after_the_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    """What watches stands ready, and looks by itself."""
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", "9")
    registry = Registry()
    registry.after_restore(timeout=5)(lambda: None)
    assert registry.run_before_snapshot().ok
    end = time.monotonic() + LONG / 4
    while watch.wakes_ns == NEVER and time.monotonic() < end:
        time.sleep(0.001)  # until the thread rests
    counted: list[str] = []
    monkeypatch.setattr(threading.Thread, "start", lambda _: counted.append("started"))
    bell = watch._bell
    monkeypatch.setattr(watch, "_bell", SimpleNamespace(locked=bell.locked, release=lambda: counted.append("woken")))
    try:
        assert registry.run_after_restore().ok
    finally:
        monkeypatch.undo()
    assert counted == []


def test_a_limit_of_less_than_a_second_holds_where_the_phase_was_made_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", "0.9")
    registry = Registry()
    registry.after_restore(timeout=SHORT)(sleep_long)
    registry.after_restore(sleep_long)
    assert registry.run_before_snapshot().ok
    assert registry.run_before_snapshot().ok  # for another snapshot: the first was never restored
    assert sum(limits.expected for limits in watch.active) == 1
    report = report_of(registry)
    assert [result.outcome for result in report.results] == [Outcome.TIMED_OUT] * 2
    assert report.duration < LONG / 4
    assert watch.active == ()


def test_a_signal_that_arrives_between_hooks_interrupts_nothing() -> None:
    """None is sent then, but one may be on its way."""
    assert SIGNAL

    class Late(HookObserver):
        @override
        def hook_finished(self, result: HookResult, /) -> None:
            signal.raise_signal(SIGNAL or 0)

    registry = Registry()
    registry.add_observer(Late())
    registry.after_restore(timeout=LONG)(lambda: None)
    registry.after_restore(timeout=LONG)(lambda: None)
    assert registry.run_after_restore().ok


def test_where_no_signal_can_be_handled_a_worker_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on the main thread of a further interpreter of the process."""

    def refuse(*_: object) -> None:
        raise ValueError("signal only works in main thread of the main interpreter")

    assert SIGNAL
    signal.signal(SIGNAL, signal.SIG_DFL)
    monkeypatch.setattr(signal, "signal", refuse)
    registry, release = Registry(), threading.Event()
    registry.after_restore(timeout=SHORT)(lambda: release.wait(LONG))
    report = report_of(registry)
    release.set()
    assert "it could not be stopped and still runs" in str(report.results[0].error)


def test_an_interruption_that_comes_too_late_ends_no_other_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where even our signal was taken away, the exception may arrive when its hook has ended."""
    registry, late, awaiting = Registry(), [HookInterrupted()], await_value

    class Awaitable:
        def __await__(self) -> Iterator[None]:
            return iter(())

    def arrive(attempt: Attempt, loop: asyncio.AbstractEventLoop | None) -> None:
        if late:
            raise late.pop()
        awaiting(attempt, loop)

    monkeypatch.setattr("snapstart_hooks._engine.await_value", arrive)
    registry.after_restore(timeout=LONG, name="ended")(Awaitable)
    registry.after_restore(name="next")(Awaitable)
    assert [result.outcome for result in report_of(registry).results] == [Outcome.TIMED_OUT, Outcome.OK]


def test_a_frame_that_no_phase_has_called_is_in_no_hook() -> None:
    assert not _in_hook(sys._getframe())


def test_on_another_thread_a_hook_with_a_limit_shares_the_context(monkeypatch: pytest.MonkeyPatch) -> None:
    variable = contextvars.ContextVar[str]("variable")
    registry, seen = Registry(), list[object]()
    registry.after_restore(timeout=LONG)(lambda: variable.set("set"))

    def run() -> None:
        seen.append(registry.run_after_restore().ok)
        seen.append(variable.get())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(LONG / 2)
    assert seen == [True, "set"]


def test_in_a_process_without_the_threads_that_stood_ready_others_are_started() -> None:
    registry = Registry()
    for _ in range(2):
        registry.after_restore(timeout=LONG, concurrent=True)(lambda: None)
    registry.run_before_snapshot()
    forget_threads()
    assert registry.run_after_restore().ok


def test_where_no_watch_can_be_started_the_next_phase_tries_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: threading.Thread) -> NoReturn:
        raise RuntimeError("can't start new thread")

    registry = Registry()
    registry.after_restore(timeout=SHORT)(sleep_long)
    with monkeypatch.context() as patch:
        patch.setattr(watch, "_thread", None)
        patch.setattr(threading.Thread, "start", refuse)
        quick = Registry()
        quick.after_restore(timeout=LONG)(lambda: None)
        assert quick.run_after_restore().ok
        assert "hooks are not stopped when their time is over: RuntimeError: can't" in caplog.text
        assert watch._thread is None
        patch.undo()
        patch.setattr(watch, "_thread", None)
        assert [result.outcome for result in report_of(registry).results] == [Outcome.TIMED_OUT]


def test_the_watch_outlives_what_is_raised_on_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a trace function for all threads."""
    looks, errors = watch._look, [LookupError(), SystemExit()]

    def look() -> float:
        if errors:
            raise errors.pop()
        return looks()

    monkeypatch.setattr(watch, "_look", look)
    registry = Registry()
    registry.after_restore(timeout=SHORT)(sleep_long)
    begin = time.monotonic()
    assert [result.outcome for result in report_of(registry).results] == [Outcome.TIMED_OUT]
    assert time.monotonic() - begin < LONG / 2
    assert errors == []
