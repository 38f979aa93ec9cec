"""Right uses of registries, hooks, reports and observers.

Read by type checkers, never executed. `test_typing.py` says how.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import assert_type

from typing_extensions import override

from snapstart_hooks import (
    Hook,
    HookDecorator,
    HookObserver,
    HookResult,
    Outcome,
    Phase,
    PhaseReport,
    Priority,
    ProviderInfo,
    Registry,
    after_restore,
    default_registry,
)
from snapstart_hooks.errors import DiscoveryError, HookOrderError, HooksFailed, ProviderError, SnapstartHooksError

assert_type(default_registry, Registry)

hooks = Registry()
Registry(allow=None)
Registry(allow=["acme-driver", "acme-driver:pool"])
Registry(allow={"acme-driver"})

# The decorators and call forms of a registry are those of the module.

assert_type(hooks.before_snapshot, HookDecorator)
assert_type(hooks.before_checkpoint, HookDecorator)
assert_type(hooks.after_restore, HookDecorator)


@hooks.after_restore
def reconnect() -> int:
    return 1


@hooks.before_snapshot(priority=Priority.LIBRARY, after=["pool"])
async def push() -> str:
    return ""


def open_pool(url: str, *, wait: bool = False) -> bytes:
    return b""


opened = hooks.register_after_restore(open_pool, "postgresql://", wait=True)
hooks.register_before_snapshot(reconnect)
hooks.after_restore(priority=5).call(open_pool, "postgresql://")


async def use_hooks() -> None:
    assert_type(reconnect(), int)
    assert_type(await push(), str)
    assert_type(opened("postgresql://", wait=False), bytes)


# What is in it.


def show(registry: Registry) -> None:
    registry.discover()
    assert_type(registry.hooks, tuple[Hook, ...])
    assert_type(registry.plan(Phase.AFTER_RESTORE), tuple[Hook, ...])
    for phase in Phase:
        for hook in registry.plan(phase):
            assert_type(hook.phase, Phase)
            assert_type(hook.name, str)
            assert_type(hook.priority, int)
            assert_type(hook.after, tuple[str, ...])
            assert_type(hook.timeout, float | None)
            assert_type(hook.required, bool)
            assert_type(hook.concurrent, bool)
            assert_type(hook.args, tuple[object, ...])
            assert_type(hook.kwargs, Mapping[str, object])
            assert_type(hook.provider, ProviderInfo | None)
            assert_type(hook.location, str)
            assert_type(hook.source, str)
            if hook.provider is not None:
                assert_type(hook.provider.name, str)
                assert_type(hook.provider.distribution, str)
                assert_type(hook.provider.version, str | None)
                assert_type(hook.provider.entry_point, str)
    registry.remove(registry.hooks[0])


# What it did.


def run(registry: Registry) -> None:
    assert_type(registry.run_before_snapshot(), PhaseReport)
    report = registry.run_after_restore()
    assert_type(report.phase, Phase)
    assert_type(report.started, float)
    assert_type(report.duration, float)
    assert_type(report.ok, bool)
    assert_type(report.failed, tuple[HookResult, ...])
    for result in report.results:
        assert_type(result.hook, Hook)
        assert_type(result.source, str)
        assert_type(result.outcome, Outcome)
        assert_type(result.duration, float)
        assert_type(result.error, BaseException | None)
    assert_type(report.to_dict(), dict[str, object])


def fail(registry: Registry) -> None:
    try:
        registry.run_after_restore()
    except HooksFailed as failed:
        assert_type(failed.exceptions, tuple[Exception | ExceptionGroup[Exception], ...])
        assert_type(failed.report, PhaseReport)
    try:
        registry.discover()
    except DiscoveryError as failed:
        assert_type(failed.exceptions, tuple[ProviderError | ExceptionGroup[ProviderError], ...])
    try:
        registry.plan(Phase.BEFORE_SNAPSHOT)
    except HookOrderError as failed:
        error: SnapstartHooksError = failed
        assert_type(failed.cycle, tuple[str, ...])
        assert_type(str(error), str)


# Who watches: a class that has the four methods, or a subclass that has some of them.


class Recorder:
    def phase_started(self, phase: Phase, hooks: Sequence[Hook]) -> None: ...
    def hook_started(self, hook: Hook) -> None: ...
    def hook_finished(self, result: HookResult) -> None: ...
    def phase_finished(self, report: PhaseReport) -> None: ...


class Slowest(HookObserver):
    @override
    def hook_finished(self, result: HookResult, /) -> None:
        self.duration = result.duration


class OtherNames:
    """Observers are called by position, so parameters may have any name."""

    def phase_started(self, which: Phase, plan: Sequence[Hook], note: str = "") -> object: ...
    def hook_started(self, one: object) -> None: ...
    def hook_finished(self, *results: HookResult) -> None: ...
    def phase_finished(self, summary: PhaseReport) -> None: ...


assert_type(hooks.add_observer(Recorder()), Callable[[], None])
stop = hooks.add_observer(Slowest())
stop()

# Names of the enumerations.

text: str = Phase.BEFORE_SNAPSHOT.value
assert_type(after_restore.phase is Phase.AFTER_RESTORE, bool)
assert_type(Priority.ENTROPY < Priority.WARMUP, bool)
number: int = Priority.APPLICATION + 1
