"""Any graph of resources: opened once, closed in order, nothing left open, whatever fails, whoever asks."""
# What hypothesis decorates takes anything.
# mypy: disallow-any-decorated=False, disallow-any-explicit=False

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from snapstart_hooks import Priority, Registry
from snapstart_hooks.errors import HooksFailed, ResourceError
from snapstart_hooks.resources import AsyncResource, Resource, resource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

Edges = list[set[int]]
Step = tuple[str, int]
"""What fails: the opening or the closing of which resource, once."""

PRIORITIES = [*Priority, -1, 7]


@st.composite
def graphs(draw: st.DrawFn) -> Edges:
    """For each resource, the ones with a smaller number that it uses."""
    size = draw(st.integers(1, 8))
    return [draw(st.sets(st.integers(0, each - 1), max_size=3)) if each else set() for each in range(size)]


class World:
    """A graph of resources, and what becomes of them."""

    def __init__(self, edges: Edges, priorities: list[int], fails: Step | None = None, *, later: bool = False) -> None:
        self.registry = Registry()
        self.edges = edges
        self.fails = fails
        self.log: list[Step] = []
        self.open: Counter[int] = Counter()
        self.lock = threading.Lock()
        make = self.make_later if later else self.make
        self.all: list[Any] = [
            resource(name=f"r{number}", registry=self.registry, priority=priority)(make(number))  # type: ignore[call-overload]
            for number, priority in zip(range(len(edges)), priorities, strict=False)
        ]

    def make(self, number: int) -> object:
        def open_it() -> Iterator[int]:
            for used in self.edges[number]:
                self.all[used]()
            self.do("open", number)
            yield number
            self.do("close", number)

        return open_it

    def make_later(self, number: int) -> object:
        async def open_it() -> AsyncIterator[int]:
            await asyncio.gather(*(self.all[used]() for used in self.edges[number]))
            self.do("open", number)
            yield number
            await asyncio.sleep(0)
            self.do("close", number)

        return open_it

    def do(self, what: str, number: int) -> None:
        with self.lock:
            if what == "close" or self.fails != (what, number):
                self.open[number] += 1 if what == "open" else -1
                self.log.append((what, number))
            if self.fails == (what, number):
                self.fails = None
                raise ConnectionError(f"{what} r{number}")

    def check(self) -> None:
        """Whatever is open was opened after what it uses, and is closed before it."""
        opened: set[int] = set()
        for what, number in self.log:
            if what == "open":
                assert number not in opened, "opened twice"
                assert self.edges[number] <= opened, "opened before what it uses"
                opened.add(number)
            else:
                assert not any(number in self.edges[each] for each in opened), "closed before what uses it"
                opened.remove(number)
        assert not opened, "left open"


priorities = st.lists(st.sampled_from(PRIORITIES), min_size=8, max_size=8)


@given(graphs(), priorities, st.lists(st.integers(0, 7), max_size=6))
def test_order_follows_from_use_and_everything_is_opened_once(
    edges: Edges, priorities: list[int], uses: list[int]
) -> None:
    world = World(edges, priorities)
    for _ in range(3):
        values = [world.all[use % len(edges)]() for use in uses]
        assert values == [use % len(edges) for use in uses]
        world.registry.run_before_snapshot()
        world.check()
        opened = [number for what, number in world.log if what == "open"]
        assert len(set(opened)) == len(opened)
        world.log.clear()
        world.registry.run_after_restore()
        assert world.log == []


