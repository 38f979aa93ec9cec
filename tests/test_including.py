"""A registry, and the providers whose hooks it has: modules, objects, other registries."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

import snapstart_hooks
from snapstart_hooks import Hook, Phase, Registry
from snapstart_hooks.errors import (
    HookOptionError,
    PhaseError,
    ProviderError,
    SnapstartHooksError,
    UnknownHookError,
)

if TYPE_CHECKING:
    from snapstart_hooks import HookProvider

AFTER = Phase.AFTER_RESTORE


def nothing() -> None: ...


async def nothing_async() -> None: ...


def needs_one(pool: object) -> None: ...


def include(registry: Registry, provider: object, name: str = "lib") -> None:
    """As somebody without a type checker does it."""
    registry.include(cast("HookProvider", provider), name=name)


def told(registry: Registry, phase: Phase = AFTER) -> list[str]:
    return [hook.name for hook in registry.plan(phase)]


class Pool:
    priority = -200
    after = ("credentials",)
    timeout = 1.5
    required = False
    concurrent = True

    def __init__(self) -> None:
        self.log: list[str] = []

    def before_snapshot(self) -> None:
        self.log.append("close")

    async def after_restore(self) -> None:
        await asyncio.sleep(0)
        self.log.append("open")


# Modules and objects.


def test_an_object_with_both_hooks_and_all_options() -> None:
    registry, pool = Registry(), Pool()
    registry.include(pool, name="acme:pool")
    registry.run_before_snapshot()
    registry.run_after_restore()
    assert pool.log == ["close", "open"]
    for hook in registry.hooks:
        assert (hook.name, hook.priority, hook.after) == ("acme:pool", -200, ("credentials",))
        assert (hook.timeout, hook.required, hook.concurrent) == (1.5, False, True)
        assert hook.provider is registry.providers[0]
    assert str(registry.providers[0]) == "acme:pool"
    assert repr(registry.providers[0]) == "<ProviderInfo acme:pool>"
    assert str(registry.hooks[0]).startswith("acme:pool (")


@pytest.mark.parametrize("missing", Phase)
def test_one_hook_is_enough_and_its_defaults_are_those_of_libraries(missing: Phase) -> None:
    module = ModuleType("acme._snapstart")
    module.before_snapshot, module.after_restore = nothing, nothing_async  # type: ignore[attr-defined]
    delattr(module, missing.value)
    registry = Registry()
    include(registry, module)
    (hook,) = registry.hooks
    assert hook.phase is not missing
    assert (hook.priority, hook.after, hook.timeout, hook.required, hook.concurrent) == (-100, (), None, True, False)


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({}, "the SimpleNamespace object has neither `before_snapshot` nor `after_restore`."),
        (
            {"after_restore": 3},
            "an object of type 'int' (the SimpleNamespace object) cannot be a hook",
        ),
        ({"after_restore": None}, "`None` (the SimpleNamespace object) cannot be a hook of after_restore"),
        ({"before_snapshot": needs_one}, "needs_one ({file}:"),
        ({"after_restore": snapstart_hooks.after_restore}, "is the decorator of snapstart_hooks itself. Make `hooks"),
        ({"after_restore": nothing, "priority": "high"}, "the SimpleNamespace object: priority='high' is not possible"),
        ({"after_restore": nothing, "priority": True}, "priority=True is not possible"),
        ({"after_restore": nothing, "after": "db"}, "after='db' is not possible. Give a sequence of names"),
        ({"after_restore": nothing, "after": [1]}, "after=(1,) is not possible"),
        ({"after_restore": nothing, "after": 1}, "after=1 is not possible"),
        ({"after_restore": nothing, "timeout": "2"}, "timeout='2' is not possible"),
        ({"after_restore": nothing, "required": "no"}, "required='no' is not possible"),
        ({"after_restore": nothing, "concurrent": 1}, "concurrent=1 is not possible"),
    ],
)
def test_what_is_no_provider_is_refused_and_named(attributes: dict[str, object], found: str) -> None:
    registry = Registry()
    with pytest.raises(ProviderError) as caught:
        include(registry, SimpleNamespace(**attributes), "acme:pool")
    message = str(caught.value)
    assert message.startswith("provider acme:pool (acme:pool): ")
    assert found.format(file=__file__) in message
    assert caught.value.provider == "acme:pool"
    assert not registry.hooks
    assert not registry.providers


def test_what_is_found_instead_is_described() -> None:
    for provider, described in (
        (ModuleType("acme.pool"), "module 'acme.pool' has neither"),
        (ProviderError, "class 'snapstart_hooks.errors.ProviderError' has neither"),
        (7, "the int object has neither"),
    ):
        with pytest.raises(ProviderError, match=described):
            include(Registry(), provider)


def test_a_name_is_needed_and_taken_once() -> None:
    registry = Registry()
    with pytest.raises(HookOptionError, match=r"include\(\.\.\.\) \(.*\.py:\d+\): name='' is not possible"):
        include(registry, Pool(), "")
    include(registry, Pool())
    with pytest.raises(ProviderError, match="a provider named 'lib' is included already"):
        include(registry, Pool())
    assert len(registry.providers) == 1


# Registries.


def test_hooks_that_an_included_registry_gets_later_are_in_the_plan_too() -> None:
    library, application = Registry(), Registry()
    library.after_restore(name="early")(nothing)
    application.include(library, name="lib")
    assert told(application) == ["early"]
    library.after_restore(nothing)
    assert told(application) == ["early", "lib"]
    library.remove(library.hooks[0])
    assert told(application) == ["lib"]
    assert [hook.provider for hook in library.hooks] == [None]


def test_a_registry_inside_of_a_registry() -> None:
    inner, middle, outer = Registry(), Registry(), Registry()
    middle.include(inner, name="inner")
    outer.include(middle, name="middle")
    assert told(outer) == []
    inner.after_restore(name="deep")(nothing)
    assert told(outer) == ["deep"]
    (hook,) = outer.hooks
    assert hook.provider is not None
    assert hook.provider.name == "middle"
    include(inner, Pool(), "object")  # which cannot be a part of a circle
    for whole, part in ((inner, outer), (inner, inner), (inner, middle)):
        with pytest.raises(ProviderError, match="this registry is part of it, so it cannot be part of this registry"):
            whole.include(part, name="loop")


def test_one_registry_in_two_others_is_theirs_alike() -> None:
    library, first, second = Registry(), Registry(), Registry()
    for registry in (first, second):
        registry.include(library, name="lib")
        assert told(registry) == []
    library.after_restore(nothing)
    assert told(first) == told(second) == ["lib"]
    first.remove(first.hooks[0])
    assert (told(first), told(second)) == ([], ["lib"])


# Removing.


def test_any_hook_can_be_removed_once() -> None:
    registry, library = Registry(), Registry()
    library.after_restore(nothing)
    registry.after_restore(nothing)
    registry.include(library, name="registry")
    include(registry, Pool(), "object")
    for _ in range(4):
        hook = registry.hooks[0]
        registry.remove(hook)
        assert hook not in registry.hooks
        with pytest.raises(UnknownHookError, match="is not in this registry"):
            registry.remove(hook)
    assert registry.hooks == registry.plan(AFTER) == ()
    assert len(library.hooks) == 1


# Isolation, for tests.


def test_inside_of_isolated_the_registry_is_as_good_as_new_and_behind_it_as_it_was() -> None:
    registry = Registry()
    registry.after_restore(name="mine")(nothing)
    include(registry, Pool())
    registry.run_before_snapshot()
    registry.run_after_restore()
    before = (registry.hooks, registry.providers, registry.last_report, registry.generation, registry.restored_at)
    with contextlib.suppress(ZeroDivisionError), registry.isolated() as same:
        assert same is registry
        assert not any((registry.hooks, registry.providers, registry.skipped))
        assert (registry.last_report, registry.generation, registry.restored_at) == (None, 0, None)
        assert registry.snapshot_age is None
        registry.after_restore(nothing)
        raise ZeroDivisionError
    assert before == (
        registry.hooks,
        registry.providers,
        registry.last_report,
        registry.generation,
        registry.restored_at,
    )


def test_a_running_phase_cannot_be_put_aside() -> None:
    registry = Registry()
    caught: list[Exception] = []

    @registry.after_restore
    def isolate() -> None:
        try:
            with registry.isolated():
                raise AssertionError
        except PhaseError as error:
            caught.append(error)

    registry.run_after_restore()
    assert [str(error) for error in caught] == ["the registry cannot be isolated while its after_restore runs"]
    with registry.isolated():
        assert registry.hooks == ()


# The rest.


def test_two_hundred_threads_register_and_nothing_is_lost() -> None:
    registry, library = Registry(), Registry()
    registry.include(library, name="lib")
    start = threading.Barrier(200)

    def register() -> None:
        start.wait()
        registry.after_restore(nothing)
        library.before_snapshot(nothing)
        registry.plan(AFTER)

    threads = [threading.Thread(target=register) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(registry.plan(AFTER)) == len(registry.plan(Phase.BEFORE_SNAPSHOT)) == 200
    assert registry.plan(AFTER) == tuple(hook for hook in registry.hooks if hook.phase is AFTER)


def test_what_it_is_is_seen() -> None:
    registry = Registry()
    registry.after_restore(nothing)
    assert repr(registry) == "<Registry with 1 hooks>"
    assert repr(registry.hooks[0]).startswith("<Hook after_restore ")
    with pytest.raises(ValueError, match="'restored' is not a valid Phase"):
        registry.plan("restored")  # type: ignore[arg-type]
    assert registry.plan("after_restore") == registry.hooks  # type: ignore[arg-type]


def test_an_allow_list_is_no_string() -> None:
    with pytest.raises(HookOptionError, match=r"allow='acme' is not possible\. Give a collection of names"):
        Registry(allow="acme")
    assert issubclass(HookOptionError, SnapstartHooksError)


def test_an_observer_that_is_taken_off_is_told_nothing_and_may_be_taken_off_twice() -> None:
    class Count(snapstart_hooks.HookObserver):
        started = 0

        def hook_started(self, hook: Hook, /) -> None:  # type: ignore[explicit-override]
            self.started += 1

    registry, count = Registry(), Count()
    registry.after_restore(nothing)
    undo = registry.add_observer(count)
    registry.run_after_restore()
    undo()
    undo()
    registry.run_after_restore()
    assert count.started == 1
