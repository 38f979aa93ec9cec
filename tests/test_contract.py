"""What a library may ship: options for one phase, hooks for live objects, their loops, names, and what is misspelt."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import time
import weakref
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, NoReturn, cast

import pytest
from plugins.building import declare, left_out, write

import snapstart_hooks
from snapstart_hooks import Hook, Outcome, Phase, Priority, ProviderInfo, Registry
from snapstart_hooks._state import Included
from snapstart_hooks.errors import DiscoveryError, HooksFailed, HookSignatureError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

BEFORE, AFTER = Phase.BEFORE_SNAPSHOT, Phase.AFTER_RESTORE


class Pool:
    """As a driver's: it may have a name, and belong to a loop."""

    def __init__(self, name: object = None, loop: asyncio.AbstractEventLoop | None = None) -> None:
        if name is not None:
            self.name = name
        self.loop = loop
        self.done: list[str] = []

    def reopen(self) -> None:
        self.done.append("open")


def nothing() -> None: ...


def provider(**attributes: object) -> Registry:
    """Any object may be one; its attributes are what is tested."""
    return cast("Registry", SimpleNamespace(**{"after_restore": nothing, **attributes}))


def included(shipped: Registry, name: str = "acme:pool") -> Registry:
    registry = Registry()
    registry.include(shipped, name=name)
    return registry


def names(registry: Registry, phase: Phase = AFTER) -> list[str]:
    return [hook.name for hook in registry.plan(phase)]


@pytest.fixture
def pools() -> Callable[[], list[Pool]]:
    """Those that live, as a library keeps them."""
    living: weakref.WeakSet[Pool] = weakref.WeakSet()

    def instances() -> list[Pool]:
        return sorted(living, key=lambda pool: str(getattr(pool, "name", "")))

    instances.add = living.add  # type: ignore[attr-defined]
    return instances


# Options for one phase.


def test_an_option_for_one_phase_beats_the_one_for_both() -> None:
    tracer = provider(
        before_snapshot=nothing,
        priority=-150,
        after_restore_priority=-400,
        timeout=5,
        before_snapshot_timeout=None,
        after_restore_after=["credentials"],
        before_snapshot_required=False,
        after_restore_concurrent=True,
    )
    before, after = included(tracer).hooks
    assert (before.phase, before.priority, before.timeout, before.after) == (BEFORE, Priority.TELEMETRY, None, ())
    assert (before.required, before.concurrent) == (False, False)
    assert (after.phase, after.priority, after.timeout, after.after) == (AFTER, Priority.ENTROPY, 5, ("credentials",))
    assert (after.required, after.concurrent) == (True, True)


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        (
            {"after_restore_priority": "first"},
            "`after_restore_priority` of the SimpleNamespace object: priority='first'",
        ),
        (
            {"before_snapshot_timeout": 0, "before_snapshot": nothing},
            "`before_snapshot_timeout` of the SimpleNamespace",
        ),
        ({"provides": "psycopg2"}, "`provides` of the SimpleNamespace object is 'psycopg2': it has to be a sequence"),
        ({"provides": [1]}, "it has to be a sequence of names"),
        ({"instances": []}, r"`instances` of the SimpleNamespace object is \[\]: it has to be a function"),
        ({"instances": list, "loop": 7, "after_restore": print}, "`loop` of the SimpleNamespace object is 7"),
        ({"loop": nothing}, "has `loop`, but no `instances`"),
        ({"instances": list}, r"nothing \(.*\) cannot be a hook of after_restore: it takes 0 positional arguments"),
        ({"after_restore": weakref.ref(Pool)}, "it is a weak reference"),
    ],
)
def test_what_is_wrong_with_an_attribute_is_told(attributes: dict[str, object], found: str) -> None:
    with pytest.raises(ProviderError, match=found):
        included(provider(**attributes))


def test_a_name_is_text_whatever_its_class_makes_of_that() -> None:
    class Odd(str):
        __slots__ = ()

        def strip(self, *_: object) -> NoReturn:  # type: ignore[explicit-override]
            raise ZeroDivisionError

    names = [Odd("psycopg2")]
    for shipped in provider(provides=names), Registry(provides=names, allow=names):
        (info,) = included(shipped).providers
        assert "psycopg2" in info.names


