"""The two phases of a registry: prepare, run, undo if need be, make ready, report."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import time
from typing import TYPE_CHECKING

from ._engine import PhaseRun, make_ready
from ._foreign import shortened
from ._hook import Phase
from ._plan import of_phase
from ._report import Outcome, log, tell
from ._settings import Settings
from .errors import AuditError, PhaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._hook import Hook
    from ._report import HookObserver, PhaseReport
    from ._state import State

__all__ = ("run_after_restore", "run_before_snapshot")


def run_before_snapshot(state: State, rollback: bool | None) -> PhaseReport:  # noqa: FBT001 - see there
    """See `Registry.run_before_snapshot`."""
    settings = _configure(state, Settings())
    faults = state.refresh()
    _look_for_misspelt(state, settings)
    undo = settings.rollback if rollback is None else rollback
    run, report = _run(state, Phase.BEFORE_SNAPSHOT, settings, settings.init_budget, faults=faults)
    failed = run.verdict(report) or _audit(settings)
    if (failed is not None or run.interrupted is not None) and undo:
        _, report.rollback = _run(state, Phase.AFTER_RESTORE, settings, settings.budget, only=_put_away(report))
    elif failed is None:
        if not run.is_settled:
            state.refresh()  # those of after_restore are for the objects that live at the snapshot
        make_ready(of_phase(Phase.AFTER_RESTORE, state.order()), budget=settings.budget)
        state.snapshot_at = time.time()
    return _conclude(state, run, report, failed)


def run_after_restore(state: State) -> PhaseReport:
    """See `Registry.run_after_restore`."""
    settings = state.settings
    faults: list[Exception] = []
    if settings is None:  # no snapshot was taken, as in a test
        settings = _configure(state, Settings())
        faults = state.refresh()
    run, report = _run(state, Phase.AFTER_RESTORE, settings, settings.budget, faults=faults, restore=True)
    return _conclude(state, run, report, run.verdict(report))


def _configure(state: State, settings: Settings) -> Settings:
    """Take over what the environment says, and switch on the observers that it names."""
    switched_on: tuple[HookObserver, ...] = ()
    if settings.emf or settings.otel:
        from .observers import configured

        switched_on = configured(settings)
    state.settings, state.switched_on, state.disable = settings, switched_on, settings.disable
    return settings


def _audit(settings: Settings) -> AuditError | None:
    """Look at what the snapshot is about to contain: unasked, at the connections that somebody left open."""
    if settings.audit == "off" or not (settings.audit or _has_sockets()):
        return None
    from ._audit import audit, connections

    findings = audit() if settings.audit else [*connections()]
    if not findings:
        return None
    if settings.audit == "error":
        told = shortened(list(map(str, findings)))
        msg = f"the snapshot would contain {told} (SNAPSTART_HOOKS_AUDIT=error)"
        return AuditError(msg)
    for finding in findings:
        tell(logging.WARNING, f"the snapshot contains {finding}")
    return None


def _has_sockets() -> bool:
    """Whether this process has any: most have none, and are spared the import of what looks closer."""
    with contextlib.suppress(OSError):  # one was closed meanwhile, or this is no Linux
        return any(stat.S_ISSOCK(os.fstat(int(fd)).st_mode) for fd in os.listdir("/proc/self/fd")[:-1])  # noqa: PTH208
    return False


def _look_for_misspelt(state: State, settings: Settings) -> None:
    """Tell of names in the environment that no hook bears: nobody would notice them otherwise."""
    if not settings.optional.given and not settings.required.given:
        return
    known = {name for hook in state.all_hooks() for name in hook.names}
    if unknown := sorted({*settings.optional.unknown(known), *settings.required.unknown(known)}):
        told = shortened(unknown)
        tell(logging.WARNING, f"SNAPSTART_HOOKS_OPTIONAL or SNAPSTART_HOOKS_REQUIRED names no hook or provider: {told}")


def _run(
    state: State,
    phase: Phase,
    settings: Settings,
    budget: float | None,
    *,
    faults: Sequence[Exception] = (),
    restore: bool = False,
    only: Callable[[Hook], bool] | None = None,
) -> tuple[PhaseRun, PhaseReport]:
    def requires(hook: Hook) -> bool:
        return settings.requires(hook.required, hook.names)

    observers = (*(observer for (observer,) in state.observers), *state.switched_on)
    run = PhaseRun(phase, state, budget=budget, requires=requires, observers=observers, only=only, faults=faults)
    with state.lock:
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
    state.last_report = report
    run.finished(report)
    return run, report


def _conclude(state: State, run: PhaseRun, report: PhaseReport, failed: Exception | None) -> PhaseReport:
    state.last_report = report
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
    untouched = {result.hook.name for result in report.failed}
    owners = {result.hook.provider for result in report.results if result.outcome is Outcome.OK}
    return lambda hook: hook.provider in owners and hook.name not in untouched
