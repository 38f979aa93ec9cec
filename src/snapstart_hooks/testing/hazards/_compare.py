"""Judges what was sighted: what is the same in all clones, or left over from before the snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from snapstart_hooks._settings import INIT_LIMIT, RESTORE_LIMIT
from snapstart_hooks.testing.hazards._model import Hazard
from snapstart_hooks.testing.hazards._observed import sightings
from snapstart_hooks.testing.hazards._remedies import remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from snapstart_hooks.testing._inside.hazards.sighting import Sighting
    from snapstart_hooks.testing._outcome import CloneRun

__all__ = ("left_over", "out_of_time", "repeated")

_RANDOM: Final = "repeated-random"

_CLOSE: Final = 0.8


def repeated(run: CloneRun, other: CloneRun | None = None) -> Iterator[Hazard]:
    """Generators that would give the same in every clone.

    Args:
        run: The run.
        other: Another initialisation of the same function. What repeats there too was
            seeded with a constant: a restore changes nothing about it.
    """
    drawn = [_generators(seen) for clone in run.clones if (seen := sightings(clone, "ready")) is not None]
    later = [_generators(seen) for clone in run.clones if (seen := sightings(clone, "finished")) is not None]
    who = f"all {len(drawn)} clones" if len(drawn) > 2 else "both clones"  # noqa: PLR2004 - "all 2"
    if len(drawn) == 1:
        drawn.append(_generators(sightings(run.snapshot, "snapshot") or []))
        who = "the clone and the snapshot it comes from"
    if not drawn:
        return
    elsewhere = [_generators(sightings(clone, "ready") or []) for clone in other.clones] if other is not None else []
    for subject, first in drawn[0].items():
        value = first["detail"]
        known = [seen[subject] for seen in (*drawn, *later) if subject in seen]
        same = all(subject in seen and seen[subject]["detail"] == value for seen in drawn)
        healed = len({seen[subject]["detail"] for seen in later if subject in seen}) > 1
        if not same or healed or not any(seen["used"] for seen in known):
            continue
        constant = any(subject in seen and seen[subject]["detail"] == value for seen in elsewhere)
        evidence = f"{who} would draw {value} next"
        if constant:
            evidence += ", and so does every other start of the function: it is seeded with a constant"
        origin = next((seen["origin"] for seen in known if seen["origin"]), "")
        grave = any(seen["grave"] for seen in known) and not constant
        yield Hazard(_RANDOM, subject, evidence, origin, remedy(_RANDOM, subject), _severity(grave=grave))


def left_over(run: CloneRun) -> Iterator[Hazard]:
    """What is in the snapshot and should not be, or should have been put right after it."""
    found: dict[tuple[str, str, str], tuple[Sighting, int]] = {}
    places = [sightings(run.snapshot, "snapshot")]
    places += [sightings(clone, occasion) for clone in run.clones for occasion in ("ready", "finished")]
    for seen in places:
        for one in seen or ():
            if one["code"] != _RANDOM:
                key = (one["code"], one["subject"], one["origin"])
                found[key] = (one, found.get(key, (one, 0))[1] + 1)
    for one, _ in found.values():
        code, subject = one["code"], one["subject"]
        yield Hazard(code, subject, one["detail"], one["origin"], remedy(code), _severity(grave=one["grave"]))


def out_of_time(run: CloneRun) -> Iterator[Hazard]:
    """Phases that took more time than Lambda gives, or nearly."""
    before = (run.snapshot.init_seconds or 0.0) + (run.snapshot.before_seconds or 0.0)
    after = max((clone.after_seconds or 0.0 for clone in run.clones), default=0.0)
    for code, subject, seconds, limit in (
        ("init-too-slow", "initialisation and before_snapshot hooks", before, INIT_LIMIT),
        ("hooks-too-slow", "after_restore hooks", after, RESTORE_LIMIT),
    ):
        if seconds > _CLOSE * limit:
            evidence = f"they took {seconds:.1f} s here; Lambda gives them {limit:.0f} s"
            yield Hazard(code, subject, evidence, "", remedy(code), _severity(grave=seconds > limit))


def _generators(seen: list[Sighting]) -> dict[str, Sighting]:
    return {one["subject"]: one for one in seen if one["code"] == _RANDOM}


def _severity(*, grave: bool) -> Literal["error", "warning"]:
    return "error" if grave else "warning"
