"""The order in which hooks run: priorities, edges, ties, and the mirror between the phases."""
# What hypothesis decorates takes anything.
# mypy: disallow-any-decorated=False

from __future__ import annotations

import random
from itertools import pairwise
from types import ModuleType

import pytest
import snapshot_restore_py
from hostile import calls
from hypothesis import given
from hypothesis import strategies as st

from snapstart_hooks import Hook, Phase, Priority, ProviderInfo, Registry
from snapstart_hooks._plan import batches, of_phase, order
from snapstart_hooks.errors import HookOrderError

NAMES = ["a", "b", "c", "d", "e", "lib", "other"]


def nothing() -> None: ...


def hook(**options: object) -> Hook:
    return Hook(Phase.AFTER_RESTORE, nothing, **options)  # type: ignore[arg-type]


def told(registry: Registry, phase: Phase = Phase.AFTER_RESTORE) -> list[str]:
    return [each.name for each in registry.plan(phase)]


priorities = st.sampled_from([*Priority, -1, 1, 50])
edges = st.lists(st.sampled_from([*NAMES, "not installed"]), max_size=2)


@st.composite
def acyclic(draw: st.DrawFn) -> list[dict[str, object]]:
    """Options of hooks; each waits only for names that came before it, so that there is no cycle."""
    options: list[dict[str, object]] = []
    for index in range(draw(st.integers(0, 12))):
        known = [f"h{before}" for before in range(index)]
        after = draw(st.lists(st.sampled_from([*known, "not installed"]), max_size=3))
        options.append({"name": f"h{index}", "priority": draw(priorities), "after": tuple(after)})
    return options


@given(acyclic())
def test_before_snapshot_is_the_exact_mirror_of_after_restore(options: list[dict[str, object]]) -> None:
    registry = Registry()
    for each in options:
        registry.after_restore(**each)(nothing)  # type: ignore[call-overload]
        registry.before_snapshot(**each)(nothing)  # type: ignore[call-overload]
    assert told(registry, Phase.BEFORE_SNAPSHOT) == told(registry)[::-1]


@given(acyclic())
def test_every_edge_is_honoured_and_nothing_is_lost(options: list[dict[str, object]]) -> None:
    hooks = [hook(**each) for each in options]
    place = {each.name: index for index, each in enumerate(order(hooks))}
    assert len(place) == len(hooks)
    for each in hooks:
        for name in each.after:
            assert place.get(name, -1) < place[each.name]


@given(acyclic())
def test_of_those_that_may_be_next_the_first_in_rank_is(options: list[dict[str, object]]) -> None:
    """What is out of rank waits for somebody that is not done; so edges disturb no more than they must."""
    hooks = [hook(**each) for each in options]
    registered = {each: place for place, each in enumerate(hooks)}
    ordered = order(hooks)
    for index, chosen in enumerate(ordered):
        done = {each.name for each in ordered[:index]}
        for rival in ordered[index:]:
            free = all(name in done or name == "not installed" for name in rival.after)
            assert not free or (chosen.priority, registered[chosen]) <= (rival.priority, registered[rival])


@given(st.lists(priorities))
def test_without_edges_priority_decides_and_then_registration(given_priorities: list[int]) -> None:
    registry = Registry()
    for index, priority in enumerate(given_priorities):
        registry.after_restore(priority=priority, name=f"{index}")(nothing)
    expected = sorted(range(len(given_priorities)), key=lambda index: given_priorities[index])
    assert told(registry) == [f"{index}" for index in expected]


@given(st.lists(st.booleans(), max_size=10))
def test_plain_hooks_run_in_the_order_of_aws(phases: list[bool]) -> None:
    before, after = snapshot_restore_py.get_before_snapshot(), snapshot_restore_py.get_after_restore()
    kept = before[:], after[:]
    registry = Registry()
    ours: list[int] = []
    theirs: list[int] = []
    try:
        for index, is_before in enumerate(phases):
            if is_before:
                registry.register_before_snapshot(ours.append, index)
                snapshot_restore_py.register_before_snapshot(theirs.append, index)
            else:
                registry.register_after_restore(ours.append, index)
                snapshot_restore_py.register_after_restore(theirs.append, index)
        while len(before) > len(kept[0]):  # as lambda_runtime_hooks_runner does it
            func, args, kwargs = before.pop()
            func(*args, **kwargs)
        for func, args, kwargs in after[len(kept[1]) :]:
            func(*args, **kwargs)
    finally:
        before[:], after[:] = kept
    registry.run_before_snapshot()
    registry.run_after_restore()
    assert ours == theirs


