"""What the probes in the processes saw."""
# It is whatever JSON can hold.
# mypy: disable-error-code="explicit-any"

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from snapstart_hooks.testing._inside.hazards.observation import Observation
    from snapstart_hooks.testing._inside.runtime.moments import Moment
    from snapstart_hooks.testing._outcome import CloneRun, RunOutcome

__all__ = (
    "PROBE",
    "START_PROBE",
    "failures",
    "files",
    "holders",
    "kept",
    "observations",
    "resumed",
    "unseen",
    "uptime",
)

PROBE: Final = ".hazards:Probe"
"""Its name, as `clones(instruments=...)` takes it."""
START_PROBE: Final = ".hazards:StartProbe"
"""That of the probe in a start that is never restored."""


def _seen(outcome: RunOutcome, moment: Moment) -> dict[str, Any]:
    """What the probe returned at a moment; empty if the process did not get that far."""
    of_probe = outcome.observations.get(PROBE) or outcome.observations.get(START_PROBE) or {}
    return of_probe.get(moment) or {}


def observations(outcome: RunOutcome, moment: Moment) -> list[Observation] | None:
    """What was observed; ``None`` if the process did not get that far."""
    return cast("list[Observation] | None", _seen(outcome, moment).get("observations"))


def resumed(outcome: RunOutcome) -> float | None:
    """When a clone was resumed, as its own wall clock has it; ``None`` if that is not known."""
    return cast("float | None", _seen(outcome, "restored").get("now"))


def holders(outcome: RunOutcome) -> dict[str, str]:
    """By the JSON text of a value in the answers, the global that holds it."""
    return cast("dict[str, str]", _seen(outcome, "finished").get("held", {}))


def kept(outcome: RunOutcome) -> dict[str, tuple[int | float, str]]:
    """What globals of the application hold in the end: a checksum of a text, or a number itself, and how to show it."""
    found: dict[str, tuple[int | float, str]] = _seen(outcome, "finished").get("kept", {})
    return {name: (mark, text) for name, (mark, text) in found.items()}


def uptime(outcome: RunOutcome) -> float | None:
    """Its monotonic clock in the end; ``None`` if the process did not get that far."""
    return cast("float | None", _seen(outcome, "finished").get("uptime"))


def files(run: CloneRun) -> set[str]:
    """The sources of the application that were imported before the snapshot."""
    moments: tuple[Moment, ...] = ("initialized", "snapshot")
    return {file for moment in moments for file in _seen(run.snapshot, moment).get("files", ())}


def unseen(run: CloneRun) -> list[str]:
    """Notes on generators in compiled code that the application uses, and whose state cannot be read."""
    return [
        f"not looked at: the random numbers that {name} makes in compiled code, used as {where}; "
        "let an answer show one of them"
        for name, where in (each.split(" ") for each in _seen(run.snapshot, "snapshot").get("unseen", ()))
    ]


def failures(run: CloneRun) -> Iterable[str]:
    """Notes on moments at which the probe failed, so that hazards may be missing."""
    notes: dict[str, None] = {}
    for outcome in (run.snapshot, *run.clones):
        for moment, seen in outcome.observations.get(PROBE, {}).items():
            if moment.endswith(" failed"):
                notes[f"the probe could not look ({moment}), so hazards may be missing:\n{seen}"] = None
    return notes