def test_what_an_author_meant_who_names_something_else() -> None:
    class Needs:
        def after_restore(self) -> None: ...

    with pytest.raises(
        ProviderError, match=r"It is a function: let the entry point name the module that it is in, '.*test_contract'"
    ):
        included(cast("Registry", nothing))
    with pytest.raises(ProviderError, match="It is a weak reference: name the object"):
        included(cast("Registry", weakref.ref(Needs)))
    with pytest.raises(ProviderError, match="Name an object: an instance of it, or the module"):
        included(cast("Registry", Needs))
    with pytest.raises(
        ProviderError, match="called without arguments, or with one object if it has `instances`"
    ) as caught:
        included(provider(after_restore=lambda client: client))
    assert "register_" not in str(caught.value)  # its author may not know our functions


# One hook for each live object.


def test_each_live_object_has_hooks_of_its_own(pools: Callable[[], list[Pool]]) -> None:
    cache, sessions, nameless = Pool("cache"), Pool("sessions"), Pool()
    for pool in (cache, sessions, nameless):
        pools.add(pool)  # type: ignore[attr-defined]
    registry = included(
        provider(
            before_snapshot=lambda pool: pool.done.append("closed"),
            after_restore=lambda pool: pool.done.append("open"),
            instances=pools,
        )
    )
    assert names(registry) == ["acme:pool[1]", "acme:pool[cache]", "acme:pool[sessions]"]
    late = Pool("late")
    pools.add(late)  # type: ignore[attr-defined]
    assert registry.run_before_snapshot().ok
    del nameless
    assert registry.run_after_restore().ok
    for pool in (cache, sessions, late):
        assert pool.done == ["closed", "open"]


def test_hooks_keep_no_object_alive_and_are_those_of_the_snapshot(pools: Callable[[], list[Pool]]) -> None:
    first, ran = Pool("first"), list[object]()
    pools.add(first)  # type: ignore[attr-defined]
    registry = included(provider(after_restore=lambda pool: ran.append(pool.name), instances=pools))
    kept, gone = Pool("kept"), weakref.ref(first)
    registry.before_snapshot(lambda: pools.add(kept))  # type: ignore[attr-defined]
    registry.run_before_snapshot()
    del first
    gc.collect()
    assert gone() is None
    too_late = Pool("too late")
    pools.add(too_late)  # type: ignore[attr-defined]
    registry.run_after_restore()
    assert ran == ["kept"]


def test_what_the_hooks_have_made_is_put_away_too(pools: Callable[[], list[Pool]]) -> None:
    primed = Pool("primed")
    shipped = provider(
        before_snapshot=lambda pool: pool.done.append("closed"),
        after_restore=lambda pool: pool.done.append("open"),
        instances=pools,
    )
    registry = included(shipped)
    registry.before_snapshot(priority=100)(lambda: pools.add(primed))  # type: ignore[attr-defined]
    assert [result.hook.name for result in registry.run_before_snapshot().results][1:] == ["acme:pool[primed]"]
    registry.run_after_restore()
    assert primed.done == ["closed", "open"]


def test_they_are_looked_for_before_and_behind_the_hooks_and_no_more(pools: Callable[[], list[Pool]]) -> None:
    looks: list[int] = []

    def instances() -> list[Pool]:
        looks.append(1)
        return pools()

    registry = included(provider(after_restore=lambda _pool: None, instances=instances))
    looks.clear()
    registry.run_before_snapshot()
    registry.run_after_restore()
    assert len(looks) == 2


def test_instances_that_makes_some_each_time_has_an_end() -> None:
    made: list[Pool] = []

    def instances() -> list[Pool]:
        made.append(Pool())
        return made

    close: Callable[[Pool], None] = lambda pool: pool.done.append("closed")  # noqa: E731
    registry = included(provider(before_snapshot=close, after_restore=close, instances=instances))
    assert registry.run_before_snapshot().ok
    assert len(made) < 10
    assert sum(pool.done == ["closed"] for pool in made) > 1


def test_objects_of_one_name_are_told_apart_and_keep_their_labels(pools: Callable[[], list[Pool]]) -> None:
    alike = [Pool("same"), Pool("same"), Pool(7), Pool(" ")]
    for pool in alike:
        pools.add(pool)  # type: ignore[attr-defined]
    registry = included(provider(after_restore=lambda _pool: None, instances=pools))
    before = registry.hooks
    assert len({hook.name for hook in before}) == len(alike)
    assert "acme:pool[same]" in names(registry)
    registry.run_before_snapshot()
    assert set(registry.hooks) == set(before)


