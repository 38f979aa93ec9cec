"""Integrations among objects that raise whatever they are asked: one that cannot be served costs the others nothing."""

from __future__ import annotations

import asyncio
import functools
import logging
import logging.handlers
import os
import queue
import random
import sys
from importlib import metadata
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from typing_extensions import override

from snapstart_hooks import Registry
from snapstart_hooks.integrations import asyncpg, httpcore, psycopg_pool, redis, urllib3
from snapstart_hooks.integrations import logging as of_logging
from snapstart_hooks.integrations import random as of_random
from snapstart_hooks.integrations._live import Live
from snapstart_hooks.integrations._mersenne import seeds
from snapstart_hooks.integrations._probe import Library
from snapstart_hooks.integrations.at_fork import AtFork
from snapstart_hooks.integrations.caches import clear_on_restore
from snapstart_hooks.integrations.pymysql import reconnect_on_restore
from snapstart_hooks.integrations.random import reseed_on_restore
from snapstart_hooks.integrations.sqlalchemy import dispose_on_restore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.once

# ruff: noqa: S311 - what is drawn here keeps no secret


class Lazy(ModuleType):
    @override
    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)


class Thing:
    """Can be referred to."""


@pytest.fixture(autouse=True)
def _first() -> None:
    Live.forget()  # what another test has left, as `snapstart-hooks:gc` does before the first hook


def test_a_module_that_raises_has_no_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "a_lazy_library", Lazy("a_lazy_library"))
    module = ModuleType("another_library")
    vars(module)["Thing"] = Thing
    monkeypatch.setitem(sys.modules, "another_library", module)
    here = Thing()
    assert Live[object]("a_lazy_library:Pool")() == []
    assert Live[Thing]("another_library:Thing")() == [here]


def test_what_raises_has_no_private_names(caplog: pytest.LogCaptureFixture) -> None:
    assert not Library("python>=3.11").has(Lazy("a_lazy_library"), "_pool", lost="something")
    assert "has no _pool: something" in caplog.text


@pytest.mark.parametrize("version", [None, 5, OSError(), KeyError(""), UnicodeDecodeError("utf-8", b"", 0, 1, "")])
def test_a_version_that_cannot_be_read_is_unknown(version: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_: str) -> object:
        if isinstance(version, Exception):
            raise version
        return version

    monkeypatch.setattr(metadata, "version", read)
    assert Library("redis>=5,<9").version == "of unknown version"


class Unmade(random.Random):
    def __init__(self) -> None: ...

    @override
    def seed(self, *_: object) -> None: ...


class Frozen(Unmade):
    @override
    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError(name)

    @override
    def getstate(self) -> tuple[int, ...]:
        raise NotImplementedError


def test_every_generator_is_seeded_whatever_the_others_are() -> None:
    generators = [random.Random(), Frozen(), Unmade(), random.Random()]
    before = [_twister(each) for each in generators]
    of_random.before_snapshot()
    of_random.after_restore()
    assert [one for one, other in zip(before, map(_twister, generators), strict=True) if one == other] == []


def _twister(generator: random.Random) -> object:
    return cast("Callable[[random.Random], object]", vars(random.Random.__base__)["getstate"])(generator)


def test_long_texts_are_still_known_for_deliberate() -> None:
    text = "no hint " * 40
    (known,) = seeds([random.Random(text).getstate()[1][:-1]])
    assert known == repr(text)


def test_handlers_that_fail_keep_no_record_of_the_others(caplog: pytest.LogCaptureFixture) -> None:
    class Unready(logging.handlers.SocketHandler):
        def __init__(self) -> None: ...

    class Full(logging.handlers.MemoryHandler):
        @override
        def flush(self) -> None:
            if self.capacity:
                raise OSError("no space")

    written = list[logging.LogRecord]()

    class Written(logging.Handler):
        @override
        def emit(self, record: logging.LogRecord) -> None:
            written.append(record)

    full, unready = Full(1), Unready()
    buffer = logging.handlers.MemoryHandler(10, logging.CRITICAL, Written())
    try:
        buffer.emit(logging.makeLogRecord({"levelno": logging.INFO}))
        of_logging.before_snapshot()
        assert len(written) == 1
        assert "OSError: no space: records in the buffer" in caplog.text
        assert isinstance(unready, Unready)
    finally:
        full.capacity = 0
        for handler in (full, buffer):
            handler.close()


