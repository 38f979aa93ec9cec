"""Judges answers: the same in all clones and different at another start, or the other way round.

The starts are those of the same function that were never restored.  Their wall clock is
between those of the clones, so that a time which the clones asked for is not taken for
one of the snapshot.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import re
import time
from collections import Counter
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, cast

from snapstart_hooks.testing._inside.kernel.clock import BOOTED_LATER as _BOOTED_LATER
from snapstart_hooks.testing._json_path import shown
from snapstart_hooks.testing.hazards._model import Hazard, all_of
from snapstart_hooks.testing.hazards._observed import holders, kept, resumed, uptime
from snapstart_hooks.testing.hazards._remedies import remedy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from snapstart_hooks.testing._outcome import CloneRun, Invocation, RunOutcome

__all__ = ("changed_answers", "doubtful", "kept_values", "repeated_values")

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_HEX: Final = re.compile(r"(?:0x)?[0-9a-f]{8,}", re.IGNORECASE)
_NEAR: Final = dt.timedelta(hours=24).total_seconds()
_UNITS: Final = (1.0, 1e3, 1e6, 1e9)
_DAY: Final = len("2000-01-01")

_SERVER_ERROR: Final = 500
_SMALL: Final = 0.1
_FEW: Final = 2
"""Digits of such a fraction that agree by chance."""
_STEPS: Final = 3
"""By how much, in its last digit, what is measured differs from one start to the next."""

_PART: Final = re.compile(r"\[[^]]*\]$")
"""The last step of a path, into a list or a dictionary."""

_Place = tuple[int, str]
"""The number of the event, and the path in its answer."""


def repeated_values(run: CloneRun, starts: Sequence[RunOutcome]) -> Iterator[Hazard]:
    """Values that all clones answered, and no other start did, which was given the same events."""
    elsewhere = [_answers(start) for start in starts]
    drawn, wholes = _drawn(run, elsewhere), _places(elsewhere)
    reported: set[_Place] = set()
    for place, value in _same(run).items():
        if elsewhere and not isinstance(value, bool) and not _is_rounded(value):
            others = [answers[place] for answers in elsewhere if place in answers]
            if not others or all(other == value for other in others):
                continue  # an answer that has changed, or a constant
            if _are_lengths(value, *others):
                continue
            whole = wholes.get(place, place)  # of a shuffled list, one hazard
            if whole not in drawn and _have_changed(value, others):
                continue
            if whole not in reported:
                reported.add(whole)
                hazard = _repeated(run, whole, value, others)
                yield hazard
                if hazard.code != "stale-time" and _is_of_another_day(value, others):
                    seen = f"{hazard.evidence.partition(';')[0]} on its day: the one in it is over"
                    yield dataclasses.replace(
                        hazard, code="stale-time", evidence=seen, remedy=remedy("stale-time"), severity="warning"
                    )


def _repeated(run: CloneRun, place: _Place, value: object, others: Sequence[object]) -> Hazard:
    only_day = len({_DATE.sub("", str(each)) for each in (value, *others)}) == 1 and _is_of_another_day(value, others)
    kind = "day" if only_day else _kind(value)
    measured = kind == "number" and all(_is_near(value, other) for other in others)
    code = "stale-time" if kind in ("time", "day") else "repeated-value"
    moments = {_moment(value)} if kind == "time" else set[float | None]()
    now = min((moment for clone in run.clones if (moment := resumed(clone)) is not None), default=None)
    ages = [now - moment for moment in moments if moment is not None and now is not None]
    more = f"; it was {ages[0]:.0f} s old at the restore" if ages and ages[0] >= 1 else ""
    if measured:
        more = f", but {shown(others[0])}, which is so near that both may have been measured"
    return Hazard(
        code,
        _subject(run, place),
        f"{all_of(run.clones)} answered the same {kind}, {shown(value)}; another start of the function did not{more}",
        next((name for clone in run.clones if (name := holders(clone).get(json.dumps(value)))), ""),
        remedy(code),
        "warning" if kind == "time" or measured else "error",  # of a time it may be meant that it stays
    )


def kept_values(run: CloneRun, starts: Sequence[RunOutcome], known: Iterable[str]) -> Iterator[Hazard]:
    """What globals of all clones hold, and no other start, and no hazard so far shows: an id, a secret, a deadline."""
    first, *others = [kept(clone) for clone in run.clones] or [{}]
    elsewhere = [kept(start) for start in starts]
    boots = [up - here if (here := uptime(run.clones[0])) and (up := uptime(start)) else 0.0 for start in starts]
    evidence, wholes = " ".join(known), _wholes(first)
    reported: set[tuple[int | float, str] | str] = set()
    for name, value in first.items():
        if not others or not all(other.get(name) == value for other in others) or value in reported:
            continue
        if not elsewhere or not all(name in start and start[name][0] != value[0] for start in elsewhere):
            continue
        mark, shown_as = value
        whole = wholes[name]
        reported |= {value}
        if isinstance(mark, float):
            ahead = zip(boots, (start[name][0] - mark for start in elsewhere), strict=True)
            if all(boot > _BOOTED_LATER / 2 and _is_ahead(by, boot) for boot, by in ahead):
                seen = (
                    f"{all_of(run.clones)} hold the same time of the monotonic clock in it, {shown_as}; the clock "
                    "stands still while the function is a snapshot, so it does not show how long that was"
                )
                yield Hazard("stale-time", whole, seen, name, remedy("stale-time"), "warning")
            continue
        text, owner = shown_as.removeprefix("b")[1:-1], name.partition("[")[0]
        owner = owner.rpartition(".")[0] if owner.count(".") > 1 else owner
        known_by = any(part in evidence for part in (text, owner)) or _moment(text) is not None
        if not known_by and whole not in reported and not text.startswith("/tmp/"):  # noqa: S108
            reported |= {whole}
            seen = f"{all_of(run.clones)} hold the same in it, {shown_as}; another start of the function does not"
            yield Hazard("kept-value", whole, seen, name, remedy("kept-value"), "warning")


def _wholes(paths: Iterable[str]) -> dict[str, str]:
    """What all parts of a list or a dictionary are called together; a path itself, if it is the only part."""
    lists = {path: _PART.sub("", path) for path in paths}
    parts = Counter(lists.values())
    return {path: several if parts[several] > 1 else path for path, several in lists.items()}


def _is_ahead(by: float, boot: float) -> bool:
    """Whether a number is as much ahead as the monotonic clock is, in seconds or nanoseconds."""
    return any(abs(by / unit - boot) < _BOOTED_LATER / 10 for unit in (1.0, 1e9))


def changed_answers(run: CloneRun, starts: Sequence[RunOutcome]) -> Iterator[Hazard]:
    """What every start answers and no clone does.

    The starts have to agree.
    """
    clones = [_answers(clone) for clone in run.clones]
    known = [_answers(start) for start in starts]
    drawn, wholes = _drawn(run, known), _places(known)
    if len(known) < 2 or not clones:  # noqa: PLR2004 - one start does not show what is a constant
        return
    for place, value in known[0].items():
        if any(place not in answers or answers[place] != value for answers in known[1:]):
            continue
        answered = sum(place[0] in {number for number, _ in answers} for answers in clones)
        if answered < len(clones):
            continue  # it failed: that is reported elsewhere
        others = [answers.get(place) for answers in clones]
        left_out = all(place not in answers for answers in clones)
        agree = all(other == others[0] for other in others)  # else they may draw lots
        if _are_lengths(value, *others):
            continue
        changed = left_out or (wholes[place] not in drawn and _have_changed(others[0], [value, value]))
        if agree and others[0] != value and changed:
            seen = "leave it out" if left_out else f"answer {shown(others[0])}"
            evidence = f"{all_of(run.clones)} {seen}, while each start that was never restored answered {shown(value)}"
            yield Hazard("changed-answer", _subject(run, place), evidence, "", remedy("changed-answer"), "error")
    for place, value in _same(run).items():
        if all(place not in answers and any(number == place[0] for number, _ in answers) for answers in known):
            who = all_of(run.clones)
            evidence = f"{who} answered {shown(value)} there, and no start that was never restored has such a place"
            yield Hazard("changed-answer", _subject(run, place), evidence, "", remedy("changed-answer"), "error")


def doubtful(run: CloneRun, starts: Sequence[RunOutcome]) -> bool:
    """Whether the starts disagree about a value that all clones answered: one more start tells chance from a seed."""
    elsewhere = [_answers(start) for start in starts]
    chance = any(
        elsewhere[0].get(place) == value and not all(answers.get(place) == value for answers in elsewhere)
        for place, value in _same(run).items()
    )
    return chance or any(changed_answers(run, starts))


def _is_rounded(value: object) -> bool:
    """Whether it is a small fraction of few digits, as of a duration that was measured: such agree by chance."""
    return isinstance(value, float) and 0 < abs(value) < _SMALL and len(f"{value:.15f}".strip("-.0")) <= _FEW


def _is_near(value: object, other: object) -> bool:
    """Whether two numbers are a few steps of their last digit apart, as durations and amounts of memory are."""
    if not isinstance(value, (int, float)) or not isinstance(other, (int, float)):
        return False
    digits = max(len(repr(each).partition(".")[2].removesuffix("0")) for each in (value, other))
    apart = _STEPS + 0.5 if digits else min(_STEPS, max(abs(value), abs(other)) // 10)  # small ones are drawn
    return abs(value - other) <= apart * 10.0**-digits


def _have_changed(value: object, others: Sequence[object]) -> bool:
    """Whether all starts answer another thing than clones do; another day is a time, and no change."""
    first, *more = others
    agree = bool(more) and all(other == first for other in more)
    return agree and value != first and not _is_of_another_day(value, others)


def _drawn(run: CloneRun, elsewhere: Sequence[dict[_Place, object]]) -> set[_Place]:
    """What each start answers differently, in whole: parts of a shuffled list agree by chance."""
    wholes = _places(elsewhere)
    return {
        wholes.get(place, place)
        for place in _same(run)
        if len({json.dumps(answers[place]) for answers in elsewhere if place in answers}) > 1
    }


def _places(elsewhere: Sequence[dict[_Place, object]]) -> dict[_Place, _Place]:
    """By each place in the answers of a start the list that it is a part of, or itself."""
    found: dict[int, list[str]] = {}
    for answer, path in elsewhere[0] if elsewhere else ():
        found.setdefault(answer, []).append(path)
    return {
        (answer, path): (answer, whole) for answer, paths in found.items() for path, whole in _wholes(paths).items()
    }


def _subject(run: CloneRun, place: _Place) -> str:
    answer, path = place
    several = max((len(clone.invocations) for clone in run.clones), default=1) > 1
    return f"response {answer} {path}" if several else f"response {path}"


def _same(run: CloneRun) -> dict[_Place, object]:
    """What all clones answered, if there are two."""
    first, *others = [_answers(clone) for clone in run.clones] or [{}]
    return {
        place: value
        for place, value in first.items()
        if others and all(place in answers and answers[place] == value for answers in others)
    }


def _answers(outcome: RunOutcome) -> dict[_Place, object]:
    """Every value in the answers of one process."""
    found: dict[_Place, object] = {}
    for number, invocation in enumerate(outcome.invocations):
        if invocation.error is None and not failing(invocation):
            response = cast("object", invocation.response)
            lengths = {str(len(text.encode(errors="replace"))) for text in _texts(response)}
            for path, value in _leaves(response, "$"):
                found[number, path] = _Length(value) if value in lengths else value
    return found


class _Length(str):
    """A text that tells how long another one is, as a header does: whether that repeats is to be seen in the other."""

    __slots__ = ()


def _texts(value: object) -> Iterator[str]:
    """Each text in an answer, whole where it is JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in cast("dict[str, object]", value).values():
            yield from _texts(member)
    elif isinstance(value, list):
        for member in cast("list[object]", value):
            yield from _texts(member)


