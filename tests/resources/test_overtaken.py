"""A restore, a closing or a fork while something is being built: what comes of it is not stale."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from snapstart_hooks import Registry
from snapstart_hooks.errors import HooksFailed, ResourceError
from snapstart_hooks.resources import PerRestore, Resource, cached_until_restore, resource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


class Halfway:
    """A thread that is in the middle of building; what it makes says in which generation it began."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.log = list[str]()
        self.got = list[str]()
        self._reached, self._go = threading.Event(), threading.Event()

    def make(self) -> str:
        made = f"of {self.registry.generation}"
        self.log.append(f"+{made}")
        if len(self.log) == 1:
            self._reached.set()
            assert self._go.wait(60)
        return made

    def overtaken_by(self, what: Callable[[], object], using: Callable[[], str]) -> None:
        thread = threading.Thread(target=lambda: self.got.append(using()))
        thread.start()
        assert self._reached.wait(60)
        what()
        self._go.set()
        thread.join(60)

    def restored(self) -> None:
        self.registry.run_before_snapshot()
        self.registry.run_after_restore()


def resource_of(halfway: Halfway) -> Resource[str]:
    @resource(registry=halfway.registry)
    def db() -> Iterator[str]:
        made = halfway.make()
        yield made
        halfway.log.append(f"-{made}")

    return db


def test_a_resource_is_closed_and_built_anew() -> None:
    halfway = Halfway(Registry())
    db = resource_of(halfway)
    halfway.overtaken_by(halfway.restored, db)
    assert halfway.got == [db()] == ["of 1"]
    assert halfway.log == ["+of 0", "-of 0", "+of 1"]


def test_a_restore_of_what_includes_its_registry_overtakes_it_too() -> None:
    halfway, whole = Halfway(Registry()), Registry()
    db = resource_of(halfway)
    whole.include(halfway.registry, name="driver")
    halfway.overtaken_by(lambda: (whole.run_before_snapshot(), whole.run_after_restore()), db)
    assert halfway.log == ["+of 0", "-of 0", "+of 0"]


@pytest.mark.parametrize("kind", ["value", "cache"])
def test_a_value_is_computed_anew(kind: str) -> None:
    registry = Registry()
    halfway = Halfway(registry)
    using: Callable[[], str] = PerRestore(halfway.make, registry=registry)
    if kind == "cache":
        using = cached_until_restore(registry=registry)(halfway.make)
    halfway.overtaken_by(halfway.restored, using)
    assert halfway.got == [using()] == ["of 1"]


def test_what_uses_something_that_was_closed_meanwhile_is_built_anew() -> None:
    registry = Registry()
    halfway = Halfway(registry)
    log = list[str]()

    @resource(registry=registry)
    def base() -> Iterator[str]:
        log.append("+base")
        yield f"base {len(log)}"

    @resource(registry=registry)
    def top() -> Iterator[str]:
        used = base()
        halfway.make()
        yield used

    halfway.overtaken_by(base.reset, top)
    assert halfway.got == [top()] == ["base 2"]
    top.reset()
    assert top() == base() == "base 2"


def test_what_closes_what_it_uses_is_told_of() -> None:
    registry = Registry()

    @resource(registry=registry)
    def base() -> Iterator[int]:
        yield 1

    @resource(registry=registry)
    def top() -> Iterator[int]:
        yield base()

    @resource(registry=registry)
    def odd() -> Iterator[int]:
        base()
        base.reset()
        yield 1

    @resource(registry=registry)
    def careful() -> Iterator[int]:
        base()
        base.reset()
        yield base()

    with pytest.raises(ResourceError, match=r"odd.*: whenever it was built, what it uses had been closed"):
        odd()
    assert careful() == top() == 1


def test_an_async_one_is_opened_anew() -> None:
    registry, log = Registry(), list[str]()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    @resource(registry=registry)
    async def queue() -> AsyncIterator[str]:
        made = f"of {registry.generation}"
        log.append(f"+{made}")
        await connected.wait()
        yield made
        log.append(f"-{made}")

    connected = asyncio.Event()
    asking = loop.create_task(queue())
    while not log:
        loop.run_until_complete(asyncio.sleep(0))
    registry.run_before_snapshot()
    registry.run_after_restore()
    connected.set()
    try:
        assert loop.run_until_complete(asking) == "of 1"
        assert log == ["+of 0", "-of 0", "+of 1"]
    finally:
        loop.run_until_complete(queue.reset())
        asyncio.set_event_loop(None)
        loop.close()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit])