@given(graphs(), priorities, st.sampled_from(["open", "close"]), st.integers(0, 7), st.randoms(use_true_random=False))
def test_a_failure_at_any_step_leaves_nothing_open_and_is_told(
    edges: Edges, priorities: list[int], what: str, number: int, rng: random.Random
) -> None:
    fails = (what, number % len(edges))
    world = World(edges, priorities, fails)
    told = 0
    for use in rng.sample(range(len(edges)), len(edges)):
        try:
            world.all[use]()
        except ConnectionError as error:
            told += f"while the resource {world.all[fails[1]]} was built" in error.__notes__
    try:
        world.registry.run_before_snapshot()
    except HooksFailed:
        told += 1
    world.check()
    assert told == 1
    for each in world.all:
        if what == "close" and each is world.all[fails[1]]:
            with contextlib.suppress(ResourceError):
                each()  # raised again at the next use: by it or by what uses it
    told_again = [each for each in world.all if each._pending_error is not None]
    assert told_again == []
    world.registry.run_before_snapshot()
    world.check()


@given(graphs(), priorities, st.integers(0, 7), st.booleans())
def test_a_reset_closes_what_uses_it_and_nothing_else(
    edges: Edges, priorities: list[int], number: int, again: bool
) -> None:
    world = World(edges, priorities)
    for held in world.all:
        held()
    number %= len(edges)
    affected = {number}
    for each in range(len(edges)):
        if edges[each] & affected:
            affected.add(each)
    with world.registry.override(world.all[number], 99) if again else contextlib.nullcontext():
        if not again:
            world.all[number].reset()
            assert {each for each in range(len(edges)) if not world.all[each].is_open} == affected
        else:
            assert world.all[number]() == 99
            hidden = {each for each in range(len(edges)) if not world.all[each].is_open}
            assert hidden == affected - {number}
    if again:
        assert all(held.is_open for held in world.all)
        assert all(what == "open" for what, _ in world.log)
    world.registry.run_before_snapshot()
    world.check()


@given(graphs(), priorities, st.sampled_from(["", "open", "close"]), st.integers(0, 7))
def test_the_same_for_async_ones(edges: Edges, priorities: list[int], what: str, number: int) -> None:
    world = World(edges, priorities, (what, number % len(edges)), later=True)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    async def use() -> list[object]:
        return list(await asyncio.gather(*(each() for each in world.all for _ in range(2)), return_exceptions=True))

    try:
        results = loop.run_until_complete(use())
        failed = [each for each in results if isinstance(each, BaseException)]
        assert all(isinstance(each, ConnectionError) for each in failed)
        assert bool(failed) is (what == "open")
        try:
            world.registry.run_before_snapshot()
        except HooksFailed:
            assert what == "close"
        else:
            assert what != "close"
        world.check()
        assert not asyncio.all_tasks(loop)
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_threads_in_great_number() -> None:
    """Uses, failures, resets and restores at the same time: never two open at a time, none left in the end."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    edges: Edges = [set(), {0}, {0, 1}, {2}, {1, 3}, set(), {4, 5}]
    world = World(edges, [-200] * len(edges))
    wrong: list[BaseException] = []
    most: Counter[int] = Counter()
    end = threading.Event()

    def work(seed: int) -> None:
        rng = random.Random(seed)  # noqa: S311 - no secret
        try:
            for _ in range(150):
                number = rng.randrange(len(edges))
                with contextlib.suppress(ConnectionError):
                    assert world.all[number]() == number
                with world.lock:
                    most.update(each for each, count in world.open.items() if count > 1)
                    if rng.random() < 0.05:
                        world.fails = ("open", rng.randrange(len(edges)))
                if rng.random() < 0.05:
                    world.all[number].reset()
        except BaseException as error:  # noqa: BLE001 - told below
            wrong.append(error)

    def restore() -> None:
        while not end.wait(0.01):
            world.registry.run_before_snapshot()
            world.registry.run_after_restore()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    restorer = threading.Thread(target=restore)
    try:
        for thread in (*threads, restorer):
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "deadlock"
    finally:
        end.set()
        restorer.join(60)
        sys.setswitchinterval(interval)
    assert wrong == []
    assert most == {}
    world.fails = None
    world.registry.run_before_snapshot()
    assert {number: count for number, count in world.open.items() if count} == {}
    assert all(isinstance(each, Resource | AsyncResource) for each in world.all)
