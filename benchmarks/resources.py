"""What an access to a value costs, once it is there: beside a module global and `functools.cache`."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import timeit
from time import process_time, process_time_ns
from typing import TYPE_CHECKING

from benchmarks._measure import Row, Table, in_turns
from snapstart_hooks.resources import PerRestore, cached_until_restore, generation, resource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

connection = object()


def plain() -> object:
    """What people write: a function that gives the global."""
    return connection


@functools.cache
def cached() -> object:
    """The same, cached."""
    return object()


held = resource(lambda: contextlib.nullcontext(object()))
instance = PerRestore(object)
kept = cached_until_restore(object)
lasting = cached_until_restore(ttl=3600)(object)


@resource
async def pool() -> AsyncIterator[object]:
    """Lives on a loop."""
    yield object()


async def coroutine() -> object:
    """What awaiting alone costs."""
    return connection


def of(statement: str, names: dict[str, object], times: int) -> float:
    """Nanoseconds of one of them."""
    return timeit.timeit(statement, timer=process_time, globals=names, number=times) / times * 1e9


def awaiting(loop: asyncio.AbstractEventLoop, call: Callable[[], object], times: int) -> float:
    """Nanoseconds of one ``await call()``."""

    async def many() -> float:
        await call()  # type: ignore[misc]
        start = process_time_ns()
        for _ in range(times):
            await call()  # type: ignore[misc]
        return (process_time_ns() - start) / times

    return loop.run_until_complete(many())


def run(*, quick: bool) -> list[Table]:
    """Each in turns, many times."""
    rounds, times = (5, 20_000) if quick else (15, 200_000)
    calls: dict[str, Callable[[], object]] = {
        "Resource": held,
        "PerRestore": instance,
        "cached_until_restore": kept,
        "cached_until_restore, with a time to live": lasting,
        "generation": generation,
        "functools.cache": cached,
        "a function that gives a module global": plain,
    }
    contenders: dict[str, Callable[[], float]] = {
        name: functools.partial(of, "it()", {"it": call}, times) for name, call in calls.items()
    }
    contenders["a module global"] = functools.partial(of, "it", {"it": connection}, times)
    for call in calls.values():
        call()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    contenders["AsyncResource, awaited"] = functools.partial(awaiting, loop, pool, times)
    contenders["a coroutine function, awaited"] = functools.partial(awaiting, loop, coroutine, times)
    took = in_turns(contenders, rounds)
    loop.run_until_complete(pool.reset())
    asyncio.set_event_loop(None)
    loop.close()
    rows = tuple(Row(name, (value,)) for name, value in took.items())
    return [Table("An access to a value that is there", "ns", ("each",), rows, "Of CPU time.")]
