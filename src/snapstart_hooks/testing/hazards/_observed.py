"""What the probes in the zygote and the clones told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from snapstart_hooks.testing._inside.hazards.sighting import Sighting
    from snapstart_hooks.testing._inside.instruments import Occasion
    from snapstart_hooks.testing._outcome import CloneRun, RunOutcome

__all__ = ("PROBE", "failures", "files", "resumed", "sightings")

PROBE: Final = ".hazards:Probe"
"""Its name, as `clones(instruments=...)` takes it."""


def sightings(outcome: RunOutcome, occasion: Occasion) -> list[Sighting] | None:
    """What was sighted; ``None`` if the process did not get that far."""
    told: object = outcome.observations.get(PROBE, {}).get(occasion)
    return None if told is None else cast("dict[str, list[Sighting]]", told)["sightings"]


def resumed(outcome: RunOutcome) -> float | None:
    """When a clone was resumed, as its own wall clock has it; ``None`` if that is not known."""
    told: object = outcome.observations.get(PROBE, {}).get("restored")
    return None if told is None else cast("dict[str, float]", told)["now"]


def files(run: CloneRun) -> set[str]:
    """The sources of the application that were imported before the snapshot."""
    occasions: dict[str, dict[str, list[str]]] = run.snapshot.observations.get(PROBE, {})
    return {file for occasion in ("initialized", "snapshot") for file in occasions.get(occasion, {}).get("files", [])}


def failures(run: CloneRun) -> Iterable[str]:
    """Where the probe itself failed, so that nothing is known."""
    told: dict[str, None] = {}
    for outcome in (run.snapshot, *run.clones):
        for occasion, seen in outcome.observations.get(PROBE, {}).items():
            if occasion.endswith(" failed"):
                told[f"the probe could not look ({occasion}), so hazards may be missing:\n{seen}"] = None
    return told
