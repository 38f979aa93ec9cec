"""One hook for each live object: where it runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from snapstart_hooks import Registry

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Sequence


class Pool:
    """Belongs to a loop while it is open; what closes it notes where it was."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: asyncio.AbstractEventLoop | None = loop
        self.closed_on: asyncio.AbstractEventLoop | None = None

    async def close(self) -> None:
        self.closed_on = asyncio.get_running_loop()


class Forgetful:
    """A provider whose hook lets go of the loop before the coroutine that it returns is awaited."""

    def __init__(self, pools: Sequence[Pool], *, concurrent: bool) -> None:
        self.instances = lambda: pools
        self.concurrent = concurrent

    def loop(self, pool: Pool) -> asyncio.AbstractEventLoop | None:
        return pool.loop

    def before_snapshot(self, pool: Pool) -> Coroutine[object, object, None]:
        pool.loop = None
        return pool.close()


@pytest.fixture
def loops() -> Iterator[list[asyncio.AbstractEventLoop]]:
    made = [asyncio.new_event_loop(), asyncio.new_event_loop()]
    yield made
    for loop in made:
        loop.close()


@pytest.mark.parametrize("concurrent", [False, True])
def test_that_an_object_runs_where_it_belonged_when_its_hook_was_called(
    loops: list[asyncio.AbstractEventLoop], concurrent: bool
) -> None:
    pools = [Pool(loop) for loop in loops]
    registry = Registry()
    registry.include(cast("Registry", Forgetful(pools, concurrent=concurrent)), name="forgetful")
    assert registry.run_before_snapshot().ok
    assert [pool.closed_on for pool in pools] == loops