def test_one_is_left_out_by_name_or_in_code(pools: Callable[[], list[Pool]], monkeypatch: pytest.MonkeyPatch) -> None:
    living = [Pool("cache"), Pool("sessions"), Pool("rest")]
    for pool in living:
        pools.add(pool)  # type: ignore[attr-defined]
    registry = included(provider(after_restore=lambda pool: pool.done.append("open"), instances=pools))
    monkeypatch.setenv("SNAPSTART_HOOKS_DISABLE", "other, ACME:Pool[cache]")
    registry.remove(next(hook for hook in registry.hooks if hook.name == "acme:pool[rest]"))
    registry.run_before_snapshot()
    registry.run_after_restore()
    assert [pool.done for pool in living] == [[], ["open"], []]


def test_they_overlap_if_they_may(pools: Callable[[], list[Pool]]) -> None:
    living, together = [Pool(str(number)) for number in range(4)], threading.Barrier(4)
    for pool in living:
        pools.add(pool)  # type: ignore[attr-defined]
    registry = included(provider(after_restore=lambda _pool: together.wait(10), instances=pools, concurrent=True))
    assert registry.run_after_restore().ok


def infinite() -> Iterator[object]:
    while True:
        yield Pool()


@pytest.mark.parametrize(
    ("instances", "told"),
    [
        (lambda: 1 / 0, "raised ZeroDivisionError"),
        (lambda: [7], "cannot create weak reference to 'int' object"),
        (lambda: None, "'NoneType' object is not iterable"),
    ],
)
def test_instances_that_cannot_be_had_are_refused(instances: Callable[[], object], told: str) -> None:
    shipped = provider(after_restore=lambda _thing: None, instances=instances)
    with pytest.raises(ProviderError, match=told):
        included(shipped)


def test_instances_that_cannot_be_had_later_fail_the_phase_and_keep_nobody_from_running() -> None:
    answers: list[object] = [[], 7]
    registry, ran = Registry(), list[str]()
    registry.include(
        provider(before_snapshot=print, after_restore=print, instances=lambda: cast("Iterable[object]", answers[0])),
        name="acme:pool",
    )
    registry.before_snapshot(lambda: ran.append("ran"))
    del answers[0]
    with pytest.raises(HooksFailed, match=r"provider acme:pool .* raised TypeError") as caught:
        registry.run_before_snapshot(rollback=False)
    assert ran == ["ran"]
    assert caught.value.report.results[0].outcome is Outcome.OK


def test_there_is_an_end_to_instances() -> None:
    held: list[object] = []

    def instances() -> Iterator[object]:
        for pool in infinite():
            held.append(pool)
            yield pool

    registry = included(provider(after_restore=lambda _pool: None, instances=instances))
    assert len(registry.hooks) == 10_000


def test_a_registry_may_have_hooks_for_each_object_too(pools: Callable[[], list[Pool]]) -> None:
    library = Registry(provides=("pg",))

    @library.after_restore.each(pools, priority=Priority.CONNECTIONS, name="open")
    def reopen(pool: Pool) -> None:
        pool.done.append("open")

    @library.before_snapshot.each(pools)
    async def close(pool: Pool) -> None:
        pool.done.append("closed")

    cache = Pool("cache")
    pools.add(cache)  # type: ignore[attr-defined]
    registry = included(library)
    assert [str(hook.name) for hook in registry.hooks] == ["open[cache]", "acme:pool[cache]"]
    registry.after_restore(name="application", priority=-300, after=("PG",))(lambda: cache.done.append("application"))
    registry.run_before_snapshot()
    registry.run_after_restore()
    assert cache.done == ["closed", "open", "application"]


def test_the_application_s_own_are_removed_and_refused_like_others(pools: Callable[[], list[Pool]]) -> None:
    registry = Registry()
    registry.after_restore.each(pools)(lambda pool: pool.done.append("open"))
    cache = Pool("cache")
    pools.add(cache)  # type: ignore[attr-defined]
    registry.run_before_snapshot()
    (hook,) = registry.hooks
    registry.remove(hook)
    registry.run_after_restore()
    assert cache.done == []
    with pytest.raises(HookSignatureError, match="it takes 0 positional arguments"):
        registry.after_restore.each(pools)(nothing)  # type: ignore[arg-type]


# Objects that belong to another event loop.


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    own = asyncio.new_event_loop()
    yield own
    own.close()


