"""`resource`: opened once, closed before the snapshot, opened anew after it, and nothing swallowed."""

from __future__ import annotations

import contextlib
import copy
import functools
import gc
import inspect
import pickle
import subprocess
import sys
import textwrap
import threading
import time
import types
import weakref
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self, cast

import pytest

from snapstart_hooks import Phase, Priority, Registry, default_registry
from snapstart_hooks.errors import HookOptionError, HooksFailed, HookSignatureError, ResourceError
from snapstart_hooks.resources import SWEEP, PerRestore, Resource, generation, resource
from snapstart_hooks.testing import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def wrongly(factory: object) -> Resource[int]:
    """What a type checker would have refused."""
    return resource(registry=Registry())(cast("Callable[[], contextlib.AbstractContextManager[int]]", factory))


class Connection:
    """What is opened and closed; it notes both."""

    def __init__(self, log: list[str] | None = None, name: str = "it") -> None:
        self.log = [] if log is None else log
        self.name = name
        self.open = True
        self.log.append(f"+{name}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.open = False
        self.log.append(f"-{self.name}")


def of(registry: Registry, log: list[str], name: str, *uses: Callable[[], object], **options: object) -> Resource[str]:
    """A resource that uses others, and notes what becomes of it."""

    def open_it() -> Iterator[str]:
        for use in uses:
            use()
        log.append(f"+{name}")
        yield f"{name} {len(log)}"
        log.append(f"-{name}")

    return resource(name=name, registry=registry, **options)(open_it)  # type: ignore[call-overload,no-any-return]


@contextlib.contextmanager
def connected() -> Iterator[Connection]:
    with Connection() as connection:
        yield connection


@resource
def module_level() -> Iterator[Connection]:
    """For whoever imports it."""
    with Connection() as connection:
        yield connection


# Its life.


def test_it_is_opened_when_it_is_first_used_and_anew_after_a_restore() -> None:
    registry, log = Registry(), list[str]()
    db = of(registry, log, "db")
    assert log == []
    before = db()
    assert db() is before
    with simulate(registry):
        assert log == ["+db", "-db"]  # nothing is opened that nobody uses
        assert not db.is_open
        after = db()
        assert db() is after is not before
    assert log == ["+db", "-db", "+db"]


@pytest.mark.parametrize(
    "factory",
    [
        pytest.param(Connection, id="a class of context managers"),
        pytest.param(lambda: Connection(), id="a lambda"),  # noqa: PLW0108
        pytest.param(connected, id="a context manager function"),
    ],
)
def test_whatever_gives_a_context_manager_is_a_factory(
    factory: Callable[[], contextlib.AbstractContextManager[Connection]],
) -> None:
    registry = Registry()
    held = resource(registry=registry)(factory)
    before = held()
    assert before.log == ["+it"]
    with simulate(registry):
        assert before.log == ["+it", "-it"]
        assert held() is not before


def test_a_name_that_is_imported_by_value_is_not_stale(hook_registry: Registry) -> None:
    from_elsewhere = module_level  # as `from app import module_level`
    before = from_elsewhere()
    with simulate(hook_registry):
        assert from_elsewhere() is module_level() is not before
        assert from_elsewhere().open
        assert not before.open


def test_what_was_taken_out_before_a_restore_is_told_from_what_is_there_now() -> None:
    registry = Registry()
    db = of(registry, [], "db")
    assert not db.current("db 1")
    before = db()
    assert db.current(before)
    with simulate(registry):
        assert not db.current(before)
        assert db.current(db())


def test_a_restore_without_a_snapshot_closes_what_is_there_first() -> None:
    registry, log = Registry(), list[str]()
    db = of(registry, log, "db", eager=True)
    before = db()
    registry.run_after_restore()
    assert log == ["+db", "-db", "+db"]
    assert db() != before


def test_what_hooks_open_again_is_closed_last_of_all() -> None:
    registry, log = Registry(), list[str]()
    db = of(registry, log, "db")

    @registry.before_snapshot(priority=Priority.ENTROPY)  # when the hook of the resource has run
    def late() -> None:
        db()

    db()
    registry.run_before_snapshot()
    assert log == ["+db", "-db", "+db", "-db"]
    assert registry.plan(Phase.BEFORE_SNAPSHOT)[-1].name == SWEEP
    assert registry.plan(Phase.AFTER_RESTORE)[0].name == SWEEP


def test_its_hook_bears_its_name_and_stands_where_it_stands() -> None:
    registry = Registry()
    of(registry, [], "db", priority=7, timeout=2.0, required=False)
    (hook, _) = registry.plan(Phase.BEFORE_SNAPSHOT)
    assert (hook.name, hook.priority, hook.timeout, hook.required) == ("db", 7, 2.0, False)
    assert hook.location.rpartition(":")[0] == __file__
    resource(registry=registry, name="class")(Connection)
    assert registry.hooks[-1].location.rpartition(":")[0] == __file__  # of its declaration
    assert module_level.name.endswith("test_resource.module_level")
    assert str(module_level) == f"{module_level.name} ({module_level.location})"


def test_reset_closes_what_is_broken_and_what_was_built_with_it() -> None:
    registry, log = Registry(), list[str]()
    db = of(registry, log, "db")
    repository = of(registry, log, "repository", db)
    db.reset()
    repository()
    db.reset()
    assert log == ["+db", "+repository", "-repository", "-db"]
    repository()
    assert log[4:] == ["+db", "+repository"]


def test_it_is_closed_when_the_interpreter_exits(tmp_path: object) -> None:
    program = """
        import asyncio, os, sys
        from snapstart_hooks.resources import resource

        @resource
        def db():
            yield
            print("-db")

        @resource
        def repository():
            db()
            yield
            print("-repository")
            raise ValueError("not written")

        @resource
        async def pool():
            repository()
            yield
            await asyncio.sleep(0)
            print("-pool")

        repository()
        loop = asyncio.new_event_loop()
        loop.run_until_complete(pool())
        if os.fork() == 0:
            sys.exit()  # what is the parent's, the child does not close
        os.wait()
        print("end")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["end", "-pool", "-repository", "-db"]
    assert "ValueError: not written" in done.stderr
    assert "while the resource __main__.repository (<string>:10) was closed" in done.stderr


# Resources that use others.


def test_what_uses_another_is_closed_first_whatever_the_priorities_say() -> None:
    registry, log = Registry(), list[str]()
    db = of(registry, log, "db", priority=Priority.WARMUP)  # closed first, if it were not used
    of(registry, log, "repository", db, priority=Priority.ENTROPY)()
    registry.run_before_snapshot()
    assert log == ["+db", "+repository", "-repository", "-db"]


def test_what_is_open_already_is_noted_as_used_too() -> None:
    registry, log = Registry(), list[str]()
    db = of(registry, log, "db", priority=Priority.WARMUP)
    db(), db()
    of(registry, log, "repository", db, priority=Priority.ENTROPY)()
    registry.run_before_snapshot()
    assert log == ["+db", "+repository", "-repository", "-db"]


def test_what_is_closed_is_not_kept_alive_by_what_it_used() -> None:
    registry = Registry()
    db = of(registry, [], "db")
    fails = [False]

    @resource(registry=registry)
    def repository() -> Iterator[Connection]:
        db()
        with Connection() as connection:
            if fails[0]:
                raise ConnectionError
            yield connection

    gone: list[weakref.ref[Connection]] = []
    for _ in range(3):
        gone.append(weakref.ref(repository()))
        repository.reset()
    fails[0] = True
    with contextlib.suppress(ConnectionError):
        repository()
    gc.collect()
    assert [each() for each in gone] == [None] * 3
    assert db.built is not None
    assert db.built.users == set()


def test_a_circle_is_named() -> None:
    registry = Registry()
    first: Resource[str] = of(registry, [], "first", lambda: first())  # noqa: PLW0108 - not yet bound
    with pytest.raises(ResourceError, match="circle: first uses first"):
        first()
    third = of(registry, [], "third", lambda: second())  # noqa: PLW0108
    second = of(registry, [], "second", third)
    with pytest.raises(ResourceError, match="circle: third uses second uses third") as raised:
        second()
    assert len(raised.value.__notes__) == 2
    assert not second.is_open
    assert not third.is_open


def test_circles_that_threads_make_are_errors_and_no_deadlocks() -> None:
    registry = Registry()
    meet = threading.Barrier(2)

    def meeting() -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            meet.wait(0.5)  # once broken, at once

    one = of(registry, [], "one", meeting, lambda: other())  # noqa: PLW0108
    other = of(registry, [], "other", meeting, one)
    errors: list[str] = []

    def use(held: Resource[str]) -> None:
        try:
            held()
        except ResourceError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=use, args=(held,), daemon=True) for held in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(errors) == 2
    assert all("circle" in error for error in errors)


def test_using_itself_elsewhere_than_in_its_context_is_an_error_too() -> None:
    import contextvars

    registry = Registry()
    itself: Resource[str] = of(registry, [], "itself", lambda: contextvars.Context().run(itself))
    with pytest.raises(ResourceError, match="uses itself while it is being built"):
        itself()

    @resource(registry=registry, name="late")
    def late() -> Iterator[int]:
        yield 1
        late()

    late()
    with pytest.raises(ResourceError, match="uses itself while it is being closed"):
        late.reset()


def test_closing_that_opens_again_without_end_is_named() -> None:
    registry = Registry()

    @resource(registry=registry, name="phoenix")
    def phoenix() -> Iterator[int]:
        yield 1
        ash()

    @resource(registry=registry, name="ash")
    def ash() -> Iterator[int]:
        yield 1
        phoenix()

    phoenix()
    with pytest.raises(HooksFailed, match="opens another again and again: "):
        registry.run_before_snapshot()


# What goes wrong.


def failing(registry: Registry, *, building: str = "", closing: str = "", **options: object) -> Resource[int]:
    def open_it() -> Iterator[int]:
        nonlocal building, closing
        if building:
            message, building = building, ""
            raise ConnectionError(message)
        yield 1
        if closing:
            message, closing = closing, ""
            raise ConnectionError(message)

    return resource(name="db", registry=registry, **options)(open_it)  # type: ignore[call-overload,no-any-return]


def test_an_error_of_building_is_the_same_and_names_the_resource() -> None:
    db = failing(Registry(), building="refused")
    with pytest.raises(ConnectionError, match=r"(?s)refused.*while the resource db \(.*\) was built"):
        db()
    assert db() == 1


def test_an_error_of_building_eagerly_is_raised_again_at_the_next_use() -> None:
    registry = Registry()
    db = failing(registry, building="refused", eager=True)
    with pytest.raises(HooksFailed, match=r"db .*: ConnectionError: refused"):
        registry.run_after_restore()
    with pytest.raises(ResourceError, match=r"db \(.*\) could not be built after the restore: .*refused") as raised:
        db()
    assert isinstance(raised.value.__cause__, ConnectionError)
    assert db() == 1


def test_an_error_of_closing_fails_the_hook_and_is_raised_again_at_the_next_use() -> None:
    registry = Registry()
    db = failing(registry, closing="not written")
    db()
    with pytest.raises(HooksFailed, match=r"db .*: ConnectionError: not written"):
        registry.run_before_snapshot()
    with pytest.raises(ResourceError, match="could not be closed: ConnectionError: not written"):
        db()
    assert db() == 1


def test_errors_of_several_are_a_group() -> None:
    registry = Registry()
    db = failing(registry, closing="one")

    @resource(registry=registry)
    def repository() -> Iterator[int]:
        yield db()
        raise ConnectionError("two")

    repository()
    with pytest.raises(ExceptionGroup, match="2 resources could not be closed") as raised:
        db.reset()
    assert [str(each) for each in raised.value.exceptions] == ["two", "one"]


def test_an_error_of_closing_after_the_restore_does_not_fail_it() -> None:
    registry = Registry()
    db = failing(registry, closing="connection reset by peer")
    db()
    report = registry.run_after_restore()
    assert [(str(result.error), result.required) for result in report.results] == [("connection reset by peer", False)]
    with pytest.raises(ResourceError, match="connection reset by peer"):
        db()


def test_those_who_waited_get_what_the_attempt_came_to() -> None:
    registry, attempts = Registry(), list[int]()
    waiting = threading.Semaphore(0)

    @resource(registry=registry)
    def db() -> Iterator[int]:
        attempts.append(1)
        for _ in range(7):
            waiting.acquire(timeout=60)
        while db._waiting < 8:
            time.sleep(0.001)
        if attempts:
            raise ConnectionError("refused")
        yield 1

    errors: list[BaseException] = []

    def use() -> None:
        waiting.release()
        try:
            db()
        except ConnectionError as error:
            errors.append(error)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(attempts) == 1
    assert len(errors) == 8
    assert db._failure is None  # nothing of it is kept


def needs_more(url: str, *, retries: int) -> Iterator[str]:
    yield f"{url} {retries}"


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (5, "cannot be used for values of a restore: it is not callable"),
        (needs_more, "it needs arguments: url, retries"),
        (contextlib.contextmanager(needs_more), "it needs arguments: url, retries"),
    ],
    ids=["number", "generator", "manager"],
)
def test_what_cannot_be_called_is_refused(factory: object, message: str) -> None:
    with pytest.raises(HookSignatureError, match=message):
        wrongly(factory)


def test_a_coroutine_function_is_refused() -> None:
    async def connect() -> int:
        return 1

    with pytest.raises(HookSignatureError, match=r"connect \(.*test_resource.py:\d+\) .* coroutine function"):
        wrongly(connect)


def test_methods_and_partials_are_factories() -> None:
    connection = Connection()
    assert resource(registry=Registry())(connection.__enter__)() is connection
    assert resource(registry=Registry())(functools.partial(contextlib.nullcontext, 1))() == 1
    assert list(resource(registry=Registry())(functools.partial(needs_more, "url", retries=2))()) == list("url 2")


def test_what_gives_no_context_manager_is_told_what_to_do() -> None:
    with pytest.raises(ResourceError, match=r"'int', which is not a context manager. Write the factory as a gen"):
        wrongly(lambda: 5)()

    class Later:
        async def __aenter__(self) -> None: ...

    with pytest.raises(ResourceError, match=r"'.*Later', an async context manager. Open it in an async generator"):
        wrongly(lambda: Later())()  # noqa: PLW0108


def test_wrong_options_are_refused() -> None:
    registry = Registry()
    with pytest.raises(HookOptionError, match="needs eager=True"):
        of(registry, [], "db", concurrent=True)
    with pytest.raises(HookOptionError, match="priority='high'"):
        of(registry, [], "db", priority="high")
    assert registry.hooks == ()


# Eager ones.


def test_eager_ones_are_opened_after_the_restore_and_may_overlap() -> None:
    registry, log = Registry(), list[str]()
    meet = threading.Barrier(2, timeout=60)
    one = of(registry, log, "one", meet.wait, eager=True, concurrent=True)
    two = of(registry, log, "two", meet.wait, eager=True, concurrent=True)
    with simulate(registry) as restored:
        assert restored.after_restore.ok
        assert one.is_open
        assert two.is_open
        assert sorted(log) == ["+one", "+two"]


def test_an_eager_one_opens_what_it_uses_before_that_has_its_turn() -> None:
    registry, log = Registry(), list[str]()
    of(registry, log, "first", lambda: second(), eager=True)  # noqa: PLW0108
    second = of(registry, log, "second", eager=True)
    registry.run_after_restore()
    assert log == ["+second", "+first"]


# As a thing.


def test_it_is_a_plain_callable_without_arguments() -> None:
    assert callable(module_level)
    assert not inspect.signature(module_level).parameters
    assert not inspect.isgeneratorfunction(module_level)
    assert not inspect.iscoroutinefunction(module_level)
    assert module_level.__doc__ == "For whoever imports it."
    assert module_level.__name__ == "module_level"
    with pytest.raises(TypeError, match="call a resource without arguments"):
        module_level("orders")  # type: ignore[call-arg]
    with pytest.raises(AttributeError, match=r"the resource .*module_level has no attribute 'execute': call it to get"):
        module_level.execute("SELECT 1")  # type: ignore[attr-defined]


def test_what_was_meant_for_the_value_is_not_set_on_the_resource() -> None:
    for held in module_level, PerRestore(object, registry=Registry()), wrongly(AsyncExitStack):
        with pytest.raises(
            AttributeError, match=r"the resource .*\w has no attribute 'timeout': call it to get the val"
        ):
            setattr(held, "timeout", 5)  # noqa: B010 - checkers refuse it too


def test_a_copy_is_the_same_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or sys.modules[module_level.__module__])
    assert copy.deepcopy(module_level) is copy.copy(module_level) is module_level
    assert pickle.loads(pickle.dumps(module_level)) is module_level  # noqa: S301


def test_repr_tells_whether_it_is_open(hook_registry: Registry) -> None:
    assert repr(module_level) == f"<Resource {module_level.name}>"
    module_level()
    assert repr(module_level) == f"<Resource {module_level.name}, open>"


def test_the_value_may_be_anything() -> None:
    registry = Registry()
    nothing = resource(registry=registry)(lambda: contextlib.nullcontext(None))
    assert nothing() is None
    assert nothing.is_open
    assert nothing.current(None)


# In tests.


def test_override_gives_another_value_also_to_what_is_built_with_it() -> None:
    registry, log = Registry(), list[str]()
    db = of(registry, log, "db")
    repository = resource(registry=registry)(lambda: contextlib.nullcontext(["repository of", db()]))
    unrelated = of(registry, log, "unrelated")
    before, was = repository(), unrelated()
    with registry.override(db, "fake") as fake:
        assert fake == db() == "fake"
        assert db.current("fake")
        assert repository() == ["repository of", "fake"]
        assert unrelated() is was
        with registry.override(db, "another"):
            assert repository() == ["repository of", "another"]
        assert db() == "fake"
        with simulate(registry):
            assert repository() == ["repository of", "fake"]
    assert log == ["+db", "+unrelated", "-unrelated", "-db"]
    assert repository() != before  # a snapshot was taken meanwhile
    assert log[4:] == ["+db"]


def test_override_puts_back_what_was_there() -> None:
    registry, log = Registry(), list[str]()
    db = of(registry, log, "db")
    repository = resource(registry=registry)(lambda: contextlib.nullcontext([db()]))
    before = repository()
    with registry.override(db, "fake"):
        db.reset()  # nothing: it is not ours
        assert db() == "fake"
        assert repository() == ["fake"]
    assert repository() is before
    assert log == ["+db"]


def test_who_still_holds_what_was_given_before_is_named(
    hook_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = types.ModuleType("some_application")
    repository = types.SimpleNamespace(connection=module_level())
    application.__dict__["repository"] = repository
    monkeypatch.setitem(sys.modules, "some_application", application)
    with simulate(hook_registry) as restored:
        held = f"some_application.repository.connection: it is what the resource {module_level.name} gave before"
        assert restored.stale() == (f"{held} the restore",)
        repository.connection = module_level()
        assert restored.stale() == ()


def test_the_fixture_resets_all(hook_registry: Registry) -> None:
    assert hook_registry is default_registry
    assert generation() == 0
    assert not module_level.is_open
    first = module_level()
    with simulate(hook_registry):
        assert generation() == 1
        assert module_level() is not first


def test_what_a_test_has_to_itself_is_as_it_was_afterwards() -> None:
    from snapstart_hooks.testing._fresh_registry import fresh_registry

    before, number = module_level(), generation()
    try:
        with fresh_registry() as registry:
            inside = module_level()
            assert inside is not before
            with simulate(registry):
                assert not inside.open
                inside = module_level()
        assert not inside.open
        assert before.open
        assert module_level() is before
        assert generation() == number
    finally:
        module_level.reset()


def test_an_id_for_each_restore_can_be_overridden_too() -> None:
    registry = Registry()
    instance = PerRestore(object, registry=registry)
    before, fake = instance(), object()
    with registry.override(instance, fake):
        assert instance() is fake
    assert instance() is before
