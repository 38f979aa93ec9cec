"""`PerRestore`, `cached_until_restore`, `generation`: nothing of before the restore is given out after it."""

# mypy: disallow-any-explicit=False

from __future__ import annotations

import functools
import inspect
import subprocess
import sys
import threading
import time
import uuid
from typing import TYPE_CHECKING

import pytest
import time_machine

from snapstart_hooks import Phase, Priority, Registry, default_registry
from snapstart_hooks.errors import HookOptionError, HooksFailed, HookSignatureError, ResourceError
from snapstart_hooks.resources import CachedFunction, PerRestore, cached_until_restore, generation, resource
from snapstart_hooks.testing import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOUR = 3600


# Computed anew.


def test_a_value_is_computed_once_for_each_restore_when_it_is_asked_for() -> None:
    registry, computed = Registry(), list[uuid.UUID]()

    @functools.partial(PerRestore, registry=registry)
    def instance() -> uuid.UUID:
        computed.append(uuid.uuid4())
        return computed[-1]

    assert instance() is instance()
    registry.run_before_snapshot()
    assert not instance.is_open  # nothing of it is in the snapshot
    registry.run_after_restore()
    assert len(computed) == 1
    assert instance() is computed[1] is not computed[0]
    instance.reset()
    assert instance() is computed[2]


def test_an_eager_one_is_computed_during_the_restore() -> None:
    registry, seeds = Registry(), list[float]()
    PerRestore(lambda: seeds.append(time.time()), registry=registry, eager=True, name="seed")
    assert [hook.name for hook in registry.plan(Phase.AFTER_RESTORE)] == ["snapstart_hooks.resources", "seed"]
    assert registry.plan(Phase.AFTER_RESTORE)[1].priority == Priority.ENTROPY
    registry.run_after_restore()
    assert len(seeds) == 1


def test_a_value_that_cannot_be_computed_names_itself() -> None:
    registry = Registry()
    broken = PerRestore(lambda: 1 / 0, registry=registry, name="share", eager=True)
    with pytest.raises(ZeroDivisionError, match=r"while the resource share \(.*test_values.py:\d+\) was built"):
        broken()
    with pytest.raises(HooksFailed, match=r"share .*division by zero"):
        registry.run_after_restore()
    with pytest.raises(ResourceError, match="share"):
        broken()


def test_a_resource_may_use_one() -> None:
    registry = Registry()
    instance = PerRestore(object, registry=registry)

    @resource(registry=registry)
    def client() -> Iterator[tuple[str, object]]:
        yield "client of", instance()

    before = client()
    with simulate(registry):
        assert client() == ("client of", instance()) != before


@pytest.mark.parametrize("factory", [lambda: (yield), 5], ids=["generator", "number"])
def test_what_computes_no_value_is_refused(factory: Callable[[], object]) -> None:
    with pytest.raises(HookSignatureError, match="cannot be used for values of a restore"):
        PerRestore(factory, registry=Registry())


# Caches.