@pytest.mark.parametrize("wrong", [5, None, random.Random, object()])
def test_helpers_say_at_once_what_they_cannot_use(wrong: object) -> None:
    registry = Registry()
    with pytest.raises(TypeError, match=r"reseed_on_restore: .* is no generator"):
        reseed_on_restore(cast("random.Random", wrong), registry=registry)
    with pytest.raises(TypeError, match=r"clear_on_restore: .* is no cache"):
        clear_on_restore(cast("dict[str, str]", wrong if wrong is not random.Random else dict), registry=registry)
    assert registry.hooks == ()


def test_notes_of_forks_end_with_each_and_take_any_callable() -> None:
    class Called:
        def __call__(self) -> None: ...

        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

    original = os.register_at_fork
    one, two = AtFork(), AtFork()
    try:
        os.register_at_fork(after_in_child=Called())
        one.stop()  # though `two` stands before it
        os.register_at_fork(after_in_child=functools.partial(len, ""))
    finally:
        two.stop()
        one.stop()
    assert [name for name, _ in one.callbacks] == [f"{__name__}:{Called.__qualname__}"]
    assert [name for name, _ in two.callbacks] == [f"{__name__}:{Called.__qualname__}", "functools:partial"]
    assert os.register_at_fork is original


def test_numpy_forgets_the_second_of_two_normal_numbers_and_seeds_whatever_makes_bits() -> None:
    numpy = pytest.importorskip("numpy")
    from snapstart_hooks.integrations import numpy as of_numpy

    class Derived(numpy.random.PCG64):  # type: ignore[misc,name-defined]
        def __init__(self, argument: int) -> None:
            super().__init__()
            self.argument = argument

    states = [numpy.random.RandomState(), numpy.random.RandomState(numpy.random.PCG64())]
    deliberate = numpy.random.RandomState(42)
    bits = Derived(1)
    generator = numpy.random.Generator(bits)
    for each in (*states, deliberate):
        each.standard_normal()
    before = [each.get_state(legacy=False)["gauss"] for each in (*states, deliberate)]
    numbers = generator.bit_generator.state["state"]
    of_numpy.before_snapshot()
    of_numpy.after_restore()
    after = [each.standard_normal() for each in (*states, deliberate)]
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, False, True]
    assert generator.bit_generator.state["state"] != numbers

    class Holder:
        bit_generator = numpy.random.PCG64(42)

    holding, known = Registry(), Holder.bit_generator.state["state"]
    reseed_on_restore(Holder(), registry=holding)
    assert holding.run_after_restore().ok
    assert Holder.bit_generator.state["state"] != known

    registry, given = Registry(), numpy.random.PCG64(42)
    reseed_on_restore(given, registry=registry)
    numbers = given.state["state"]
    registry.run_after_restore()
    assert given.state["state"] != numbers


class Connection:
    def __init__(self, number: int, log: list[int]) -> None:
        self.number, self.log = number, log

    def close(self) -> None:
        self.log.append(self.number)
        if self.number == 1:
            msg = "gone"
            raise OSError(msg)

    disconnect = close

    async def aclose(self) -> None:
        self.close()

    def is_idle(self) -> bool:
        return True


def test_all_connections_of_a_pool_are_closed_whatever_one_raises() -> None:
    log = list[int]()
    waiting: queue.Queue[object] = queue.Queue()
    for number in range(3):
        waiting.put(Connection(number, log))
    kept = list(waiting.queue)
    for before_snapshot, pool in (
        (urllib3.before_snapshot, SimpleNamespace(pool=waiting)),
        (redis.before_snapshot, SimpleNamespace(pool=waiting)),
        (httpcore.before_snapshot, SimpleNamespace(connections=kept)),
        (httpcore.before_snapshot, SimpleNamespace(connections=kept, aclose=None)),
    ):
        log.clear()
        with pytest.raises(OSError, match="gone"):
            asyncio.run(closed(before_snapshot, pool))
        assert sorted(log) == [0, 1, 2]


async def closed(before_snapshot: Callable[..., Awaitable[None] | None], pool: object) -> None:  # type: ignore[explicit-any]
    closing = before_snapshot(pool)
    if closing is not None:
        await closing


@pytest.mark.parametrize("wrong", [5, None, "postgresql://db/orders", random.Random, len], ids=str)
def test_helpers_of_databases_say_at_once_what_they_cannot_use(wrong: object) -> None:
    helpers: list[Callable[..., object]] = [  # type: ignore[explicit-any]
        dispose_on_restore,
        psycopg_pool.open_on_restore,
        asyncpg.open_on_restore,
        reconnect_on_restore,
    ]
    registry = Registry()
    for helper in helpers:
        with pytest.raises(TypeError, match=f"{helper.__name__}: give .* What was given is"):
            helper(wrong, registry=registry)
    assert registry.hooks == ()
