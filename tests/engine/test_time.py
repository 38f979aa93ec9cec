"""Time: a hook's own limit, the phase's budget, and the watchdog."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING

import pytest

from snapstart_hooks import Outcome, PhaseReport, Registry, _engine
from snapstart_hooks._alarm import Alarm
from snapstart_hooks._loop import persistent
from snapstart_hooks._settings import Settings
from snapstart_hooks.errors import HooksFailed, HookTimeout, InitBudgetExceeded, RestoreBudgetExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

SHORT = 0.05
LONG = 20.0  # nobody waits for it: a test that does fails by its duration


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
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", "0.2")
    registry = Registry()
    registry.after_restore(name="quick")(lambda: None)
    registry.after_restore(name="hanging")(sleep_long)
    registry.after_restore(name="waiting")(sleep_long)
    with pytest.raises(RestoreBudgetExceeded) as caught:
        registry.run_after_restore()
    assert [result.outcome for result in caught.value.report.results] == [
        Outcome.OK,
        Outcome.TIMED_OUT,
        Outcome.NOT_STARTED,
    ]
    message = str(caught.value)
    assert "used up its budget of 0.2 s" in message
    assert "Not done: hanging (" in message
    assert "Never started: waiting" in message
    assert "Done: quick" in message
    assert len(caught.value.exceptions) == 2


@pytest.mark.parametrize("hook", [sleep_async, block_loop, swallow])
def test_the_budget_stops_every_kind_of_hook(monkeypatch: pytest.MonkeyPatch, hook: object) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", "0.1")
    registry = Registry()
    assert callable(hook)
    registry.after_restore(timeout=LONG)(hook)
    registry.after_restore(hook)
    with pytest.raises(RestoreBudgetExceeded) as caught:
        registry.run_after_restore()
    first, second = caught.value.report.results
    assert first.outcome is Outcome.TIMED_OUT
    assert "used up its budget of 0.1 s" in str(first.error)
    assert second.outcome is Outcome.NOT_STARTED


def test_the_budget_of_the_last_hook_is_the_phases_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", "0.1")
    registry = Registry()
    registry.after_restore(sleep_long)
    with pytest.raises(RestoreBudgetExceeded, match="Never started: none"):
        registry.run_after_restore()


def test_optional_hooks_that_the_budget_leaves_out_fail_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", "0.1")
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
    with pytest.raises(InitBudgetExceeded):
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
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", "0.25")
    registry = Registry()
    if kind == "concurrent":
        registry.after_restore(concurrent=True, name="other")(lambda: None)
    registry.after_restore(concurrent=True, name="slow")(sleep_async if kind == "async" else sleep_long)
    with caplog.at_level(logging.WARNING, "snapstart_hooks"), pytest.raises(RestoreBudgetExceeded):
        registry.run_after_restore()
    (barked,) = eventually(lambda: [text for text in caplog.messages if "running now" in text])
    assert "after_restore has used 0.2 s of its budget of 0.25 s; running now: slow (" in barked
    assert ("in sleep_async" if kind == "async" else "in sleep_long") in barked
    assert "other" not in barked
    assert "_engine.py" not in barked


def test_the_watchdog_is_silent_when_the_phase_is_in_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", "0.1")
    registry = Registry()
    registry.after_restore(lambda: None)
    registry.run_after_restore()
    time.sleep(0.15)
    assert not any("running now" in text for text in caplog.messages)


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


def test_the_applications_handler_and_timer_are_put_back(alarms: Alarms) -> None:
    signal.setitimer(signal.ITIMER_REAL, LONG, 7.0)
    registry = Registry()
    registry.after_restore(timeout=SHORT)(sleep_long)
    report_of(registry)
    assert signal.getsignal(signal.SIGALRM) is alarms
    remaining, interval = signal.getitimer(signal.ITIMER_REAL)
    assert LONG - 5 < remaining < LONG - SHORT
    assert interval == 7.0


def test_a_timer_that_was_due_meanwhile_rings_afterwards(alarms: Alarms) -> None:
    signal.setitimer(signal.ITIMER_REAL, SHORT / 2)
    registry = Registry()
    registry.after_restore(timeout=SHORT)(sleep_long)
    report_of(registry)
    assert alarms.rung.wait(5)


def test_a_handler_that_a_hook_installs_stays(alarms: Alarms) -> None:
    def other(_signum: int, _frame: FrameType | None) -> None:
        raise AssertionError

    registry = Registry()
    registry.after_restore(timeout=LONG)(lambda: None)

    @registry.after_restore
    def install() -> None:
        signal.signal(signal.SIGALRM, other)

    registry.after_restore(timeout=SHORT)(sleep_long)
    assert report_of(registry).results[2].outcome is Outcome.TIMED_OUT
    assert signal.getsignal(signal.SIGALRM) is other
    registry.after_restore(timeout=LONG)(lambda: signal.signal(signal.SIGALRM, alarms))
    report_of(registry)
    assert signal.getsignal(signal.SIGALRM) is alarms


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


def test_an_alarm_that_rings_between_hooks_interrupts_nothing() -> None:
    """The engine clears it, but a signal that was on its way is handled when it arrives."""
    alarm = Alarm(_engine._in_hook)
    alarm._ring(signal.SIGALRM, sys._getframe())
    with pytest.raises(HookTimeout):
        Alarm(lambda _: True)._ring(signal.SIGALRM, None)
