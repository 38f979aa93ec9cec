"""The two phases of a registry: prepare, run, undo if need be, make ready, report."""

from __future__ import annotations

import logging
from time import time
from typing import TYPE_CHECKING, Final

from ._engine import PhaseRun
from ._foreign import shortened
from ._hook import Hook, Phase
from ._report import Outcome, log, tell
from ._settings import Settings
from ._state import State
from .errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._report import HookObserver, PhaseReport


_SLOW_NS: Final = 1_000_000_000
"""Nanoseconds from which on a restore is logged even if all went well."""

_REHEARSALS: Final = 20
"""After so many calls CPython has specialised the bytecode of a function."""


def run_before_snapshot(state: State, rollback: bool | None) -> PhaseReport:  # noqa: FBT001 - see there
    """See `Registry.run_before_snapshot`."""
    settings = _configure(state, Settings())
    faults = state.refresh()
    _look_for_misspelt(state, settings)
    run = PhaseRun(Phase.BEFORE_SNAPSHOT, state, settings, faults=faults)
    report = run.run()
    failed = run.verdict(report) or _audit(settings)
    if failed is None and run.interrupted is None:
        if not run.is_settled:
            state.refresh()  # those of after_restore are for the objects that live at the snapshot
        state.prepared = PhaseRun(Phase.AFTER_RESTORE, state, settings)
        state.prepared.make_ready()
        _rehearse()
        state.snapshot_at = time()
    elif settings.rollback if rollback is None else rollback:
        undoing = PhaseRun(Phase.AFTER_RESTORE, state, settings, only=_put_away(report))
        report.rollback = undoing.run()
        state.last_report = report
    _conclude(run, report, failed)
    return report


def run_after_restore(state: State) -> PhaseReport:
    """See `Registry.run_after_restore`."""
    run = state.prepared
    if run is None or not run.is_current():
        settings, faults = state.settings, list[Exception]()
        if settings is None:  # no snapshot was taken, as in a test
            settings = _configure(state, Settings())
            faults = state.refresh()
        run = PhaseRun(Phase.AFTER_RESTORE, state, settings, faults=faults)
    report = run.run(restore=True)
    # The line of a restore that went well and fast would read more memory than all else that we do then.
    ended_well = not report.failed and not run.faults and run.interrupted is None
    if not ended_well or report.duration_ns >= _SLOW_NS or not run.discreet:
        _conclude(run, report, run.verdict(report))
    return report


def _rehearse() -> None:
    """Run phases in which nothing happens: what they read after a restore is less, once CPython has specialised it."""
    hook, settings = Hook(Phase.AFTER_RESTORE, lambda: None), Settings({})
    for _ in range(_REHEARSALS):
        stage = State()
        stage.append(hook)
        stage.prepared = PhaseRun(Phase.AFTER_RESTORE, stage, settings)
        stage.prepared.discreet = True
        run_after_restore(stage)


def _configure(state: State, settings: Settings) -> Settings:
    """Take over what the environment says, and switch on the observers that it names."""
    switched_on: tuple[HookObserver, ...] = ()
    if settings.emf or settings.otel:
        from .observers import configured

        switched_on = configured(settings)
    state.settings, state.switched_on, state.disable = settings, switched_on, settings.disable
    state.prepared = None
    return settings


def _audit(settings: Settings) -> AuditError | None:
    """Look at what the snapshot is about to contain: unasked, at the connections that somebody left open."""
    if settings.audit == "off":
        return None
    from ._audit import audit, connections

    findings = audit() if settings.audit else [*connections()]
    if not findings:
        return None
    if settings.audit == "error":
        found = shortened(list(map(str, findings)))
        msg = f"the snapshot would contain {found} (SNAPSTART_HOOKS_AUDIT=error)"
        return AuditError(msg)
    for finding in findings:
        tell(logging.WARNING, f"the snapshot contains {finding}")
    return None


def _look_for_misspelt(state: State, settings: Settings) -> None:
    """Tell of names in the environment that no hook bears: nobody would notice them otherwise."""
    if not settings.optional.given and not settings.required.given:
        return
    known = {name for hook in state.all_hooks() for name in hook.names}
    if unknown := sorted({*settings.optional.unknown(known), *settings.required.unknown(known)}):
        text = shortened(unknown)
        tell(logging.WARNING, f"SNAPSTART_HOOKS_OPTIONAL or SNAPSTART_HOOKS_REQUIRED names no hook or provider: {text}")


def _conclude(run: PhaseRun, report: PhaseReport, failed: Exception | None) -> None:
    """Tell how the phase ended, and raise what ended it."""
    log(report)
    if run.interrupted is not None:
        raise run.interrupted
    if failed is not None:
        raise failed


def _put_away(report: PhaseReport) -> Callable[[Hook], bool]:
    """Which after_restore hooks undo what a failed before_snapshot phase has done.

    Those of every provider, and of the application, of which a hook ended well; but
    not those that bear the name of a hook that did not.
    """
    untouched = {result.hook.name for result in report.failed}
    owners = {result.hook.provider for result in report.results if result.outcome is Outcome.OK}
    return lambda hook: hook.provider in owners and hook.name not in untouched