def _are_lengths(*values: object) -> bool:
    return all(isinstance(value, _Length) for value in values)


def failing(invocation: Invocation) -> bool:
    """Whether the answer has the status of a server error."""
    response: object = invocation.response
    status = cast("dict[object, object]", response).get("statusCode") if isinstance(response, dict) else None
    return isinstance(status, int) and status >= _SERVER_ERROR


def _leaves(value: object, path: str) -> Iterable[tuple[str, object]]:
    if isinstance(value, str) and value[:1] in ("{", "["):
        with contextlib.suppress(ValueError):  # a text that only begins like JSON
            value = cast("object", json.loads(value))
    if isinstance(value, dict):
        for key, member in cast("dict[str, object]", value).items():
            yield from _leaves(member, f"{path}.{key}" if re.fullmatch(r"\w[\w-]*", key) else f"{path}[{key!r}]")
    elif isinstance(value, list):
        for number, member in enumerate(cast("list[object]", value)):
            yield from _leaves(member, f"{path}[{number}]")
    else:
        yield path, value.hex() if isinstance(value, bytes) else value


def _is_of_another_day(value: object, others: Iterable[object]) -> bool:
    """Whether there is a date in it, among other things, and another one at every other start."""
    days = {*_DATE.findall(str(value))}
    return bool(days) and all((found := {*_DATE.findall(str(other))}) and not days & found for other in others)


_DATE: Final = re.compile(r"(?<!\d)20\d\d[-/]?(?:\w+=)?(?:0[1-9]|1[0-2])[-/]?(?:\w+=)?(?:0[1-9]|[12]\d|3[01])(?!\d)")


def _kind(value: object) -> str:
    """What to call it."""
    if _moment(value) is not None:
        return "time"
    if isinstance(value, (int, float)):
        return "number"
    text = str(value)
    return "UUID" if _UUID.search(text) else "hexadecimal id" if _HEX.fullmatch(text) else "value"


def _moment(value: object) -> float | None:
    """A time near to now in seconds since the epoch."""
    now = time.time()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return next((value / unit for unit in _UNITS if abs(value / unit - now) < _NEAR), None)
    if not isinstance(value, str) or len(value) < _DAY:
        return None
    try:
        found = parsedate_to_datetime(value) if "," in value else dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    seconds = (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()
    return seconds if abs(seconds - now) < _NEAR else None
