"""One hook after the other: every one runs, every failure is told."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import traceback
import types
from typing import TYPE_CHECKING, NoReturn

import pytest
from typing_extensions import override

from snapstart_hooks import Outcome, Phase, Registry
from snapstart_hooks._registry import state_of
from snapstart_hooks.errors import HookExited, HooksFailed, HookSignatureError, PhaseError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator, Iterator

    from snapstart_hooks._state import State


def failed(registry: Registry) -> HooksFailed:
    """Run the after_restore phase, which fails."""
    with pytest.raises(HooksFailed) as caught:
        registry.run_after_restore()
    return caught.value


def test_all_hooks_run_and_all_failures_are_in_one_error() -> None:
    registry, ran = Registry(), list[str]()

    @registry.after_restore(name="first")
    def first() -> NoReturn:
        ran.append("first")
        raise OSError("no route")

    @registry.after_restore(name="second")
    def second() -> None:
        ran.append("second")

    @registry.after_restore(name="third")
    async def third() -> NoReturn:
        ran.append("third")
        raise KeyError("token")

    error = failed(registry)
    assert ran == ["first", "second", "third"]
    assert [type(inner) for inner in error.exceptions] == [OSError, KeyError]
    assert [result.outcome for result in error.report.results] == [Outcome.FAILED, Outcome.OK, Outcome.FAILED]
    assert str(error).startswith("after_restore: 2 of 3 hooks failed: ")
    for told in ("first (", "OSError: no route", "third (", "KeyError: 'token'", "test_phase.py:"):
        assert told in str(error)
    assert registry.last_report is error.report


def test_each_inner_error_tells_its_hook_and_starts_at_it() -> None:
    registry = Registry()

    @registry.after_restore(name="plain")
    def plain() -> NoReturn:
        raise ValueError("here")

    @registry.after_restore(name="awaited")
    async def awaited() -> NoReturn:
        raise ValueError("there")

    for inner, function in zip(failed(registry).exceptions, (plain, awaited), strict=True):
        (note,) = inner.__notes__
        assert note.startswith(f"in the after_restore hook {function.__name__} (")
        assert [frame.name for frame in traceback.extract_tb(inner.__traceback__)] == [function.__name__]


def test_each_failure_is_logged_with_its_stack_for_whoever_wants_to_know(caplog: pytest.LogCaptureFixture) -> None:
    registry = Registry()
    registry.after_restore(required=False)(fail_optionally)
    with caplog.at_level(logging.DEBUG, "snapstart_hooks"):
        registry.run_after_restore()
    told = caplog.records[-1]
    assert told.levelno == logging.DEBUG
    assert told.getMessage().endswith("[failed] LookupError: no cache")
    assert told.exc_info is not None
    assert [frame.name for frame in traceback.extract_tb(told.exc_info[2])] == ["fail_optionally"]


def fail_optionally() -> NoReturn:
    msg = "no cache"
    raise LookupError(msg)


def test_an_error_object_that_is_raised_twice_has_one_note_for_each_hook() -> None:
    registry, error = Registry(), ValueError("shared")

    def broken() -> NoReturn:
        raise error

    registry.after_restore(name="one")(broken)
    registry.after_restore(name="two")(broken)
    failed(registry)
    failed(registry)
    assert len(error.__notes__) == 2


@pytest.mark.parametrize("kind", [SystemExit, GeneratorExit, asyncio.CancelledError])
@pytest.mark.parametrize("is_async", [False, True])
def test_what_is_no_exception_fails_the_hook_and_ends_nothing(kind: type[BaseException], *, is_async: bool) -> None:
    registry, ran = Registry(), list[str]()

    def plain() -> NoReturn:
        raise kind("bye")

    async def awaited() -> NoReturn:
        raise kind("bye")

    registry.after_restore(awaited if is_async else plain)
    registry.register_after_restore(ran.append, "next")
    (inner,) = failed(registry).exceptions
    assert isinstance(inner, HookExited)
    assert isinstance(inner.__cause__, kind)
    assert str(inner) == f"it raised {kind.__name__}: bye"
    assert ran == ["next"]


@pytest.mark.parametrize("is_async", [False, True])
def test_ctrl_c_ends_the_phase_at_once_and_is_raised_after_the_report(*, is_async: bool) -> None:
    registry, ran = Registry(), list[str]()

    def plain() -> NoReturn:
        raise KeyboardInterrupt

    async def awaited() -> NoReturn:
        raise KeyboardInterrupt

    registry.after_restore(awaited if is_async else plain)
    registry.register_after_restore(ran.append, "next")
    with pytest.raises(KeyboardInterrupt):
        registry.run_after_restore()
    assert ran == []
    report = registry.last_report
    assert report is not None
    assert [result.outcome for result in report.results] == [Outcome.FAILED, Outcome.NOT_STARTED]
    assert isinstance(report.results[0].error, KeyboardInterrupt)


def test_an_error_that_cannot_say_what_it_is_is_named_all_the_same() -> None:
    class Broken(Exception):
        @override
        def __str__(self) -> NoReturn:
            raise RuntimeError

    registry = Registry()

    @registry.after_restore(name="broken")
    def broken() -> NoReturn:
        raise Broken

    assert "broken (" in str(failed(registry))
    assert "Broken: (its __str__ raised RuntimeError)" in str(failed(registry))


def test_a_generator_that_comes_back_fails_the_hook_because_nothing_of_it_has_run() -> None:
    registry = Registry()

    def generator() -> Iterator[None]:
        yield

    async def asynchronous() -> object:
        async def generator() -> object:
            yield

        return generator()

    registry.after_restore(lambda: generator())  # noqa: PLW0108 - the generator function itself is refused at once
    (inner,) = failed(registry).exceptions
    assert isinstance(inner, HookSignatureError)
    assert "generator" in str(inner)


def test_other_return_values_are_ignored() -> None:
    registry = Registry()
    registry.register_after_restore(lambda: 42)
    assert registry.run_after_restore().ok


def test_whatever_can_be_awaited_is_awaited() -> None:
    registry, ran = Registry(), list[str]()

    class Custom:
        def __await__(self) -> Generator[None]:
            ran.append("custom")
            yield

    async def coroutine() -> None:
        await asyncio.sleep(0)
        ran.append("coroutine")

    @types.coroutine
    def old_style() -> Generator[None]:
        ran.append("old style")
        yield

    def lazily() -> Awaitable[None]:
        return coroutine()

    registry.after_restore(Custom)
    registry.after_restore(lazily)
    registry.after_restore(coroutine)
    registry.after_restore(old_style)
    assert registry.run_after_restore().ok
    assert ran == ["custom", "coroutine", "coroutine", "old style"]


variable = contextvars.ContextVar("variable", default="unset")


def test_context_variables_that_a_hook_sets_stay_set_whether_it_is_sync_or_async() -> None:
    registry, seen = Registry(), list[str]()

    @registry.after_restore
    def plain() -> None:
        seen.append(variable.get())
        variable.set("by plain")

    @registry.after_restore
    async def awaited() -> None:
        seen.append(variable.get())
        variable.set("by awaited")

    def handler() -> str:
        variable.set("by init")
        registry.run_after_restore()
        return variable.get()

    assert contextvars.copy_context().run(handler) == "by awaited"
    assert seen == ["by init", "by plain"]


def test_a_phase_cannot_start_inside_a_running_one() -> None:
    registry = Registry()
    registry.register_after_restore(registry.run_before_snapshot)
    (inner,) = failed(registry).exceptions
    assert isinstance(inner, PhaseError)
    assert "after_restore of this registry is running" in str(inner)


def test_an_async_hook_inside_a_running_loop_gets_a_clear_error_and_plain_ones_run() -> None:
    registry, ran = Registry(), list[str]()

    @registry.after_restore(name="awaited")
    async def awaited() -> None:
        ran.append("awaited")

    registry.register_after_restore(ran.append, "plain")

    async def inside() -> HooksFailed:
        return failed(registry)

    (inner,) = asyncio.run(inside()).exceptions
    assert isinstance(inner, PhaseError)
    assert "an event loop already runs in this thread" in str(inner)
    assert ran == ["plain"]


def test_an_async_hook_beside_a_running_loop_runs_in_a_thread_of_its_own() -> None:
    registry, ran = Registry(), list[str]()

    @registry.after_restore
    async def awaited() -> None:
        await asyncio.sleep(0)
        ran.append("awaited")

    async def inside() -> None:
        await asyncio.to_thread(registry.run_after_restore)

    asyncio.run(inside())
    assert ran == ["awaited"]


def test_the_message_names_every_failed_hook_within_bounds() -> None:
    registry = Registry()

    def broken() -> NoReturn:
        raise RuntimeError("x" * 5000)

    for number in range(5):
        registry.after_restore(name=f"hook-{number}")(broken)
    message = str(failed(registry))
    assert all(f"hook-{number}" in message for number in range(5))
    assert len(message) < 3000
    for number in range(500):
        registry.after_restore(name=f"further-{number}")(broken)
    message = str(failed(registry))
    assert len(message) < 3000
    assert "more" in message


def test_the_group_can_be_split_as_except_star_does() -> None:
    registry = Registry()
    registry.register_after_restore(int, "x")
    registry.register_after_restore(dict[str, str]().__getitem__, "x")
    values, others = failed(registry).split(ValueError)
    assert isinstance(values, HooksFailed)
    assert isinstance(others, HooksFailed)
    assert values.report is others.report
    assert values.report.phase is Phase.AFTER_RESTORE
    assert [type(inner) for inner in others.exceptions] == [KeyError]


def test_what_goes_wrong_beside_the_hooks_fails_the_phase_and_is_reported() -> None:
    def adopt(state: State) -> None:
        if state.running:
            raise LookupError("nothing to adopt")

    registry, ran = Registry(), list[str]()
    registry.after_restore(lambda: ran.append("ran"))
    state_of(registry).adopt = adopt
    with pytest.raises(HooksFailed, match="LookupError: nothing to adopt") as caught:
        registry.run_after_restore()
    assert ran == ["ran"]
    assert [result.outcome for result in caught.value.report.results] == [Outcome.OK]
