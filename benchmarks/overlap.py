"""Eight hooks that each wait 200 ms for a network, as reconnecting ones do."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial

import snapshot_restore_py
from awslambdaric import lambda_runtime_hooks_runner

from benchmarks._measure import Row, Table, in_turns
from snapstart_hooks import Registry

HOOKS, WAIT = 8, 0.2


def blocking() -> None:
    """Wait as a sync driver does."""
    time.sleep(WAIT)


async def waiting() -> None:
    """Wait as an async driver does."""
    await asyncio.sleep(WAIT)


def ours(kind: str) -> float:
    """Milliseconds of the after_restore phase."""
    registry = Registry()
    for number in range(HOOKS):
        hook = {"sync": blocking, "async": waiting}.get(kind) or (blocking if number % 2 else waiting)
        registry.after_restore(concurrent=True)(hook)
    registry.run_before_snapshot()
    start = time.perf_counter()
    registry.run_after_restore()
    return (time.perf_counter() - start) * 1e3


def aws() -> float:
    """Milliseconds of AWS's loop."""
    snapshot_restore_py.get_after_restore().clear()
    for _ in range(HOOKS):
        snapshot_restore_py.register_after_restore(blocking)
    start = time.perf_counter()
    lambda_runtime_hooks_runner.run_after_restore()
    return (time.perf_counter() - start) * 1e3


def run(*, quick: bool) -> list[Table]:
    """Ours with sync, async and mixed hooks, and AWS's loop, which waits for one after the other."""
    logging.disable(logging.INFO)
    contenders = {f"snapstart_hooks, {kind} hooks": partial(ours, kind) for kind in ("sync", "async", "mixed")}
    took = in_turns({**contenders, "AWS's loop": aws}, 3 if quick else 7)
    rows = tuple(Row(name, (value, value - WAIT * 1e3)) for name, value in took.items())
    return [Table("Eight hooks that wait 200 ms each", "ms", ("restore", "above 200 ms"), rows)]
