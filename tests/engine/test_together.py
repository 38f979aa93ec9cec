"""Hooks that overlap."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from typing import TYPE_CHECKING, NoReturn

import pytest
from typing_extensions import override

from snapstart_hooks import Hook, HookObserver, HookResult, Outcome, Registry
from snapstart_hooks._engine import forget_threads
from snapstart_hooks._loop import persistent
from snapstart_hooks._together import LIMIT, _Workers
from snapstart_hooks.errors import BudgetExceeded, HookExited, HooksFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def test_sync_and_async_hooks_really_overlap() -> None:
    registry = Registry()
    meet = threading.Barrier(3, timeout=10)
    arrived = asyncio.Event()

    def plain() -> None:
        meet.wait()  # until the others are here as well

    async def awaited() -> None:
        await asyncio.to_thread(meet.wait)
        await asyncio.wait_for(arrived.wait(), 10)

    async def other() -> None:
        arrived.set()

    for hook in (plain, plain, awaited, other):
        registry.after_restore(concurrent=True)(hook)
    report = registry.run_after_restore()
    assert [result.hook.func for result in report.results] == [plain, plain, awaited, other]


def test_nothing_overlaps_unasked() -> None:
    registry = Registry()
    busy = threading.Lock()

    def alone() -> None:
        assert busy.acquire(blocking=False)
        time.sleep(0.01)
        busy.release()

    registry.after_restore(concurrent=True)(alone)
    registry.after_restore(alone)
    registry.after_restore(concurrent=True, priority=1)(alone)
    registry.after_restore(concurrent=True, priority=2, name="a")(alone)
    registry.after_restore(concurrent=True, priority=2, after=("a",))(alone)
    assert registry.run_after_restore().ok


def test_a_failing_one_cancels_nobody_and_all_outcomes_are_told() -> None:
    registry, ran = Registry(), list[str]()

    async def slowly() -> None:
        await asyncio.sleep(0.02)
        ran.append("async")

    def plain() -> None:
        time.sleep(0.02)
        ran.append("sync")

    def exits() -> NoReturn:
        raise SystemExit(3)

    async def exits_async() -> NoReturn:
        raise SystemExit(4)

    def interrupts() -> NoReturn:
        raise KeyboardInterrupt  # on a worker: nobody pressed a key

    def returns_awaitable() -> object:
        return slowly()

    hooks: list[Callable[[], object]] = [slowly, exits, plain, exits_async, returns_awaitable, interrupts]
    for hook in hooks:
        registry.after_restore(concurrent=True)(hook)
    with pytest.raises(HooksFailed) as caught:
        registry.run_after_restore()
    ok, bad = Outcome.OK, Outcome.FAILED
    assert [result.outcome for result in caught.value.report.results] == [ok, bad, ok, bad, ok, bad]
    assert all(isinstance(inner, HookExited) for inner in caught.value.exceptions)
    assert sorted(ran) == ["async", "async", "sync"]


def test_an_async_hook_that_cannot_even_be_called_fails_alone() -> None:
    class Odd:
        async def __call__(self) -> None:
            return None

    def broken(_: Odd) -> NoReturn:
        raise LookupError

    registry, ran = Registry(), list[str]()

    async def fine() -> None:
        ran.append("fine")

    registry.after_restore(concurrent=True)(Odd())
    registry.after_restore(concurrent=True)(fine)
    setattr(Odd, "__call__", broken)  # noqa: B010 - swapped after it was examined
    with pytest.raises(HooksFailed) as caught:
        registry.run_after_restore()
    assert isinstance(caught.value.exceptions[0], LookupError)
    assert ran == ["fine"]


def test_each_keeps_its_own_time() -> None:
    registry, release = Registry(), threading.Event()

    def hang() -> None:
        release.wait(20)

    registry.after_restore(concurrent=True, timeout=0.05)(hang)
    registry.after_restore(concurrent=True, timeout=0.05).call(asyncio.sleep, 20)
    registry.after_restore(concurrent=True)(lambda: None)
    with pytest.raises(HooksFailed) as caught:
        registry.run_after_restore()
    release.set()
    outcomes = [result.outcome for result in caught.value.report.results]
    assert outcomes == [Outcome.TIMED_OUT, Outcome.TIMED_OUT, Outcome.OK]
    assert "it could not be stopped and still runs" in str(caught.value.report.results[0].error)


def test_more_hooks_than_threads_all_run_even_if_some_hang() -> None:
    registry, release, ran = Registry(), threading.Event(), list[int]()

    def hang() -> None:
        release.wait(20)

    for _ in range(LIMIT):
        registry.after_restore(concurrent=True, timeout=0.1)(hang)
    for number in range(LIMIT):
        registry.after_restore(concurrent=True).call(ran.append, number)
    with pytest.raises(HooksFailed) as caught:
        registry.run_after_restore()
    release.set()
    assert sorted(ran) == list(range(LIMIT))
    assert len(caught.value.exceptions) == LIMIT


def test_the_budget_ends_a_batch_and_what_never_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_BUDGET", "0.9")  # which is for the start of as many threads
    registry, release = Registry(), threading.Event()

    def hang() -> None:
        release.wait(20)

    for _ in range(LIMIT + 1):
        registry.after_restore(concurrent=True)(hang)
    with pytest.raises(BudgetExceeded) as caught:
        registry.run_after_restore()
    release.set()
    outcomes = [result.outcome for result in caught.value.report.results]
    assert outcomes.count(Outcome.TIMED_OUT) + outcomes.count(Outcome.NOT_STARTED) == LIMIT + 1
    assert outcomes.count(Outcome.TIMED_OUT) >= LIMIT


variable = contextvars.ContextVar("variable", default="unset")


def test_each_sees_the_context_of_the_phase_and_keeps_its_own_to_itself() -> None:
    registry, seen = Registry(), list[str]()

    def plain() -> None:
        seen.append(variable.get())
        variable.set("changed")

    async def awaited() -> None:
        seen.append(variable.get())
        variable.set("changed")

    for hook in (plain, awaited, plain, awaited):
        registry.after_restore(concurrent=True)(hook)

    def phase() -> str:
        variable.set("mine")
        registry.run_after_restore()
        return variable.get()

    assert contextvars.copy_context().run(phase) == "mine"
    assert seen == ["mine"] * 4


def test_the_threads_are_there_before_the_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    registry, names = Registry(), list[str]()
    for _ in range(8):
        registry.after_restore(concurrent=True)(lambda: names.append(threading.current_thread().name))
    registry.run_before_snapshot()

    def refuse(_: object) -> NoReturn:
        raise AssertionError

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert registry.run_after_restore().ok
    assert names == ["snapstart_hooks"] * 8


def test_observers_hear_of_each_on_the_thread_of_the_phase() -> None:
    heard = list[tuple[str, str, int]]()

    class Listener(HookObserver):
        @override
        def hook_started(self, hook: Hook, /) -> None:
            heard.append(("started", hook.name, threading.get_ident()))

        @override
        def hook_finished(self, result: HookResult, /) -> None:
            heard.append(("finished", result.hook.name, threading.get_ident()))

    registry = Registry()
    registry.add_observer(Listener())
    for name in "ab":
        registry.after_restore(concurrent=True, name=name)(lambda: None)
    registry.run_after_restore()
    here = threading.get_ident()
    assert heard == [(event, name, here) for event in ("started", "finished") for name in "ab"]


def test_all_that_overlap_see_the_variables_of_who_runs_them() -> None:
    """Also those that wait for a thread, and what a sync hook returns to be awaited."""
    variable, seen = contextvars.ContextVar("variable", default="lost"), list[str]()
    registry = Registry()

    async def see() -> None:
        seen.append(variable.get())

    def wait() -> None:
        time.sleep(0.01)
        seen.append(variable.get())

    def later() -> Awaitable[None]:
        return see()

    for _ in range(2 * LIMIT):
        registry.after_restore(concurrent=True)(wait)
        registry.after_restore(concurrent=True)(later)
    variable.set("there")
    assert registry.run_after_restore().ok
    assert seen == ["there"] * 4 * LIMIT


def test_forgotten_threads_are_replaced() -> None:
    workers, done = _Workers(), threading.Event()
    workers.ensure(2)
    workers.reset()  # as in a clone, where no thread but the caller's exists
    workers.submit(lambda: None, done.set)
    assert done.wait(10)


def test_a_thread_that_was_busy_when_it_was_forgotten_counts_as_idle_no_more() -> None:
    workers, go_on, ended, done = _Workers(), threading.Event(), threading.Event(), threading.Event()
    workers.submit(go_on.wait, ended.set)
    workers.reset()
    go_on.set()
    assert ended.wait(10)
    workers.submit(lambda: None, done.set)
    assert done.wait(10)


def test_one_that_ends_after_it_was_given_up_is_not_heard_any_more() -> None:
    given_up, back = threading.Event(), threading.Event()

    def late() -> None:
        given_up.wait(10)
        back.set()

    def patient() -> None:
        time.sleep(0.2)  # the other one's time is over by now
        given_up.set()
        back.wait(10)
        time.sleep(0.1)  # for its worker to say so

    registry = Registry()
    registry.after_restore(concurrent=True, timeout=0.05, required=False)(late)
    registry.after_restore(concurrent=True)(patient)
    report = registry.run_after_restore()
    assert [result.outcome for result in report.results] == [Outcome.TIMED_OUT, Outcome.OK]
    assert back.is_set()


def test_where_nobody_can_be_told_of_a_fork_there_are_workers_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.register_at_fork")
    done = threading.Event()
    workers = _Workers()
    workers.ensure(1)
    workers.submit(lambda: None, done.set)
    assert done.wait(10)


def test_what_an_interruption_ends_beside_it_says_so_and_leaves_no_task_behind() -> None:
    async def interrupt() -> NoReturn:
        raise KeyboardInterrupt

    registry = Registry()
    registry.after_restore(concurrent=True, timeout=30).call(asyncio.sleep, 20)
    registry.after_restore(concurrent=True)(interrupt)
    with pytest.raises(KeyboardInterrupt):
        registry.run_after_restore()
    assert registry.last_report is not None
    assert [type(result.error) for result in registry.last_report.results] == [KeyboardInterrupt] * 2
    assert asyncio.all_tasks(persistent()) == set()


def test_that_no_thread_can_be_started_is_told_before_the_snapshot(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: threading.Thread) -> NoReturn:
        raise RuntimeError("can't start new thread")

    registry = Registry()
    for _ in range(2):
        registry.after_restore(concurrent=True)(lambda: None)
    forget_threads()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert registry.run_before_snapshot().ok
    assert "hooks that overlap need threads, and none can be started: RuntimeError: can't" in caplog.text
    with pytest.raises(HooksFailed):
        registry.run_after_restore()
    assert registry.last_report is not None
    assert all(0 <= result.duration < 10 for result in registry.last_report.results)
    monkeypatch.undo()
    assert registry.run_after_restore().ok