@pytest.mark.parametrize("concurrent", [False, True])
def test_coroutines_run_on_the_loop_of_their_object(
    pools: Callable[[], list[Pool]], loop: asyncio.AbstractEventLoop, *, concurrent: bool
) -> None:
    theirs, anybodys = [Pool("a", loop), Pool("b", loop)], Pool("c")
    for pool in (*theirs, anybodys):
        pools.add(pool)  # type: ignore[attr-defined]
    seen: dict[object, asyncio.AbstractEventLoop] = {}

    async def disconnect(pool: Pool) -> None:
        await asyncio.sleep(0)
        seen[pool.name] = asyncio.get_running_loop()

    registry = included(
        provider(after_restore=disconnect, instances=pools, loop=lambda pool: pool.loop, concurrent=concurrent)
    )
    assert registry.run_after_restore().ok
    assert seen["a"] is seen["b"] is loop
    assert seen["c"] is not loop


@pytest.mark.parametrize("concurrent", [False, True])
def test_a_loop_that_is_closed_or_runs_elsewhere_is_the_error(
    pools: Callable[[], list[Pool]], loop: asyncio.AbstractEventLoop, *, concurrent: bool
) -> None:
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    closed = asyncio.new_event_loop()
    closed.close()
    living = [Pool("closed", closed), Pool("odd", cast("asyncio.AbstractEventLoop", 7)), Pool("running", loop)]
    for pool in living:
        pools.add(pool)  # type: ignore[attr-defined]

    async def disconnect(_pool: Pool) -> None: ...

    registry = included(
        provider(after_restore=disconnect, instances=pools, loop=lambda pool: pool.loop, concurrent=concurrent)
    )
    try:
        while not loop.is_running():
            time.sleep(0.001)
        with pytest.raises(HooksFailed) as caught:
            registry.run_after_restore()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
    told = {result.hook.name: str(result.error) for result in caught.value.report.results}
    assert "loop that 'closed' belongs to is closed" in told["acme:pool[closed]"]
    assert "loop that 'odd' belongs to is not an event loop, but an object of type int" in told["acme:pool[odd]"]
    assert "loop that 'running' belongs to is running" in told["acme:pool[running]"]


def test_whether_that_fails_the_publication_is_the_providers_word(pools: Callable[[], list[Pool]]) -> None:
    closed = asyncio.new_event_loop()
    closed.close()
    pool = Pool("closed", closed)
    pools.add(pool)  # type: ignore[attr-defined]

    async def disconnect(_pool: Pool) -> None: ...

    registry = included(
        provider(
            before_snapshot=disconnect,
            after_restore=lambda _pool: None,
            instances=pools,
            loop=lambda pool: pool.loop,
            required=False,
        )
    )
    assert registry.run_before_snapshot().ok


# Names that people know.


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


HOOKS = "provides = ['pgdriver']\ndef after_restore(): ...\n"


