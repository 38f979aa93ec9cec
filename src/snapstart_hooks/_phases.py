"""Runs the two phases of a registry: prepare, run, undo if need be, make ready, report.

The other half of `Registry`, apart from it because an application registers hooks while
it is imported, and runs none until all of it is.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from snapstart_hooks._engine import PhaseRun, make_ready, verdict
from snapstart_hooks._hook import Phase
from snapstart_hooks._plan import batches, names
from snapstart_hooks._report import log, logger, shortened
from snapstart_hooks._settings import Settings
from snapstart_hooks.errors import AuditError, PhaseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from snapstart_hooks._hook import Hook
    from snapstart_hooks._plan import Batches
    from snapstart_hooks._registry import Registry
    from snapstart_hooks._report import HookObserver, PhaseReport

__all__ = ("run_after_restore", "run_before_snapshot")


def run_before_snapshot(registry: Registry, *, rollback: bool | None) -> PhaseReport:
    """See `Registry.run_before_snapshot`."""
    state = registry._state
    settings = _configure(registry, Settings())
    _look_for_misspelt(registry, settings)
    undo = settings.rollback if rollback is None else rollback
    run, report = _run(registry, Phase.BEFORE_SNAPSHOT, settings, settings.init_budget)
    failed = verdict(run, report) or _audit(settings)
    if (failed is not None or run.interrupted) and undo:
        _, report.rollback = _run(registry, Phase.AFTER_RESTORE, settings, settings.budget, only=_put_away(report))
    elif failed is None:
        make_ready(registry._plans().batches(Phase.AFTER_RESTORE), budget=settings.budget)
        state.snapshot_at = time.time()
    return _conclude(registry, run, report, failed)


def run_after_restore(registry: Registry) -> PhaseReport:
    """See `Registry.run_after_restore`."""
    settings = registry._state.settings or _configure(registry, Settings())
    run, report = _run(registry, Phase.AFTER_RESTORE, settings, settings.budget, restore=True)
    return _conclude(registry, run, report, verdict(run, report))


def _configure(registry: Registry, settings: Settings) -> Settings:
    """Take over what the environment says, and switch on the observers that it names."""
    switched_on: tuple[HookObserver, ...] = ()
    if settings.emf or settings.otel:
        from snapstart_hooks.observers import configured

        switched_on = configured(settings)
    registry._state.settings, registry._state.switched_on = settings, switched_on
    return settings


def _audit(settings: Settings) -> AuditError | None:
    """Look at what the snapshot is about to contain, if that is wanted."""
    if not settings.audit:
        return None
    from snapstart_hooks._audit import audit

    findings = audit()
    if not findings:
        return None
    told = shortened(list(map(str, findings)))
    if settings.audit == "warn":
        logger.warning("the snapshot contains %s", told)
        return None
    msg = f"the snapshot would contain {told} (SNAPSTART_HOOKS_AUDIT=error)"
    return AuditError(msg)


def _look_for_misspelt(registry: Registry, settings: Settings) -> None:
    """Tell of names in the environment that no hook bears: nobody would notice them otherwise."""
    given = (settings.optional | settings.required) - {"*"}
    if given and (unknown := given.difference(*map(names, registry.hooks))):
        told = ", ".join(sorted(unknown))
        logger.warning("SNAPSTART_HOOKS_OPTIONAL or SNAPSTART_HOOKS_REQUIRED names no hook or provider: %s", told)


def _run(
    registry: Registry,
    phase: Phase,
    settings: Settings,
    budget: float | None,
    *,
    restore: bool = False,
    only: Callable[[Hook], bool] | None = None,
) -> tuple[PhaseRun, PhaseReport]:
    def todo(done: frozenset[Hook] = frozenset()) -> Batches:
        planned = registry._plans().batches(phase)
        if only is None and not done:
            return planned
        hooks = (hook for batch in planned for hook in batch)
        return batches([hook for hook in hooks if hook not in done and (only is None or only(hook))])

    def requires(hook: Hook) -> bool:
        return settings.requires(hook.required, names(hook))

    state = registry._state
    run = PhaseRun(
        phase,
        todo(),
        budget=budget,
        requires=requires,
        observers=(*state.observers, *state.switched_on),
        collect=registry._collect,
        replan=todo,
    )
    with registry._lock:
        if state.running is not None:
            msg = (
                f"{phase.value} cannot start: {state.running.phase.value} of this registry is running. "
                "A hook must not start a phase, nor may another thread."
            )
            raise PhaseError(msg)
        state.running = run
    try:
        if restore:
            state.restored_at = time.time()
            state.generation += 1
        report = run.run()
    finally:
        state.running = None
    run.finished(report)
    return run, report


def _conclude(registry: Registry, run: PhaseRun, report: PhaseReport, failed: Exception | None) -> PhaseReport:
    registry._state.last_report = report
    log(report)
    if run.interrupted is not None:
        raise run.interrupted
    if failed is not None:
        raise failed
    return report


def _put_away(report: PhaseReport) -> Callable[[Hook], bool]:
    """Which after_restore hooks undo what a failed before_snapshot phase has done.

    Those of every provider, and of the application, of which a hook ended well; but
    not those that bear the name of a hook that did not.
    """
    failed = report.failed
    untouched = {result.hook.name for result in failed}
    owners = {result.hook.provider for result in report.results if result not in failed}
    return lambda hook: hook.provider in owners and hook.name not in untouched
