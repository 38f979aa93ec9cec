"""What the probes in the zygote and the clones told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from snapstart_hooks.testing._inside.hazards.sighting import Sighting
    from snapstart_hooks.testing._inside.runtime.moments import Moment
    from snapstart_hooks.testing._outcome import CloneRun, RunOutcome

__all__ = ("PROBE", "failures", "files", "holders", "kept", "resumed", "sightings", "unseen", "uptime")

PROBE: Final = ".hazards:Probe"
"""Its name, as `clones(instruments=...)` takes it."""


def sightings(outcome: RunOutcome, moment: Moment) -> list[Sighting] | None:
    """What was sighted; ``None`` if the process did not get that far."""
    told: object = outcome.observations.get(PROBE, {}).get(moment)
    return None if told is None else cast("dict[str, list[Sighting]]", told)["sightings"]


def resumed(outcome: RunOutcome) -> float | None:
    """When a clone was resumed, as its own wall clock has it; ``None`` if that is not known."""
    told: object = outcome.observations.get(PROBE, {}).get("restored")
    return None if told is None else cast("dict[str, float]", told)["now"]


def holders(outcome: RunOutcome) -> dict[str, str]:
    """By the JSON text of a value in the answers, the global that holds it."""
    told: object = outcome.observations.get(PROBE, {}).get("finished")
    return {} if told is None else cast("dict[str, dict[str, str]]", told)["held"]


def kept(outcome: RunOutcome) -> dict[str, tuple[int | float, str]]:
    """What globals of the application hold in the end: a checksum of a text, or a number itself, and how to show it."""
    told: object = outcome.observations.get(PROBE, {}).get("finished")
    found: dict[str, list[object]] = {} if told is None else cast("dict[str, dict[str, list[object]]]", told)["kept"]
    return {name: (cast("int | float", mark), str(text)) for name, (mark, text) in found.items()}


def uptime(outcome: RunOutcome) -> float | None:
    """Its monotonic clock in the end; ``None`` if the process did not get that far."""
    told: object = outcome.observations.get(PROBE, {}).get("finished")
    return None if told is None else cast("dict[str, float]", told)["uptime"]


def unseen(run: CloneRun) -> list[str]:
    """That the application uses generators which nobody can look into."""
    told: dict[str, list[str]] = run.snapshot.observations.get(PROBE, {}).get("snapshot", {})
    return [
        f"not looked at: the random numbers that {name} makes in compiled code, used as {where}; "
        "let an answer show one of them"
        for name, where in (each.split(" ") for each in told.get("unseen", []))
    ]


def files(run: CloneRun) -> set[str]:
    """The sources of the application that were imported before the snapshot."""
    moments: dict[str, dict[str, list[str]]] = run.snapshot.observations.get(PROBE, {})
    return {file for moment in ("initialized", "snapshot") for file in moments.get(moment, {}).get("files", [])}


def failures(run: CloneRun) -> Iterable[str]:
    """Where the probe itself failed, so that nothing is known."""
    told: dict[str, None] = {}
    for outcome in (run.snapshot, *run.clones):
        for moment, seen in outcome.observations.get(PROBE, {}).items():
            if moment.endswith(" failed"):
                told[f"the probe could not look ({moment}), so hazards may be missing:\n{seen}"] = None
    return told
