"""`AsyncResource`: opened and closed on the event loop, in one task, once."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import inspect
import random
import threading
from typing import TYPE_CHECKING, Self

import pytest

from snapstart_hooks import Phase, Registry
from snapstart_hooks.errors import HooksFailed, ResourceError
from snapstart_hooks.resources import AsyncResource, Resource, resource
from snapstart_hooks.testing import simulate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The one that hooks are awaited on."""
    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)
    yield made
    asyncio.set_event_loop(None)
    made.close()


def of(
    registry: Registry, log: list[str], name: str, *uses: Callable[[], object], **options: object
) -> AsyncResource[str]:
    """A resource that uses others, and notes what becomes of it."""

    async def open_it() -> AsyncIterator[str]:
        task = asyncio.current_task()
        for use in uses:
            used = use()
            if inspect.isawaitable(used):
                await used
        await asyncio.sleep(0)
        log.append(f"+{name}")
        yield f"{name} {len(log)}"
        await asyncio.sleep(0)
        assert asyncio.current_task() is task
        log.append(f"-{name}")

    return resource(name=name, registry=registry, **options)(open_it)  # type: ignore[call-overload,no-any-return]


async def until(reached: Callable[[], bool]) -> None:
    """Let the loop run until something is so, however long that takes under load; if it never is, that is an error."""
    async with asyncio.timeout(60):
        while not reached():  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0)


def test_it_is_opened_once_and_anew_after_a_restore(loop: asyncio.AbstractEventLoop) -> None:
    registry, log = Registry(), list[str]()
    pool = of(registry, log, "pool")

    async def use() -> set[str]:
        return set(await asyncio.gather(*(pool() for _ in range(50))))

    (before,) = loop.run_until_complete(use())
    assert pool.current(before)
    with simulate(registry):
        assert log == ["+pool", "-pool"]
        (after,) = loop.run_until_complete(use())
        assert after != before
        assert not pool.current(before)
    loop.run_until_complete(pool.reset())
    assert log == ["+pool", "-pool"] * 2


def test_it_may_use_plain_ones_and_the_order_follows(loop: asyncio.AbstractEventLoop) -> None:
    registry, log = Registry(), list[str]()

    @resource(registry=registry, name="settings", priority=100)  # would be closed first
    def settings() -> Iterator[int]:
        log.append("+settings")
        yield 1
        log.append("-settings")

    pool = of(registry, log, "pool", settings, priority=50)
    repository = of(registry, log, "repository", pool, settings, priority=-400)
    loop.run_until_complete(repository())
    registry.run_before_snapshot()
    assert log == ["+settings", "+pool", "+repository", "-repository", "-pool", "-settings"]


def test_a_plain_one_may_use_it_by_driving_the_loop(loop: asyncio.AbstractEventLoop) -> None:
    registry, log = Registry(), list[str]()
    pool = of(registry, log, "pool")

    @resource(registry=registry)
    def client() -> Iterator[str]:
        yield loop.run_until_complete(pool())
        log.append("-client")

    assert client() == "pool 1"
    loop.run_until_complete(pool.reset())
    assert log == ["+pool", "-client", "-pool"]


def test_eager_ones_are_opened_on_the_persistent_loop_and_overlap(loop: asyncio.AbstractEventLoop) -> None:
    registry, log = Registry(), list[str]()
    meet = asyncio.Barrier(2)
    one = of(registry, log, "one", meet.wait, eager=True, concurrent=True, timeout=60)
    two = of(registry, log, "two", meet.wait, eager=True, concurrent=True, timeout=60)
    assert all(hook.is_async for hook in registry.plan(Phase.AFTER_RESTORE)[1:])
    with simulate(registry):
        assert one.is_open
        assert two.is_open
        assert loop.run_until_complete(one()) in {"one 1", "one 2"}
    registry.run_before_snapshot()


def test_a_failure_reaches_all_who_wait_and_the_next_use_tries_again(loop: asyncio.AbstractEventLoop) -> None:
    attempts = 0

    @resource(registry=Registry(), name="pool")
    async def pool() -> AsyncIterator[int]:
        nonlocal attempts
        attempts += 1
        await asyncio.sleep(0.01)
        if attempts == 1:
            raise ConnectionError("refused")
        yield attempts

    async def use() -> list[BaseException | int]:
        return await asyncio.gather(*(pool() for _ in range(5)), return_exceptions=True)

    errors = loop.run_until_complete(use())
    assert {(type(error), *getattr(error, "__notes__", ())) for error in errors} == {
        (ConnectionError, f"while the resource {pool} was built")
    }
    assert loop.run_until_complete(use()) == [2] * 5
    loop.run_until_complete(pool.reset())