class Prices:
    """A method can be cached, too."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    @cached_until_restore
    def of(self, item: str, *, currency: str = "CHF") -> int:
        """What it costs."""
        self.asked.append((item, currency))
        return len(self.asked)

    @cached_until_restore(ttl=HOUR)
    def today(self, item: str = "", *more: str, **options: str) -> int:
        self.asked.append((item, *more, *options.items()))
        return len(self.asked)


@pytest.mark.parametrize("kind", ["of", "today"])
def test_results_are_kept_until_the_restore(kind: str, hook_registry: Registry) -> None:
    prices = Prices()
    price = prices.of if kind == "of" else functools.partial(prices.today)
    cached: CachedFunction[..., int] = Prices.of if kind == "of" else Prices.today
    assert [price("tea"), price("tea"), price("milk"), price("tea", currency="EUR")] == [1, 1, 2, 3]
    assert price("tea", currency="EUR") == 3
    assert tuple(cached.cache_info()) == (2, 3, None, 3)
    assert not inspect.iscoroutinefunction(cached)
    with simulate(hook_registry):
        assert tuple(cached.cache_info()) == (0, 0, None, 0)
        assert price("tea") == 4
        cached.cache_clear()
        assert price("tea") == 5
    cached.cache_clear()


def test_they_look_like_the_function() -> None:
    assert getattr(Prices.of, "__name__", "") == "of"
    assert Prices.of.__doc__ == "What it costs."
    assert Prices.of.__wrapped__(Prices(), "tea") == 1
    assert Prices.today.__wrapped__(Prices(), "tea") == 1


def test_the_wall_clock_ends_them_in_both_directions() -> None:
    registry, asked = Registry(), list[int]()

    @cached_until_restore(ttl=60, registry=registry)
    def flags() -> int:
        asked.append(1)
        return len(asked)

    with time_machine.travel(1_000_000, tick=False) as clock:
        assert flags() == 1
        clock.shift(59)
        assert flags() == 1
        clock.shift(1)
        assert flags() == 2
        clock.shift(-30)
        assert flags() == 3  # from the future: it was made under another clock


def test_what_is_being_computed_when_a_restore_comes_is_not_kept() -> None:
    registry, asked = Registry(), list[int]()

    @cached_until_restore(ttl=60, registry=registry)
    def flags() -> int:
        asked.append(1)
        if len(asked) == 1:
            registry.run_after_restore()
        return len(asked)

    assert flags() == 1
    assert flags() == 2


def test_an_error_is_not_kept(hook_registry: Registry) -> None:
    answers: list[object] = [ConnectionError("refused"), 5]

    @cached_until_restore
    def ask() -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ConnectionError, match="refused"):
        ask()
    assert ask() == ask() == 5


async def _coroutine() -> None: ...


@pytest.mark.parametrize("func", [_coroutine, lambda: (yield), "nothing"], ids=["coroutine", "generator", "text"])
def test_what_one_use_uses_up_is_refused(func: Callable[[], object]) -> None:
    with pytest.raises(HookSignatureError, match="cannot be used for values of a restore"):
        cached_until_restore(func)


@pytest.mark.parametrize("ttl", [0, -1, True, "60", float("nan")])
def test_a_time_to_live_is_a_number_of_seconds(ttl: float) -> None:
    with pytest.raises(HookOptionError, match=r"ttl=.* is not possible. Give a number of seconds above 0"):
        cached_until_restore(ttl=ttl)


# The generation.


def test_the_generation_counts_restores(hook_registry: Registry) -> None:
    assert generation() == 0
    seen: list[int] = []
    hook_registry.after_restore(priority=-(2**63) + 1)(lambda: seen.append(generation()))
    with simulate(hook_registry):
        assert generation() == 1
    hook_registry.run_after_restore()
    assert generation() == default_registry.generation == 2
    assert seen == [1, 2]


# What it costs.


def test_nothing_is_done_after_a_restore_for_what_nobody_uses() -> None:
    """Counted: calls of Python functions in the hook, with a hundred of each kind."""

    def calls(number: int) -> int:
        registry, counted = Registry(), 0
        for _ in range(number):
            resource(registry=registry)(lambda: threading.Lock())  # noqa: PLW0108
            PerRestore(object, registry=registry)
            cached_until_restore(registry=registry)(lambda: None)
        registry.run_before_snapshot()
        (hook,) = registry.plan(Phase.AFTER_RESTORE)

        def count(_: object, event: str, __: object) -> None:
            nonlocal counted
            counted += event == "call"

        sys.setprofile(count)
        try:
            hook.call()
        finally:
            sys.setprofile(None)
        return counted

    assert calls(100) == calls(1) == 1


def test_a_resource_costs_the_same_however_many_there_are() -> None:
    """Counted: calls of functions while resources are declared, opened twice, and closed."""

    def calls(number: int) -> int:
        registry, counted = Registry(), 0

        def count(_: object, event: str, __: object) -> None:
            nonlocal counted
            counted += event in {"call", "c_call"}

        def values() -> Iterator[int]:
            yield 1

        sys.setprofile(count)
        try:
            doors = [resource(registry=registry, name=f"r{each}")(values) for each in range(number)]
            for _ in range(2):
                for door in doors:
                    door()
            with simulate(registry):
                for door in doors:
                    door()
            registry.run_before_snapshot()
        finally:
            sys.setprofile(None)
        return counted

    few = calls(100)
    assert calls(300) < 3.5 * few


def test_an_access_runs_no_python_code() -> None:
    held = PerRestore(object, registry=Registry())
    held()
    events: list[str] = []
    sys.setprofile(lambda _, event, __: events.append(event))
    try:
        held()
    finally:
        sys.setprofile(None)
    assert "call" not in events


@pytest.mark.once
def test_importing_it_brings_nothing_heavy_along() -> None:
    program = (
        "import sys, snapstart_hooks; before = set(sys.modules); import snapstart_hooks.resources as it;"
        "it.resource(lambda: open('/dev/null')); it.PerRestore(object); it.cached_until_restore(print);"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    brought = {name for name in done.stdout.split() if not name.startswith("snapstart_hooks.")}
    if sys.version_info >= (3, 12):
        assert not brought & {"asyncio", "inspect", "dataclasses", "concurrent.futures", "logging.config"}
