"""What registering and running a hook that does nothing costs."""

from __future__ import annotations

import gc
import logging
from functools import partial
from importlib.metadata import EntryPoint
from time import perf_counter_ns
from typing import TYPE_CHECKING

import pluggy
import snapshot_restore_py
from awslambdaric import lambda_runtime_hooks_runner
from stevedore import ExtensionManager
from stevedore.extension import Extension

from benchmarks._measure import Row, Table, in_turns
from snapstart_hooks import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (1, 100, 10_000)

marker = pluggy.HookimplMarker("bench")
specification = pluggy.HookspecMarker("bench")


def hook() -> None:
    """Do nothing."""


class Specification:
    """What pluggy wants to know before."""

    @specification
    def after_restore(self) -> None:
        """Run after a restore."""


class Plugin:
    """One plugin of pluggy's."""

    @marker
    def after_restore(self) -> None:
        """Do nothing."""


def nanoseconds(function: Callable[[], object], times: int) -> float:
    """Of one call in `times`, without the collector in between."""
    gc.disable()
    start = perf_counter_ns()
    function()
    duration = perf_counter_ns() - start
    gc.enable()
    return duration / times


def ours(size: int) -> Registry:
    """A registry with so many hooks."""
    registry = Registry()
    for _ in range(size):
        registry.after_restore(hook)
    return registry


def aws(size: int) -> None:
    """AWS's list with so many hooks, and no others."""
    snapshot_restore_py.get_after_restore().clear()
    for _ in range(size):
        snapshot_restore_py.register_after_restore(hook)


def pluggys(size: int) -> pluggy.PluginManager:
    """A manager with so many plugins."""
    manager = pluggy.PluginManager("bench")
    manager.add_hookspecs(Specification)
    for _ in range(size):
        manager.register(Plugin())
    return manager


def stevedores(size: int) -> ExtensionManager[Plugin]:
    """A manager with so many extensions, none of them really installed."""
    entry_point = EntryPoint("hook", "benchmarks.running:hook", "bench")
    extensions = [Extension[Plugin](f"hook-{number}", entry_point, Plugin, None) for number in range(size)]
    return ExtensionManager[Plugin].make_test_instance(extensions)


def call(_: Extension[Plugin]) -> None:
    """What stevedore's `map` does with each extension."""
    hook()


def bare(size: int) -> None:
    """Nothing but the calls."""
    for _ in range(size):
        hook()


def registering(make: Callable[[int], object], size: int) -> float:
    """Nanoseconds for each hook."""
    return nanoseconds(partial(make, size), size)


def running(size: int, kind: str) -> float:
    """Nanoseconds for each hook of a phase that has so many."""
    if kind == "ours":
        registry = ours(size)
        registry.run_before_snapshot()
        return nanoseconds(registry.run_after_restore, size)
    if kind == "aws":
        aws(size)
        return nanoseconds(lambda_runtime_hooks_runner.run_after_restore, size)
    if kind == "pluggy":
        return nanoseconds(pluggys(size).hook.after_restore, size)
    if kind == "stevedore":
        manager = stevedores(size)
        return nanoseconds(partial(manager.map, call), size)
    return nanoseconds(partial(bare, size), size)


def run(*, quick: bool) -> list[Table]:
    """Everything for one, a hundred and ten thousand hooks."""
    logging.disable(logging.INFO)
    rounds = 5 if quick else 15
    makers = {"snapstart_hooks": ours, "AWS's snapshot_restore_py": aws, "pluggy": pluggys}
    sizes = tuple(size for size in SIZES if size < SIZES[-1])  # pluggy's registration is quadratic
    registered = {
        size: in_turns({name: partial(registering, make, size) for name, make in makers.items()}, rounds)
        for size in sizes
    }
    kinds = {
        "snapstart_hooks": "ours",
        "AWS's loop": "aws",
        "pluggy": "pluggy",
        "stevedore": "stevedore",
        "the bare call": "bare",
    }
    ran: dict[int, dict[str, float]] = {}
    for size in SIZES:
        contenders = {
            name: partial(running, size, kind) for name, kind in kinds.items() if kind != "pluggy" or size < SIZES[-1]
        }
        ran[size] = in_turns(contenders, rounds)
    nothing = float("nan")
    return [
        Table(
            "Registering a hook",
            "µs each",
            tuple(f"{size:,} hooks" for size in sizes),
            tuple(Row(name, tuple(registered[size][name] / 1e3 for size in sizes)) for name in makers),
        ),
        Table(
            "Running a hook that does nothing",
            "µs each",
            tuple(f"{size:,} hooks" for size in SIZES),
            tuple(Row(name, tuple(ran[size].get(name, nothing) / 1e3 for size in SIZES)) for name in kinds),
            "Ours times, judges and reports each hook; with one hook, the phase itself is most of it.",
        ),
    ]