def test_errors_without_a_caller_are_raised_at_the_next_use(loop: asyncio.AbstractEventLoop) -> None:
    registry, fails = Registry(), ["refused", "", "not written"]

    @resource(registry=registry, name="pool", eager=True)
    async def pool() -> AsyncIterator[int]:
        if fails.pop(0):
            raise ConnectionError("refused")
        yield 1
        if fails.pop(0):
            fails.extend(["", ""])
            raise ConnectionError("not written")

    with pytest.raises(HooksFailed, match=r"pool .*refused"):
        registry.run_after_restore()
    with pytest.raises(ResourceError, match="could not be built after the restore: ConnectionError: refused"):
        loop.run_until_complete(pool())
    loop.run_until_complete(pool())
    with pytest.raises(HooksFailed, match=r"pool .*not written"):
        registry.run_before_snapshot()
    with pytest.raises(ResourceError, match="could not be closed: ConnectionError: not written"):
        loop.run_until_complete(pool())
    loop.run_until_complete(pool())
    loop.run_until_complete(pool.reset())


def test_one_who_is_cancelled_takes_it_from_nobody_but_the_last_does(loop: asyncio.AbstractEventLoop) -> None:
    registry, log = Registry(), list[str]()
    gate = asyncio.Event()
    pool = of(registry, log, "pool", gate.wait)

    async def use() -> str:
        first, second = asyncio.create_task(pool()), asyncio.create_task(pool())
        await asyncio.sleep(0.01)
        first.cancel()
        gate.set()
        return await second

    assert loop.run_until_complete(use()) == "pool 1"
    loop.run_until_complete(pool.reset())
    gate.clear()

    async def give_up() -> str:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(pool(), 0.01)
        assert not pool.is_open
        await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})  # nobody opens what nobody waits for
        alone = asyncio.create_task(pool())
        await asyncio.sleep(0)
        alone.cancel()
        another = asyncio.create_task(pool())  # comes while the first one is still being given up
        await asyncio.sleep(0)
        gate.set()
        return await another

    assert loop.run_until_complete(give_up()) == "pool 3"
    loop.run_until_complete(pool.reset())
    assert log == ["+pool", "-pool"] * 2


def test_a_closing_that_takes_too_long_is_cancelled(loop: asyncio.AbstractEventLoop) -> None:
    registry, ended = Registry(), list[str]()

    @resource(registry=registry, name="pool", timeout=0.05)
    async def pool() -> AsyncIterator[int]:
        yield 1
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")

    loop.run_until_complete(pool())
    with pytest.raises(HooksFailed, match=r"pool .*longer than its timeout"):
        registry.run_before_snapshot()
    loop.run_until_complete(until(lambda: ended == ["cancelled"]))


def test_circles_are_errors_and_no_deadlocks(loop: asyncio.AbstractEventLoop) -> None:
    registry = Registry()
    one = of(registry, [], "one", lambda: asyncio.sleep(0.01), lambda: two())  # noqa: PLW0108
    two = of(registry, [], "two", lambda: asyncio.sleep(0.01), one)

    async def use() -> tuple[BaseException | str, ...]:
        return await asyncio.wait_for(asyncio.gather(one(), two(), return_exceptions=True), 60)

    errors = loop.run_until_complete(use())
    assert all(isinstance(error, ResourceError) and "circle" in str(error) for error in errors)


def test_where_the_loop_was_closed_it_is_opened_anew() -> None:
    registry, log = Registry(), list[str]()
    pool = of(registry, log, "pool")
    assert asyncio.run(_awaited(pool)) == "pool 1"
    assert log == ["+pool"]  # `asyncio.run` cancels what is left
    assert asyncio.run(_awaited(pool)) == "pool 2"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_where_the_loop_was_closed_carelessly_too(caplog: pytest.LogCaptureFixture) -> None:
    registry = Registry()
    made: AsyncResource[_Queue] = resource(registry=registry)(_Queue)

    def elsewhere() -> _Queue:
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(made())
        finally:
            loop.close()  # with the task in it

    first = elsewhere()
    assert elsewhere() is not first
    registry.run_before_snapshot()
    assert not made.is_open
    gc.collect()  # asyncio complains of the tasks


class _Queue:
    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


async def _awaited(pool: AsyncResource[str]) -> str:
    return await pool()


def test_another_loop_is_refused(loop: asyncio.AbstractEventLoop) -> None:
    pool = of(Registry(), [], "pool")
    loop.run_until_complete(pool())
    with pytest.raises(ResourceError, match=r"pool .* belongs to another event loop, which is not closed"):
        asyncio.run(_awaited(pool))
    asyncio.set_event_loop(loop)
    loop.run_until_complete(pool.reset())