@pytest.mark.parametrize(
    "known", ["psy-copg2-Binary", "PSYCO_pg2", "_psycopg2_hooks", "pgdriver", "psy_copg2.binary:Pool"]
)
def test_a_library_is_known_by_all_its_names(on_path: Path, known: str, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {"_psycopg2_hooks": HOOKS, "psyco_pg2": ""}
    metadata = write(on_path, "psy_copg2-binary", entry_points=declare(pool="_psycopg2_hooks"), modules=modules)
    (metadata / "RECORD").write_text("psyco_pg2.py,,\n_psycopg2_hooks.py,,\nodd-name.py,,\n")
    registry = Registry()
    registry.after_restore(name="mine", priority=-1000, after=(known,))(nothing)
    registry.discover()
    assert names(registry) == ["psy-copg2-binary:pool", "mine"]
    monkeypatch.setenv("SNAPSTART_HOOKS_DISABLE", f"snapstart-hooks,{known}")
    without = Registry()
    without.discover()
    assert without.providers == ()
    assert left_out(without) == ("psy-copg2-binary:pool: disabled",)


# Nothing misspelt stays unseen.


def test_names_close_to_the_contract_are_told(on_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = "def after_restored(): ...\npriorty = 1\nbefore_checkpoint = _instances = unrelated = 7\n" + HOOKS
    write(on_path, "odd", entry_points=declare(pool="odd_hooks"), modules={"odd_hooks": source})
    registry = Registry()
    with caplog.at_level(logging.WARNING, "snapstart_hooks"):
        registry.discover()
    assert [warning.partition("has ")[2] for warning in registry.warnings] == [
        "`after_restored`. Did you mean `after_restore`?",
        "`before_checkpoint`. Did you mean `before_snapshot`?",
        "`priorty`. Did you mean `priority`?",
    ]
    assert set(registry.warnings) <= set(caplog.messages)


@pytest.mark.parametrize("group", ["snapstart.hook", "snapstart_hooks", "Snapstart-Hooks", "snap_start.hooks"])
def test_groups_close_to_ours_are_told(on_path: Path, group: str) -> None:
    write(on_path, "odd", entry_points=f"[{group}]\npool = odd_hooks\n")
    registry = Registry()
    registry.discover()
    (warning,) = registry.warnings
    assert f"declares entry points in [{group}]. Did you mean [snapstart.hooks]?" in warning


@pytest.mark.parametrize("group", ["snapstart.hooks.extra.things", "snapshots", "console_scripts", "pytest11"])
def test_other_groups_are_not(on_path: Path, group: str) -> None:
    write(on_path, "other", entry_points=f"[{group}]\npool = odd_hooks\n")
    registry = Registry()
    registry.discover()
    assert registry.warnings == ()


# Unused costs nothing.


def test_a_provider_in_a_package_waits_until_somebody_imports_that(on_path: Path) -> None:
    modules = {"waiting/__init__": "", "waiting/_snapstart": HOOKS + "def before_snapshot(): ..."}
    write(on_path, "waiting", entry_points=declare(pool="waiting._snapstart"), modules=modules)
    registry = Registry()
    registry.discover()
    assert left_out(registry) == ("waiting:pool: waiting is not imported, so there is nothing to reset",)
    assert "waiting" not in sys.modules
    registry.before_snapshot(lambda: import_module("waiting"))
    report = registry.run_before_snapshot()
    assert [result.hook.name for result in report.results][1:] == ["waiting:pool"]
    assert names(registry) == ["waiting:pool"]
    assert "waiting:pool" in cast("dict[str, float]", report.to_dict()["loaded_ms"])


@pytest.mark.parametrize("needs", ["waiting_lib.inner", "absent, waiting_lib", " absent.inner ,waiting_lib.inner "])
def test_one_for_another_library_waits_for_that(on_path: Path, needs: str) -> None:
    modules = {"waiting_lib/__init__": "", "waiting_lib/inner": "", "acme/__init__": "", "acme/hooks": HOOKS}
    write(on_path, "acme", entry_points=declare(pool=f"acme.hooks [{needs}]"), modules=modules)
    registry = Registry()
    known = needs.rpartition(",")[2].strip()  # whom it is for, one knows it by
    registry.after_restore(name="mine", priority=-1000, after=(known,))(nothing)
    import_module("acme")  # which is not what it waits for
    registry.discover()
    named = " or ".join(name.strip() for name in needs.split(","))
    assert left_out(registry) == (f"acme:pool: {named} is not imported, so there is nothing to reset",)
    assert "acme.hooks" not in sys.modules
    registry.before_snapshot(lambda: import_module("waiting_lib.inner"))
    registry.run_before_snapshot()
    assert names(registry) == ["acme:pool", "mine"]


def test_one_that_cannot_be_loaded_then_fails_the_phase(on_path: Path) -> None:
    modules = {"waiting/__init__": "", "waiting/_snapstart": "raise OSError('no such file')"}
    write(on_path, "waiting", entry_points=declare(pool="waiting._snapstart"), modules=modules)
    registry = Registry()
    registry.discover()
    registry.before_snapshot(lambda: import_module("waiting"))
    with pytest.raises(HooksFailed, match=r"provider waiting:pool .* loading it raised OSError: no such file"):
        registry.run_before_snapshot(rollback=False)


def test_a_slow_one_is_named(on_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(
        on_path,
        "slow",
        entry_points=declare(pool="slow_hooks"),
        modules={"slow_hooks": f"import time\ntime.sleep(0.15)\n{HOOKS}"},
    )
    registry = Registry()
    registry.discover()
    assert any("loading the hooks of slow" in text for text in caplog.messages)
    assert registry.providers[0].load_ns > 1e8


def test_what_is_refused_of_live_objects_is_in_the_error_of_discovery(on_path: Path) -> None:
    source = "instances = lambda: 1 / 0\ndef after_restore(pool): ...\n"
    write(on_path, "odd", entry_points=declare(pool="odd_hooks"), modules={"odd_hooks": source})
    with pytest.raises(DiscoveryError, match="ZeroDivisionError"):
        Registry().discover()


# Registered elsewhere, too.


def test_what_was_adopted_and_is_shipped_runs_once() -> None:
    pool, module = Pool(), ModuleType("acme")
    shipped = provider(after_restore=pool.reopen)
    module.after_restore = nothing  # type: ignore[attr-defined]
    registry = Registry()
    state = registry._state
    state.append(Hook(AFTER, nothing), adopted=True)
    state.append(Hook(AFTER, pool.reopen), adopted=True)
    state.append(Hook(BEFORE, nothing), adopted=True)
    registry.include(cast("Registry", module), name="acme:module")
    assert [name.rpartition(".")[2] for name in names(registry)] == ["acme:module", "reopen"]
    registry.include(shipped, name="acme:object")
    state.append(Hook(AFTER, nothing), adopted=True)
    assert names(registry) == ["acme:module", "acme:object"]
    state.append(Hook(AFTER, nothing))  # by the application itself
    assert len(names(registry)) == 3
    assert len(names(registry, BEFORE)) == 1


def test_two_threads_may_include_the_same_provider() -> None:
    registry = Registry()
    state, info = registry._state, ProviderInfo("acme:pool")
    state.include(Included(info), again=True)
    state.include(Included(info), again=True)
    assert registry.providers == (info,)


def test_an_object_of_another_copy_of_this_package_is_told() -> None:
    class HookDecorator:
        def __call__(self) -> None: ...

    class Registry:
        before_snapshot = after_restore = HookDecorator()

    with pytest.raises(ProviderError, match=r"the .*Registry object belongs to another copy of snapstart_hooks"):
        included(cast("snapstart_hooks.Registry", Registry()))


class Later:
    """Can be awaited, and is no coroutine."""

    def __await__(self) -> Iterator[None]:
        return iter(())


@pytest.mark.parametrize("value", [Later(), None])
def test_what_says_where_an_object_belongs_may_fail(pools: Callable[[], list[Pool]], value: object) -> None:
    pool = Pool("cache")
    pools.add(pool)  # type: ignore[attr-defined]
    shipped = provider(after_restore=lambda _pool: value, instances=pools, loop=lambda _pool: 1 / 0)
    registry = included(shipped)
    if value is None:
        assert registry.run_after_restore().ok  # nothing has to be awaited
    else:
        with pytest.raises(HooksFailed, match="ZeroDivisionError"):
            registry.run_after_restore()


def test_what_lies_elsewhere_and_is_no_hook_fails_the_phase_when_all_have_run() -> None:
    registry, ran, calls = Registry(), list[str](), list[int]()

    def adopt(_state: object) -> None:
        calls.append(1)
        if ran:
            raise HookSignatureError("an entry is no hook")

    registry._state.adopt = adopt
    registry.after_restore(lambda: ran.append("ran"))
    with pytest.raises(HooksFailed, match="an entry is no hook") as caught:
        registry.run_after_restore()
    assert [result.outcome for result in caught.value.report.results] == [Outcome.OK]


def test_an_interrupt_while_distributions_are_listed_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    class Finder:
        def find_distributions(self, _context: object) -> None:
            raise KeyboardInterrupt

        def find_spec(self, *_: object) -> None: ...

    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with pytest.raises(KeyboardInterrupt):
        Registry().discover()


def test_an_egg_has_its_name_from_its_folder(on_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    egg = on_path / "old_driver-1.5-py3.12.egg"
    (egg / "EGG-INFO").mkdir(parents=True)
    (egg / "EGG-INFO" / "entry_points.txt").write_text(declare(pool="old_hooks"))
    (egg / "old_hooks.py").write_text(HOOKS)
    monkeypatch.syspath_prepend(str(egg))
    registry = Registry()
    registry.discover()
    assert [(info.name, info.version) for info in registry.providers] == [("old-driver:pool", "1.5")]


def test_what_setuptools_installed_in_the_old_way_is_known_by_its_modules(on_path: Path) -> None:
    metadata = on_path / "old_driver-1.5.egg-info"
    metadata.mkdir()
    (metadata / "entry_points.txt").write_text(declare(pool="old_hooks"))
    (metadata / "top_level.txt").write_text("older\nold_hooks\n")
    (on_path / "old_hooks.py").write_text(HOOKS)
    registry = Registry()
    registry.discover()
    (info,) = registry.providers
    assert info.names >= {"old-driver", "older", "old-hooks"}