def test_whatever_closing_raises_is_raised_again(kind: type[BaseException]) -> None:
    registry = Registry()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    @resource(registry=registry)
    async def queue() -> AsyncIterator[int]:
        yield 1
        raise kind

    @resource(registry=registry)
    def db() -> Iterator[int]:
        yield 1
        raise kind

    try:
        loop.run_until_complete(queue())
        db()
        with pytest.raises(KeyboardInterrupt if kind is KeyboardInterrupt else HooksFailed):
            registry.run_before_snapshot()
        if kind is KeyboardInterrupt:  # which ends the phase
            with pytest.raises(KeyboardInterrupt):
                loop.run_until_complete(queue.reset()) if queue.is_open else db.reset()
        with pytest.raises(ResourceError, match=f"could not be closed: {kind.__name__}"):
            db()
        with pytest.raises(ResourceError, match=f"could not be closed: {kind.__name__}"):
            loop.run_until_complete(queue())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@pytest.mark.parametrize("running", [True, False], ids=["on another thread", "standing still"])
def test_what_lives_on_another_loop_is_closed_when_the_hook_has_ended(*, running: bool) -> None:
    registry, log = Registry(), list[str]()
    loop = asyncio.new_event_loop()

    @resource(registry=registry)
    async def queue() -> AsyncIterator[int]:
        yield 1
        await asyncio.sleep(0.02)
        log.append("closed")
        raise OSError

    loop.run_until_complete(queue())
    thread = threading.Thread(target=loop.run_forever)
    if running:
        thread.start()
    try:
        with pytest.raises(HooksFailed, match=r"queue .*OSError"):
            registry.run_before_snapshot()
        assert log == ["closed"]
    finally:
        if running:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
        loop.close()


def test_overrides_that_end_in_another_order_leave_nothing() -> None:
    registry = Registry()

    @resource(registry=registry)
    def db() -> Iterator[str]:
        yield "real"

    db()
    one, two = registry.override(db, "one"), registry.override(db, "two")
    one.__enter__()
    two.__enter__()
    one.__exit__(None, None, None)
    assert db() == "two"
    two.__exit__(None, None, None)
    assert db() == "real"


def test_a_long_row_of_resources_is_closed() -> None:
    registry = Registry()
    row = list[Resource[int]]()
    for number in range(1500):

        def each(number: int = number) -> Iterator[int]:
            yield row[number - 1]() if number else 0

        row.append(resource(name=f"row-{number}", registry=registry)(each))
    for door in row:
        door()
    row[0].reset()
    assert [door.name for door in row if door.is_open] == []


FORKS = """
import os, sys, threading
from snapstart_hooks.resources import PerRestore, resource

building, go = threading.Event(), threading.Event()

@resource
def shared():
    yield object()
    print("closed by", "parent" if os.getpid() == PARENT else "child", flush=True)

@resource
def slow():
    building.set()
    go.wait()
    yield os.getpid()

number = PerRestore(object)
PARENT = os.getpid()
before, kept = shared(), number()
threading.Thread(target=slow, daemon=True).start()
building.wait()
child = os.fork()
go.set()
if child:
    assert os.waitpid(child, 0)[1] == 0
    assert shared() is before
else:
    assert shared() is not before
    assert number() is kept
    assert slow() == os.getpid()
sys.exit()
"""


def test_the_child_of_a_fork_has_its_own_and_closes_no_one_elses() -> None:
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.split("\n")[:2]) == (0, ["closed by child", "closed by parent"]), done.stderr


AT_THE_END = """
import atexit
from snapstart_hooks.resources import resource

@resource
def db():
    print("opened")
    yield 1
    print("closed")

@resource
def bad():
    yield 1
    raise SystemExit

atexit.register(lambda: print("last", db()))  # runs when all has been closed
db()
bad()
"""


def test_what_is_opened_at_the_very_end_is_closed_too() -> None:
    done = subprocess.run([sys.executable, "-c", AT_THE_END], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["opened", "closed", "opened", "last", "1", "closed"], done.stderr
    assert "SystemExit" in done.stderr
