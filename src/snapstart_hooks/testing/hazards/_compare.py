"""Judges what the probes saw: what is the same in all clones, or left over from before the snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from snapstart_hooks.testing._core import RESTORE_LIMIT
from snapstart_hooks.testing.hazards._model import Hazard, all_of
from snapstart_hooks.testing.hazards._observed import observations
from snapstart_hooks.testing.hazards._remedies import remedy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from snapstart_hooks.testing._inside.hazards.observation import Observation
    from snapstart_hooks.testing._outcome import CloneRun, RunOutcome

__all__ = ("idle", "left_over", "out_of_time", "repeated")

_RANDOM: Final = "repeated-random"

_CLOSE: Final = 0.8

_INIT_LIMIT: Final = 130.0
"""Seconds that initialisation and before_snapshot hooks have at least (see `RESTORE_LIMIT`, same page): the
limit is this or the function's timeout, whichever is higher; the timeout is not known here."""


def repeated(run: CloneRun, starts: Sequence[RunOutcome]) -> Iterator[Hazard]:
    """Generators that would give the same in every clone; if at every start too, they were seeded with a constant."""
    drawn = [_generators(seen) for clone in run.clones if (seen := observations(clone, "ready")) is not None]
    later = [_generators(seen) for clone in run.clones if (seen := observations(clone, "finished")) is not None]
    who = all_of(drawn)
    if len(drawn) == 1:
        drawn.append(_generators(observations(run.snapshot, "snapshot") or []))
        who = "the clone and the snapshot it comes from"
    if not drawn:
        return
    elsewhere = [_generators(observations(start, "ready") or []) for start in starts]
    for subject, first in drawn[0].items():
        value = first["detail"]
        known = [seen[subject] for seen in (*drawn, *later) if subject in seen]
        same = all(subject in seen and seen[subject]["detail"] == value for seen in drawn)
        healed = {
            seen[subject]["detail"] for seen in later if subject in seen and not seen[subject].get("drawn_on", True)
        }
        if not same or len(healed) > 1 or not any(seen["used"] for seen in known) or _is_idle(run, subject, known):
            continue
        constant = any(subject in seen and seen[subject]["detail"] == value for seen in elsewhere)
        evidence = f"{who} would draw {value} next"
        if constant:
            evidence += ", and so does every other start of the function: it is seeded with a constant"
        origin = next((seen["origin"] for seen in known if seen["origin"]), "")
        grave = any(seen["grave"] for seen in known) and not constant
        yield Hazard(_RANDOM, subject, evidence, origin, remedy(_RANDOM, subject), _severity(grave=grave))


def idle(run: CloneRun) -> list[str]:
    """Notes on generators that repeat, that nothing in the application refers to, and that no event draws from."""
    known: dict[str, list[Observation]] = {}
    for clone in run.clones:
        for one in observations(clone, "finished") or ():
            known.setdefault(one["subject"], []).append(one)
    return [
        f"{subject} gives every clone the same; but nothing in the application refers to it, and no event drew from it"
        for subject, seen in known.items()
        if seen[0]["code"] == _RANDOM and len(seen) > 1 and seen[0]["used"] and _is_idle(run, subject, seen)
    ]


def _is_idle(run: CloneRun, subject: str, known: Sequence[Observation]) -> bool:
    """Whether only an import has drawn from it: the events did not, and nothing in the application refers to it."""
    seen_by = [observations(clone, moment) for clone in run.clones for moment in ("ready", "finished")]
    drawn = {one["detail"] for seen in seen_by for one in seen or () if one["subject"] == subject}
    answered = all(clone.invocations for clone in run.clones) and all(seen is not None for seen in seen_by)
    asked = any("drawn_on" not in one for one in known)  # it is asked itself, which draws from it
    return answered and not asked and len(drawn) == 1 and not any(one["origin"] for one in known)


def left_over(run: CloneRun, *, failed: bool, live: bool) -> Iterator[Hazard]:
    """What a snapshot should not have, or a hook put right; a connection is an error if clones failed or share it."""
    finished = [seen for clone in run.clones if (seen := observations(clone, "finished")) is not None]
    ready = (observations(clone, "ready") for clone in run.clones)
    found: dict[tuple[str, str, str], Observation] = {
        (one["code"], one["subject"], one["origin"]): one
        for seen in (observations(run.snapshot, "snapshot"), *ready, *finished)
        for one in seen or ()
        if one["code"] != _RANDOM
    }
    last = {(one["code"], one["subject"]) for seen in finished for one in seen}
    for one in found.values():
        code, subject, grave = one["code"], one["subject"], one["grave"]
        if code in _MENDED_LATER and finished and (code, subject) not in last and not failed:
            continue  # the function has noticed, and needed no failure for it
        detail = one["detail"]
        if code == "open-connection":
            grave = failed or live
            if not grave:
                detail += "; no invocation has used it, or failed for it"
        yield Hazard(code, subject, detail, one["origin"], remedy(code), _severity(grave=grave))


_MENDED_LATER: Final = ("open-connection", "running-loop")


def out_of_time(run: CloneRun) -> Iterator[Hazard]:
    """Phases that took more time than Lambda gives, or nearly."""
    before = (run.snapshot.init_seconds or 0.0) + (run.snapshot.before_seconds or 0.0)
    after = max((clone.after_seconds or 0.0 for clone in run.clones), default=0.0)
    for code, subject, seconds, limit in (
        ("init-too-slow", "initialisation and before_snapshot hooks", before, _INIT_LIMIT),
        ("hooks-too-slow", "after_restore hooks", after, RESTORE_LIMIT),
    ):
        if seconds > _CLOSE * limit:
            evidence = f"they took {seconds:.1f} s here; Lambda gives them {limit:.0f} s"
            yield Hazard(code, subject, evidence, "", remedy(code), _severity(grave=seconds > limit))


def _generators(seen: list[Observation]) -> dict[str, Observation]:
    return {one["subject"]: one for one in seen if one["code"] == _RANDOM}


def _severity(*, grave: bool) -> Literal["error", "warning"]:
    return "error" if grave else "warning"
