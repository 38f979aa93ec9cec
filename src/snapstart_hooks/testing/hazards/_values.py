"""Values that look unique, and are the same in the answers of several clones."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import math
import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Final, cast

from snapstart_hooks.testing._json_path import shown
from snapstart_hooks.testing.hazards._model import Hazard
from snapstart_hooks.testing.hazards._observed import resumed
from snapstart_hooks.testing.hazards._remedies import remedy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from snapstart_hooks.testing._outcome import CloneRun

__all__ = ("repeated_values",)

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_HEX: Final = re.compile(r"(?:0x)?[0-9a-f]{16,}", re.IGNORECASE)
_TOKEN: Final = re.compile(r"[\w+/.~-]{16,}={0,2}")
_BITS: Final = 3.0
"""Of entropy in each character of a token; that of English words is lower in so short a text."""
_NEAR: Final = dt.timedelta(hours=24).total_seconds()
_UNITS: Final = {0: 1.0, 3: 1e3, 6: 1e6, 9: 1e9}
"""By the decimals of a second that a whole number of them tells."""
_FRACTION: Final = 1 << 53
_FINE: Final = 4
"""Decimals of a second from which on two clones do not answer the same time by chance."""


def repeated_values(run: CloneRun, other: CloneRun | None, event: str) -> Iterator[Hazard]:
    """Values that look unique, and that two clones answered.

    Args:
        run: The run.
        other: Another initialisation of the same function: what it answers too is a constant.
        event: The text of all events: what is in it came from there.
    """
    elsewhere = other.clones if other is not None else ()
    constants = {value for clone in elsewhere for _, _, value in _answered(clone.invocations)}
    seen: dict[tuple[str, object], list[tuple[int, str]]] = {}
    for clone in run.clones:
        for answer, path, value in _answered(clone.invocations):
            kind = _kind(value)
            if kind == "time" and not _is_stale(value, resumed(clone)):
                continue
            if kind is not None and value not in constants and not _is_in(value, event):
                where = f"response {path}" if len(clone.invocations) == 1 else f"response {answer} {path}"
                seen.setdefault((kind, value), []).append((clone.index, where))
    for (kind, value), places in seen.items():
        indices = sorted({index for index, _ in places})
        if len(indices) > 1:
            code = "stale-time" if kind == "time" else "repeated-value"
            clones = " and ".join((", ".join(map(str, indices[:-1])), str(indices[-1])))
            yield Hazard(
                code,
                places[0][1],
                f"clones {clones} answered the same {kind}, {shown(value)}; another start of the function did not",
                "",
                remedy(code),
                "warning" if code == "stale-time" else "error",
            )


def _answered(invocations: Iterable[object]) -> Iterator[tuple[int, str, object]]:
    for number, invocation in enumerate(invocations):
        for path, value in _leaves(cast("object", getattr(invocation, "response", None)), "$"):
            yield number, path, value


def _leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
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
        yield path, value


def _kind(value: object) -> str | None:
    """What it looks like that is unique; ``None`` for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return "time" if _moment(value) else "random number" if _is_random(value) else None
    return _kind_of_text(value) if isinstance(value, str) else None


def _kind_of_text(value: str) -> str | None:
    if _UUID.search(value):
        return "UUID"
    if _HEX.fullmatch(value):
        return "hexadecimal id"
    if _moment(value):
        return "time"
    is_token = _TOKEN.fullmatch(value) and re.search(r"\d", value) and _entropy(value) >= _BITS
    return "token" if is_token else None


def _is_stale(value: object, restored: float | None) -> bool:
    """Whether a time is from before the restore; clones that answer at once may well answer the same one."""
    seconds, decimals = _moment(value) or (0.0, 0)
    if restored is None:
        return decimals >= _FINE
    return seconds < restored - 10.0**-decimals


def _moment(value: object) -> tuple[float, int] | None:
    """A time near to now in seconds since the epoch, and how many decimals of a second it tells."""
    if isinstance(value, str):
        return _moment_of_text(value)
    now = time.time()
    if isinstance(value, (int, float)):
        for decimals, unit in _UNITS.items():
            if abs(value / unit - now) < _NEAR:
                fraction = repr(value).partition(".")[2] if isinstance(value, float) else ""
                return value / unit, decimals + len(fraction)
    return None


def _moment_of_text(value: str) -> tuple[float, int] | None:
    try:
        found = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    seconds = (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()
    if len(value) <= len("2000-01-01") or abs(seconds - time.time()) >= _NEAR:
        return None  # a day is nothing unique
    fraction = re.search(r"[.,](\d+)", value)
    return seconds, len(fraction[1]) if fraction else 0


def _is_random(value: float) -> bool:
    """Whether it has more digits than people or measurements give."""
    if isinstance(value, int):
        return abs(value) >= _FRACTION
    return 0 < abs(value) < 1 and len(repr(value)) > 16  # noqa: PLR2004 - "0." and 15 digits


def _entropy(text: str) -> float:
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def _is_in(value: object, event: str) -> bool:
    return (value if isinstance(value, str) else json.dumps(value)) in event