def test_it_is_closed_from_elsewhere_too(loop: asyncio.AbstractEventLoop) -> None:
    """From a hook of a plain resource: with its loop idle, running in this thread, and running in another one."""
    registry, log = Registry(), list[str]()

    @resource(registry=registry, name="settings")
    def settings() -> Iterator[int]:
        yield 1
        log.append("-settings")

    pool = of(registry, log, "pool", settings)
    loop.run_until_complete(pool())
    settings.reset()
    assert log == ["+pool", "-pool", "-settings"]
    log.clear()

    async def inside() -> None:
        await pool()
        settings.reset()
        assert log == ["+pool", "-settings"]  # it cannot wait here
        await until(lambda: "-pool" in log)
        await pool()

    loop.run_until_complete(inside())
    assert log == ["+pool", "-settings", "-pool", "+pool"]
    log.clear()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    settings.reset()
    assert log == ["-pool", "-settings"]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def test_what_ends_by_itself_is_told_at_the_next_use(loop: asyncio.AbstractEventLoop) -> None:
    @resource(registry=Registry(), name="pool")
    async def pool() -> AsyncIterator[int]:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            yield 1

    lost = ["lost"]

    async def fail() -> None:
        await asyncio.sleep(0.01)
        if lost:
            raise ConnectionError(lost.pop())

    async def use() -> None:
        assert await pool() == 1
        await until(lambda: not pool.is_open)

    loop.run_until_complete(use())
    with pytest.raises(ResourceError, match="could not be kept open"):
        loop.run_until_complete(pool())
    loop.run_until_complete(pool())
    loop.run_until_complete(pool.reset())


def test_it_can_be_overridden(loop: asyncio.AbstractEventLoop) -> None:
    registry, log = Registry(), list[str]()
    pool = of(registry, log, "pool")
    repository = of(registry, log, "repository", pool)
    before = loop.run_until_complete(repository())
    with registry.override(pool, "fake"):
        assert loop.run_until_complete(pool()) == "fake"
        loop.run_until_complete(pool.reset())
        assert loop.run_until_complete(repository()) != before
    assert loop.run_until_complete(repository()) == before
    assert log == ["+pool", "+repository", "+repository", "-repository"]
    registry.run_before_snapshot()


class Pool:
    """A class of async context managers."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


def pools() -> contextlib.AbstractAsyncContextManager[Pool]:
    return Pool()


def named_pools() -> _OnlyForCheckersAsync:  # type: ignore[name-defined]  # noqa: F821
    return Pool()


@contextlib.asynccontextmanager
async def pool_manager() -> AsyncIterator[Pool]:
    yield Pool()


@pytest.mark.parametrize("factory", [Pool, pools, named_pools, pool_manager])
def test_what_gives_an_async_context_manager_is_a_factory(
    factory: Callable[[], contextlib.AbstractAsyncContextManager[Pool]], loop: asyncio.AbstractEventLoop
) -> None:
    registry = Registry()
    made = resource(registry=registry)(factory)
    assert isinstance(made, AsyncResource)
    assert isinstance(loop.run_until_complete(made()), Pool)
    registry.run_before_snapshot()
    assert not made.is_open
    assert inspect.iscoroutinefunction(made.__call__)


def test_what_is_no_async_context_manager_is_told(loop: asyncio.AbstractEventLoop) -> None:
    def wrong() -> contextlib.AbstractAsyncContextManager[int]:
        return 5  # type: ignore[return-value]

    made = resource(registry=Registry())(wrong)
    with pytest.raises(ResourceError, match="'int', which is not a context manager"):
        loop.run_until_complete(made())
    assert isinstance(resource(registry=Registry())(contextvars.copy_context), Resource)  # type: ignore[arg-type]


def test_tasks_in_great_number(loop: asyncio.AbstractEventLoop) -> None:
    """Uses, failures, cancellations and restores in any order: never two open at a time, none left in the end."""
    rng = random.Random(5)  # noqa: S311 - no secret
    registry, open_now, most = Registry(), 0, 0

    @resource(registry=registry)
    async def pool() -> AsyncIterator[int]:
        nonlocal open_now, most
        await asyncio.sleep(rng.random() / 1000)
        if rng.random() < 0.2:
            raise ConnectionError
        open_now += 1
        most = max(most, open_now)
        try:
            yield 1
            await asyncio.sleep(0)
        finally:
            open_now -= 1

    async def use() -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            await asyncio.wait_for(pool(), rng.choice([0.0005, 1]))
        if rng.random() < 0.3:
            await asyncio.gather(*_resets(pool, 2))

    async def many() -> None:
        await asyncio.gather(*(use() for _ in range(60)))

    for _ in range(6):
        loop.run_until_complete(many())
        with simulate(registry):
            assert open_now == 0
    assert most == 1


def test_one_that_is_always_overtaken_is_no_endless_loop(loop: asyncio.AbstractEventLoop) -> None:
    registry = Registry()

    @resource(registry=registry)
    async def inner() -> AsyncIterator[int]:
        yield 1

    @resource(registry=registry)
    async def outer() -> AsyncIterator[int]:
        await inner()
        await inner.reset()
        yield 2

    with pytest.raises(ResourceError):
        loop.run_until_complete(outer())


def _resets(pool: AsyncResource[int], times: int) -> list[Coroutine[object, object, None] | Awaitable[None]]:
    return [pool.reset() for _ in range(times)]
