"""What may be a resource: whatever a call of which gives one, however it is wrapped."""

from __future__ import annotations

import contextlib
import functools
import itertools
import sys
from typing import TYPE_CHECKING, cast

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

import pytest

from snapstart_hooks import Registry
from snapstart_hooks.errors import HookOptionError, HookSignatureError, ResourceError
from snapstart_hooks.resources import PerRestore, Resource, cached_until_restore, resource

if TYPE_CHECKING:
    from asyncio import Event as AsyncUnknown
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractContextManager
    from decimal import Decimal as Unknown


def declared(factory: object) -> Resource[object]:
    """What a type checker might not follow."""
    return resource(registry=Registry())(cast("Callable[[], AbstractContextManager[object]]", factory))


def values(number: int) -> Iterator[int]:
    yield number


@contextlib.contextmanager
def managed(number: int) -> Iterator[int]:
    yield number


def injecting(func: Callable[[int], object]) -> Callable[[], object]:
    @functools.wraps(func)
    def injected() -> object:
        return func(42)

    return injected


class Opener:
    def __call__(self) -> Iterator[int]:
        yield 42

    @functools.cache  # noqa: B019 - as it is done
    def manager(self) -> AbstractContextManager[int]:
        return contextlib.nullcontext(42)


class Hostile:
    def __call__(self) -> AbstractContextManager[int]:
        return contextlib.nullcontext(42)

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)


class Echo(Hostile):
    @override
    def __getattr__(self, name: str) -> object:
        return self


@pytest.mark.parametrize(
    "factory",
    [
        lambda: values(42),
        functools.partial(values, 42),
        functools.partial(values, number=42),
        functools.partial(managed, 42),
        injecting(values),
        injecting(managed),
        Opener(),
        Opener().manager,
        staticmethod(lambda: values(42)),
        Hostile(),
        Echo(),
    ],
    ids=map(str, itertools.count()),
)
def test_it_is_what_a_call_gives_that_counts(factory: object) -> None:
    door = declared(factory)
    assert door() == 42
    door.reset()
    assert door() == 42


def circular_partial() -> object:
    circle = functools.partial(values)
    object.__getattribute__(circle, "__setstate__")((circle, (), {}, {}))
    return circle


def circular_wrapper() -> object:
    def circle() -> AbstractContextManager[int]:
        return contextlib.nullcontext(42)

    circle.__wrapped__ = circle  # type: ignore[attr-defined]
    return circle


class Nameless:
    @override
    def __repr__(self) -> str:
        raise RuntimeError


def test_there_is_an_end_to_what_is_behind_partials_and_decorators() -> None:
    assert declared(circular_wrapper())() == 42
    assert declared(circular_partial()).name == "functools.partial"  # calling it ends the process, with any caller


def test_what_cannot_be_shown_is_named_by_its_type() -> None:
    with pytest.raises(HookSignatureError, match="an object of type 'Nameless' cannot be used"):
        declared(Nameless())


def test_names_are_those_of_what_is_called() -> None:
    assert declared(functools.partial(values, 1)).name == f"{__name__}.values"
    assert declared(Opener()).name == f"{__name__}.Opener"
    assert declared(functools.partial(contextlib.nullcontext, 1)).name == "contextlib.nullcontext"


@pytest.mark.parametrize(
    "factory",
    [managed, functools.partial(functools.partial(managed)), contextlib.nullcontext(1).__exit__],
    ids=map(str, itertools.count()),
)
def test_arguments_that_are_missing_are_told_when_it_is_declared(factory: object) -> None:
    if getattr(factory, "__name__", "") == "__exit__":
        factory = Opener.__call__
    with pytest.raises(HookSignatureError, match=r"it needs arguments: (number|self)"):
        declared(factory)


def _argument(number: Unknown | None = None) -> AbstractContextManager[int]:
    return contextlib.nullcontext(42)


def _sync() -> AbstractContextManager[AsyncIterator[Unknown]]:
    return contextlib.nullcontext(cast("AsyncIterator[Unknown]", 42))


@contextlib.contextmanager
def _generator() -> Iterator[AsyncUnknown]:
    yield cast("AsyncUnknown", 42)


def _nothing_said(number: Unknown | None = None):  # type: ignore[no-untyped-def]  # noqa: ANN202
    return contextlib.nullcontext(42)


@pytest.mark.parametrize("factory", [_argument, _sync, _generator, _nothing_said])
def test_annotations_for_type_checkers_alone_do_not_make_it_async(factory: object) -> None:
    assert declared(factory)() == 42


def test_a_function_that_returns_an_async_iterator_is_async() -> None:
    async def values() -> AsyncIterator[int]:
        yield 42

    def returned() -> AsyncIterator[int]:
        return values()

    async def use() -> int:
        return await resource(registry=Registry())(returned)()

    import asyncio

    assert asyncio.run(use()) == 42


def test_it_is_itself_as_an_attribute_of_a_class() -> None:
    class Service:
        db = declared(lambda: values(42))
        started = PerRestore(lambda: 42, registry=Registry())

    assert Service.db is Service().db
    assert (Service().db(), Service().started()) == (42, 42)


@pytest.mark.parametrize("option", [{"name": 5}, {"priority": "high"}, {"eager": "yes"}, {"registry": 5}], ids=str)
def test_options_of_values_are_looked_at_though_they_have_no_hook(option: dict[str, object]) -> None:
    given = {"registry": Registry(), **option}
    with pytest.raises(HookOptionError, match=rf"{next(iter(option))}=.* is not possible. Give"):
        PerRestore(lambda: 1, **given)  # type: ignore[arg-type]


def test_only_a_resource_can_be_overridden() -> None:
    with (
        pytest.raises(TypeError, match=r"'int' is no resource. Give one"),
        Registry().override(cast("Resource[int]", 5), 6),
    ):
        pass


class _Later:
    async def __call__(self) -> int:
        return 42


async def _coroutine() -> int:
    return 42


@pytest.mark.parametrize("func", [functools.cache(_coroutine), _Later(), managed], ids=["cached", "object", "manager"])
def test_what_is_used_up_by_one_use_is_not_cached(func: Callable[[], object]) -> None:
    with pytest.raises(HookSignatureError, match="can be used only once"):
        cached_until_restore(func)


def test_what_cannot_be_said_of_an_error_hides_nothing() -> None:
    class Mute(Exception):
        @override
        def __str__(self) -> str:
            raise ValueError

        @override
        def add_note(self, note: str, /) -> None:
            raise ValueError(note)

    registry = Registry()

    @resource(registry=registry)
    def db() -> Iterator[int]:
        yield 42
        if registry.generation == 0:
            raise Mute

    db()
    with pytest.raises(Mute):
        db.reset()
    with pytest.raises(ResourceError, match="could not be closed: Mute: its text cannot be had"):
        db()
    registry.run_after_restore()
    assert db() == 42