def provider(log: list[str], name: str, **options: object) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(options, after_restore=lambda: log.append(name), before_snapshot=lambda: log.append(name))
    return module


@given(st.permutations(["Alpha", "beta_", "c.d", "delta", "x"]), st.randoms(use_true_random=False))
def test_the_order_of_providers_depends_on_their_names_and_on_nothing_else(
    given_names: list[str], shuffler: random.Random
) -> None:
    plans = []
    for _ in range(2):
        registry = Registry()
        shuffler.shuffle(given_names)
        for name in given_names:
            registry.include(provider([], name), name=name)
        plans.append(told(registry))
    assert plans[0] == plans[1] == ["Alpha", "beta_", "c.d", "delta", "x"]


def test_libraries_come_back_before_the_application_and_between_them_priority_decides() -> None:
    registry = Registry()
    registry.after_restore(name="application")(nothing)
    registry.after_restore(name="early", priority=Priority.LIBRARY)(nothing)
    registry.include(provider([], "lib"), name="lib")
    registry.include(provider([], "warm", priority=Priority.WARMUP), name="warm")
    assert told(registry) == ["lib", "early", "application", "warm"]
    assert told(registry, Phase.BEFORE_SNAPSHOT) == ["warm", "lib"]


def test_hooks_of_a_registry_that_a_library_ships_keep_their_order_and_options() -> None:
    shipped = Registry()
    shipped.after_restore(name="second")(nothing)
    shipped.after_restore(name="first", priority=Priority.ENTROPY)(nothing)
    shipped.after_restore(name="third")(nothing)
    registry = Registry()
    registry.after_restore(name="application")(nothing)
    registry.include(shipped, name="lib")
    assert told(registry) == ["first", "second", "third", "application"]
    assert [each.priority for each in registry.plan(Phase.AFTER_RESTORE)] == [-400, -100, -100, 0]


@pytest.mark.parametrize("name", ["lib", "Lib", "lib:pool", "LIB:pool"])
def test_an_edge_may_name_a_provider_or_its_distribution_in_any_spelling(name: str) -> None:
    registry = Registry()
    registry.after_restore(name="mine", priority=-1000, after=(name,))(nothing)
    registry.include(provider([], "lib"), name="lib" if ":" not in name else "lib:pool")
    assert told(registry) == (["lib", "mine"] if ":" not in name else ["lib:pool", "mine"])


def test_an_edge_beats_a_priority_and_moves_nobody_else() -> None:
    registry = Registry()
    registry.after_restore(name="eager", priority=-1000, after=("late",))(nothing)
    registry.after_restore(name="middle")(nothing)
    registry.after_restore(name="late", priority=1000)(nothing)
    assert told(registry) == ["middle", "late", "eager"]


def test_an_edge_to_a_name_that_it_bears_itself_waits_for_the_others_of_that_name() -> None:
    registry = Registry()
    registry.after_restore(name="pool", priority=-1, after=("pool",))(nothing)
    registry.after_restore(name="pool")(nothing)
    assert [each.priority for each in registry.plan(Phase.AFTER_RESTORE)] == [0, -1]
    alone = Registry()
    alone.after_restore(name="pool", after=("pool",))(nothing)
    with pytest.raises(HookOrderError, match=r"pool .* waits for pool"):
        alone.plan(Phase.AFTER_RESTORE)


def test_a_cycle_is_named_when_the_plan_is_made_and_no_hook_runs() -> None:
    registry = Registry()
    ran: list[str] = []
    for name, after in (("a", "b"), ("b", "c"), ("c", "a"), ("behind", "a"), ("free", "nobody")):
        registry.after_restore(name=name, after=(after,)).call(ran.append, name)
    with pytest.raises(HookOrderError) as caught:
        registry.run_before_snapshot()
    assert ran == []
    assert sorted(set(caught.value.cycle)) == ["a", "b", "c"]
    assert caught.value.cycle[0] == caught.value.cycle[-1]
    message = str(caught.value)
    assert message.startswith("the `after` of these hooks form a cycle: ")
    assert message.endswith("Take one of these names out of its `after`.")
    assert message.count("which waits for") == 3
    assert message.count("test_order.py:") == 4
    assert "behind" not in message


@given(st.lists(st.tuples(st.sampled_from(NAMES), edges), max_size=8))
def test_a_cycle_is_told_exactly_if_there_is_one(declared: list[tuple[str, list[str]]]) -> None:
    hooks = [hook(name=name, after=tuple(after)) for name, after in declared]

    def waits(index: int) -> set[int]:
        return {
            other
            for other, each in enumerate(hooks)
            if each.name in hooks[index].after and (other != index or declared_names.count(each.name) == 1)
        }

    declared_names = [name for name, _ in declared]
    left = set(range(len(hooks)))
    while free := {index for index in left if not waits(index) & left}:
        left -= free
    if left:
        with pytest.raises(HookOrderError) as caught:
            order(hooks)
        for waiting, awaited in pairwise(caught.value.cycle):
            assert any(name == waiting and awaited in after for name, after in declared)
    else:
        assert sorted(map(id, order(hooks))) == sorted(map(id, hooks))


