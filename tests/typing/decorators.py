"""Right uses of the decorators: no type checker finds anything in this file, and none forgets a type.

Read by type checkers, never executed. `test_typing.py` says how.
"""

from __future__ import annotations

import functools
from typing import assert_type, overload

from snapstart_hooks import (
    ConfiguredDecorator,
    HookDecorator,
    Phase,
    Priority,
    after_restore,
    before_checkpoint,
    before_snapshot,
)

# What they are.

assert_type(after_restore, HookDecorator)
assert_type(before_snapshot, HookDecorator)
assert_type(before_checkpoint, HookDecorator)
assert_type(after_restore.phase, Phase)
assert_type(after_restore(priority=1), ConfiguredDecorator)
assert_type(after_restore(priority=1).phase, Phase)


# A function stays what it is: its result, its parameters, its attributes.


@after_restore
def reconnect() -> int:
    return 1


@before_snapshot
def disconnect() -> None: ...


@before_checkpoint
def flush() -> None: ...


@after_restore
async def warm() -> str:
    return ""


@after_restore
def reseed(seed: int = 0, *, strict: bool = True) -> float:
    return seed * strict / 1


@after_restore
def refresh(*names: str, **options: int) -> list[str]:
    return [*names, *options]


async def use_functions() -> None:
    assert_type(reconnect(), int)
    assert_type(reconnect.__name__, str)
    assert_type(await warm(), str)
    assert_type(reseed(), float)
    assert_type(reseed(4, strict=False), float)
    assert_type(refresh("a", "b", limit=3), list[str])


# The same below options, each of which may be left out.


@after_restore()
def bare_call() -> int:
    return 1


@after_restore(priority=Priority.CONNECTIONS, name="orders.db", after=("credentials",))
def connect() -> int:
    return 1


@before_snapshot(priority=7, after=["metrics", "traces"], timeout=2, required=False, concurrent=True)
async def push() -> bytes:
    return b""


@before_checkpoint(timeout=0.5)
def close() -> None: ...


@after_restore(priority=None, name=None, timeout=None)
def spelled_out() -> None: ...


async def use_configured() -> None:
    assert_type(bare_call(), int)
    assert_type(connect(), int)
    assert_type(await push(), bytes)


# functools.cache, and whatever else adds attributes.


@after_restore
@functools.cache
def settings() -> dict[str, str]:
    return {}


@after_restore(priority=Priority.CREDENTIALS)
@functools.lru_cache(maxsize=1)
def secret() -> str:
    return ""


def use_caches() -> None:
    assert_type(settings(), dict[str, str])
    assert_type(settings.cache_info().hits, int)
    settings.cache_clear()
    assert_type(secret(), str)
    secret.cache_clear()


# Overloads survive: the decorator is on the implementation, or called with the whole.


@overload
def status() -> int: ...
@overload
def status(verbose: bool) -> str: ...
@after_restore
def status(verbose: bool | None = None) -> int | str:
    return 1 if verbose is None else ""


same_status = after_restore(status)
again_status = before_snapshot(priority=1)(status)


def use_overloads() -> None:
    assert_type(status(), int)
    assert_type(status(True), str)
    assert_type(same_status(), int)
    assert_type(same_status(True), str)
    assert_type(again_status(True), str)


# Classes that need no argument, and callable objects.


@after_restore
class Pool:
    size: int = 4

    def __init__(self, url: str = "") -> None:
        self.url = url


class Counter:
    count = 0

    def __call__(self) -> int:
        self.count += 1
        return self.count


counter = after_restore(Counter())


def use_objects() -> None:
    assert_type(Pool().size, int)
    assert_type(Pool("postgresql://").url, str)
    assert_type(Pool.size, int)
    assert_type(counter(), int)
    assert_type(counter.count, int)


# Methods: static ones in the class body, others when there is an object.


class Client:
    @staticmethod
    @after_restore
    def reset() -> int:
        return 1

    @after_restore
    @staticmethod
    def reset_inside() -> int:
        return 1

    def reconnect(self) -> str:
        return ""

    @classmethod
    def forget(cls) -> bytes:
        return b""


client = Client()
reconnect_client = after_restore(client.reconnect)
forget = before_snapshot(Client.forget)


def use_methods() -> None:
    assert_type(Client.reset(), int)
    assert_type(client.reset(), int)
    assert_type(Client.reset_inside(), int)
    assert_type(reconnect_client(), str)
    assert_type(forget(), bytes)


# What has no name of its own.

after_restore(lambda: None)
after_restore(name="numbers")(lambda: 1)
partial = after_restore(functools.partial(pow, 2, 3))


# Both decorators on one function.


@before_snapshot
@after_restore(priority=Priority.WARMUP)
def prime() -> int:
    return 1


assert_type(prime(), int)

# A decorator is a value like any other.

for phase_decorator in (before_snapshot, after_restore):
    phase_decorator(disconnect)


def choose(late: bool) -> ConfiguredDecorator:
    return after_restore(priority=Priority.WARMUP if late else Priority.ENTROPY)


@choose(True)
def chosen() -> int:
    return 1


assert_type(chosen(), int)
