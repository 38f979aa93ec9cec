"""What may be a hook and what may not, how it is registered, and what the errors say."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import types
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING
from unittest.mock import AsyncMock, MagicMock, Mock

import pytest

import snapstart_hooks
from snapstart_hooks import Hook, Phase, Priority, Registry, after_restore, before_checkpoint, before_snapshot
from snapstart_hooks.errors import HookOptionError, HookSignatureError, SnapstartHooksError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Generator


def plain() -> None: ...


async def coroutine() -> None: ...


def flexible(*args: object, wait: bool = False, **kwargs: object) -> None: ...


def needs_one(pool: object) -> None: ...


def needs_two(host: str, *, port: int) -> None: ...


def optional(host: str = "localhost", *, port: int = 5432) -> None: ...


def positional(host: str, /) -> None: ...


def generator() -> Generator[None]:
    yield


async def async_generator() -> AsyncGenerator[None]:
    yield


@types.coroutine
def old_coroutine() -> Generator[None]:
    yield


@contextlib.contextmanager
def manager() -> Generator[None]:
    yield


@contextlib.asynccontextmanager
async def async_manager() -> AsyncGenerator[None]:
    yield


@functools.cache
def cached() -> int:
    return 1


@functools.wraps(needs_one)
def wrapper(*args: object) -> None: ...


class Client:
    def reconnect(self) -> None: ...

    @classmethod
    def reset(cls) -> None: ...

    @staticmethod
    def seed() -> None: ...

    async def __call__(self) -> None: ...


class NeedsOne:
    def __init__(self, pool: object) -> None: ...


class Abstract(ABC):
    @abstractmethod
    def reconnect(self) -> None: ...


class SlotsCall:
    __call__ = len  # what a call reaches has no Python code


def register(func: object, *args: object, **kwargs: object) -> Hook:
    """Register it as somebody without a type checker would; give the hook."""
    registry = Registry()
    registry.register_after_restore(func, *args, **kwargs)  # type: ignore[arg-type]
    (hook,) = registry.hooks
    return hook


# What may be a hook.


@pytest.mark.parametrize(
    ("func", "name", "is_async"),
    [
        (plain, "plain", False),
        (coroutine, "coroutine", True),
        (flexible, "flexible", False),
        (optional, "optional", False),
        (old_coroutine, "old_coroutine", True),
        (cached, "cached", False),
        (wrapper, "needs_one", False),
        (Client, "Client", False),
        (Client().reconnect, "Client.reconnect", False),
        (Client.reset, "Client.reset", False),
        (Client.seed, "Client.seed", False),
        pytest.param(vars(Client)["seed"], "Client.seed", False, id="staticmethod"),
        (Client(), "Client", True),
        (functools.partial(needs_one, 1), "needs_one", False),
        (functools.partial(functools.partial(needs_two, port=1), "here"), "needs_two", False),
        (functools.partial(coroutine), "coroutine", True),
        (lambda: None, "<lambda>", False),
    ],
)
def test_whatever_can_be_called_bare_may_be_a_hook(func: object, name: str, *, is_async: bool) -> None:
    hook = register(func)
    assert hook.func is func
    assert hook.name.endswith(f"test_declaring.{name}")
    assert hook.is_async is is_async


@pytest.mark.parametrize(
    ("func", "name"),
    [(print, "builtins.print"), ([].clear, "builtins.list.clear"), (dict, "builtins.dict")],
)
def test_what_has_no_python_code_is_placed_where_it_is_registered(func: object, name: str) -> None:
    hook = register(func)
    assert hook.name.endswith(name)
    assert re.fullmatch(rf".*{re.escape(__file__)}:\d+", hook.location)


def test_a_hook_is_placed_where_it_is_written_behind_all_decorators() -> None:
    line = plain.__code__.co_firstlineno
    for func in (plain, functools.partial(plain), functools.cache(plain), functools.wraps(plain)(lambda: None)):
        assert register(func).location == f"{__file__}:{line}"
    assert register(Client().reconnect).location == f"{__file__}:{Client.reconnect.__code__.co_firstlineno}"


def test_arguments_are_bound_to_the_call() -> None:
    given: list[object] = []
    register(given.append, 7).call()
    assert given == [7]
    assert register(needs_two, "here", port=1).call() is None
    assert register(needs_one, pool=1).kwargs == {"pool": 1}
    assert register(flexible, 1, 2, wait=True, other=3).args == (1, 2)
    assert register(SlotsCall(), ()).call() == 0


# What may not.


@pytest.mark.parametrize(
    ("func", "args", "kwargs", "why"),
    [
        (needs_one, (), {}, "it needs the argument 'pool'. Hooks are called without arguments; give them when"),
        (needs_two, (), {}, "it needs the arguments 'host', 'port'."),
        (needs_two, ("here",), {}, "it needs the argument 'port'."),
        (functools.partial(needs_two, port=1), (), {}, "it needs the argument 'host'."),
        (plain, (1,), {}, "it takes 0 positional arguments but would be given 1."),
        (needs_one, (1, 2), {}, "it takes 1 positional argument but would be given 2."),
        (needs_one, (1,), {"pool": 2}, "it would be given two values for the argument 'pool'."),
        (optional, (), {"user": 1}, "it has no argument 'user'."),
        (positional, (), {"host": 1}, "it has no argument 'host'."),
        (generator, (), {}, "a call of a generator function runs nothing of its body, which contains `yield`."),
        (async_generator, (), {}, "a call of a generator function runs nothing of its body"),
        (functools.partial(generator), (), {}, "a call of a generator function runs nothing"),
        (manager, (), {}, "a call of a context manager function runs nothing of its body"),
        (async_manager, (), {}, "a call of a context manager function runs nothing of its body"),
        (Client.reconnect, (), {}, "It looks like a method that is not bound to an object: register `instance.reconn"),
        (NeedsOne, (), {}, "it cannot be called so: missing a required argument: 'pool'."),
        (Abstract, (), {}, "it is an abstract class (without reconnect)."),
        (NeedsOne(1), (), {}, "it is not callable. Register a function, a bound method or an object with `__call__`."),
        (None, (), {}, "it is no function. Does a decorator below this one return nothing?"),
        (vars(Client)["reset"], (), {}, "it is a classmethod inside its class body. Register `Class.method` after"),
        (len, (), {}, "it cannot be called so"),
        (lambda pool: pool, (), {}, "it needs the argument 'pool'."),
    ],
)
def test_what_cannot_be_called_so_is_refused_when_it_is_registered(
    func: object, args: tuple[object, ...], kwargs: dict[str, object], why: str
) -> None:
    registry = Registry()
    with pytest.raises(HookSignatureError) as caught:
        registry.register_before_snapshot(func, *args, **kwargs)  # type: ignore[arg-type]
    message = str(caught.value)
    assert why in message
    assert " cannot be a hook of before_snapshot: " in message
    assert re.search(rf"\({re.escape(__file__)}:\d+\)", message)
    assert registry.hooks == ()
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, SnapstartHooksError)


def test_a_call_instead_of_a_function_is_told_and_its_coroutine_closed() -> None:
    call: Coroutine[object, object, None] = coroutine()
    with pytest.raises(HookSignatureError, match=r"Register the function itself: `coroutine`, not `coroutine\(\)`"):
        register(call)
    with pytest.raises(RuntimeError, match="cannot reuse"):
        asyncio.run(call)


def test_a_builtin_that_does_not_tell_its_signature_is_taken() -> None:
    assert register(max, [1, 2]).call() == 2


# The forms.


def test_a_decorator_returns_what_it_was_given() -> None:
    registry = Registry()
    for phase in (registry.before_snapshot, registry.after_restore):
        assert phase(cached) is cached
        assert phase(priority=1)(cached) is cached
        assert phase(timeout=1.0).call(needs_one, 1) is needs_one
    assert registry.register_before_snapshot(needs_one, 1) is needs_one
    assert registry.register_after_restore(needs_one, 1) is needs_one
    assert [hook.phase for hook in registry.hooks] == [Phase.BEFORE_SNAPSHOT] * 3 + [Phase.AFTER_RESTORE] * 3 + list(
        Phase
    )
    assert repr(registry.after_restore) == "<decorator after_restore>"
    assert repr(registry.after_restore(priority=1)) == "<decorator after_restore with options>"


def test_options_and_their_defaults() -> None:
    registry = Registry()
    registry.after_restore(plain)
    registry.after_restore(
        priority=Priority.WARMUP, name="warm", after=["db"], timeout=2, required=False, concurrent=True
    )(coroutine)
    bare, full = registry.hooks
    assert (bare.priority, bare.after, bare.timeout, bare.required, bare.concurrent) == (0, (), None, True, False)
    assert (full.priority, full.after, full.timeout, full.required, full.concurrent) == (100, ("db",), 2, False, True)
    assert type(full.priority) is int
    assert (bare.provider, full.name) == (None, "warm")
    assert str(full) == f"warm ({full.location})"
    assert repr(full) == f"<Hook after_restore warm priority=100 from application ({full.location})>"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"priority": "high"}, "priority='high' is not possible. Give an int, such as Priority.CONNECTIONS."),
        ({"priority": True}, "priority=True is not possible."),
        ({"priority": 1.5}, "priority=1.5 is not possible."),
        ({"name": ""}, "name='' is not possible. Give a str that is not empty."),
        ({"name": " "}, "name=' ' is not possible."),
        ({"name": 1}, "name=1 is not possible."),
        ({"after": "db"}, "after='db' is not possible. Give a sequence of names: after=('db',)."),
        ({"after": None}, "after=None is not possible. Give a tuple or list of names."),
        ({"after": {"db"}}, "after={'db'} is not possible."),
        ({"after": ["db", 1]}, "after=['db', 1] is not possible."),
        ({"after": [""]}, "after=[''] is not possible."),
        ({"timeout": 0}, "timeout=0 is not possible. Give a number of seconds above 0 and not above "),
        ({"timeout": -1.0}, "timeout=-1.0 is not possible."),
        ({"timeout": float("nan")}, "timeout=nan is not possible."),
        ({"timeout": float("inf")}, "timeout=inf is not possible."),
        ({"timeout": True}, "timeout=True is not possible."),
        ({"timeout": "2"}, "timeout='2' is not possible."),
        ({"required": None}, "required=None is not possible. Give True or False."),
        ({"concurrent": 1}, "concurrent=1 is not possible. Give True or False."),
    ],
)
def test_an_option_of_the_wrong_kind_is_refused_where_it_is_given(options: dict[str, object], message: str) -> None:
    registry = Registry()
    with pytest.raises(HookOptionError) as caught:
        registry.after_restore(**options)  # type: ignore[call-overload]
    assert str(caught.value).startswith(f"@after_restore(...) ({__file__}:")
    assert message in str(caught.value)
    with pytest.raises(HookOptionError, match=r"test_declaring\.plain \("):
        Hook(Phase.AFTER_RESTORE, plain, **options)  # type: ignore[arg-type]
    assert registry.hooks == ()


def test_the_functions_of_the_package_are_those_of_its_default_registry() -> None:
    registry = snapstart_hooks.default_registry
    with registry.isolated():
        before_snapshot(plain)
        before_checkpoint(plain)
        after_restore(plain)
        assert snapstart_hooks.register_before_snapshot(needs_one, 1) is needs_one
        assert snapstart_hooks.register_after_restore(flexible, 1, wait=True) is flexible
        assert snapstart_hooks.register_after_restore(flexible, 1, wait=True) is flexible
        assert len(registry.plan(Phase.BEFORE_SNAPSHOT)) == 3
        assert [hook.kwargs for hook in registry.plan(Phase.AFTER_RESTORE)] == [{}, {"wait": True}, {"wait": True}]
    assert before_checkpoint is before_snapshot


class Unspeakable:
    def __repr__(self) -> str:  # type: ignore[explicit-override]
        raise RuntimeError("no")


def test_a_value_that_cannot_be_shown_or_is_long_is_named_all_the_same() -> None:
    registry = Registry()
    with pytest.raises(HookOptionError, match="priority=<Unspeakable, whose __repr__ raised RuntimeError> is not"):
        registry.after_restore(priority=Unspeakable())  # type: ignore[call-overload]
    with pytest.raises(HookOptionError) as caught:
        registry.after_restore(priority="x" * 1000)  # type: ignore[call-overload]
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("kind", [Mock, MagicMock, AsyncMock])
def test_mocks_are_hooks_and_are_called(kind: type[Mock]) -> None:
    registry, mock = Registry(), kind(return_value=None)
    registry.after_restore(mock)
    registry.run_after_restore()
    mock.assert_called_once_with()
    if kind is AsyncMock:
        mock.assert_awaited_once_with()