# What overlaps.


def test_three_of_one_name_that_wait_for_it_make_a_cycle() -> None:
    with pytest.raises(HookOrderError):
        order([hook(name="a", after=("a",)) for _ in range(3)])


def test_a_long_cycle_is_told_in_short_and_known_in_whole() -> None:
    with pytest.raises(HookOrderError) as caught:
        order([hook(name=f"h{index}", after=(f"h{(index + 1) % 200}",)) for index in range(200)])
    assert " more ..." in str(caught.value)
    assert str(caught.value).count("which waits for") < 200
    assert len(caught.value.cycle) == 201


def test_what_a_hook_registers_waits_for_what_it_names() -> None:
    registry, ran = Registry(), list[str]()

    def register() -> None:
        registry.after_restore(name="b", after=("a",))(lambda: ran.append("b"))
        registry.after_restore(name="a")(lambda: ran.append("a"))

    registry.after_restore(register)
    registry.after_restore(name="planned")(lambda: ran.append("planned"))
    assert registry.run_after_restore().ok
    assert ran == ["planned", "a", "b"]


def cut(*hooks: Hook) -> list[list[str]]:
    return [[each.name for each in batch] for batch in batches(order(hooks))]


def test_neighbours_of_equal_priority_that_say_so_overlap() -> None:
    together = [hook(name=name, concurrent=True) for name in "abc"]
    assert cut(*together) == [["a", "b", "c"]]
    assert cut(*together, hook(name="later", concurrent=True, priority=1)) == [["a", "b", "c"], ["later"]]
    assert cut(hook(name="x"), hook(name="y")) == [["x"], ["y"]]


def test_one_that_does_not_overlap_parts_its_neighbours() -> None:
    middle = hook(name="alone")
    assert cut(hook(name="a", concurrent=True), middle, hook(name="b", concurrent=True)) == [
        ["a"],
        ["alone"],
        ["b"],
    ]


def test_those_that_wait_for_each_other_do_not_overlap() -> None:
    first = hook(name="first", concurrent=True)
    other = hook(name="other", concurrent=True)
    then = hook(name="then", concurrent=True, after=("first",))
    assert cut(first, other, then) == [["first", "other"], ["then"]]
    closing = [
        Hook(Phase.BEFORE_SNAPSHOT, nothing, name=each.name, after=each.after, concurrent=True)
        for each in (first, other, then)
    ]
    mirrored = batches(of_phase(Phase.BEFORE_SNAPSHOT, order(closing)))
    assert [[each.name for each in batch] for batch in mirrored] == [["then", "other"], ["first"]]


@given(acyclic())
def test_batches_are_the_plan_in_pieces_and_nobody_waits_inside_of_one(options: list[dict[str, object]]) -> None:
    hooks = [hook(**{**each, "priority": 0}, concurrent=True) for each in options]
    pieces = batches(order(hooks))
    assert [each for batch in pieces for each in batch] == order(hooks)
    for batch in pieces:
        for each in batch:
            assert not {other.name for other in batch} & set(each.after)


# The size of it.


def options_of(kind: str, place: int) -> dict[str, object]:
    match kind:
        case "concurrent":
            return {"concurrent": True}
        case "chain":
            return {"name": f"h{place}", "after": (f"h{place - 1}",)}
        case "half waits for the other":
            return {"after": ("awaited",)} if place % 2 else {"name": "awaited"}
        case _:
            return {}


@pytest.mark.parametrize("kind", ["plain", "concurrent", "chain", "half waits for the other"])
def test_ten_times_the_hooks_cost_ten_times_the_calls(kind: str) -> None:
    def cost(number: int) -> int:
        hooks = [hook(**options_of(kind, place)) for place in range(number)]
        random.Random(1).shuffle(hooks)  # noqa: S311 - any other order than the final one
        return calls(lambda: batches(order(hooks)))

    assert cost(2000) < 12 * cost(200)


def test_a_hook_bears_its_own_name_its_provider_s_and_its_distribution_s() -> None:
    shipped = hook(name="Pool", provider=ProviderInfo("My.Driver:a", distribution="My.Driver", entry_point="a"))
    assert shipped.names == {"pool", "my-driver:a", "my-driver"}
