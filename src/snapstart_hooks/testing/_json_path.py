"""Paths into what JSON can hold, such as ``$.orders[*].id``."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ("found", "parse", "shown")

_STEP: Final = re.compile(r"\.(?P<name>\w[\w-]*)|\[(?P<index>\d+)\]|\[(?P<quote>['\"])(?P<key>.*?)(?P=quote)\]|\[\*\]")

Step = str | int | None
"""The key of an object, the index of an array, or ``None``: all of either."""


def shown(value: object, limit: int = 120) -> str:
    """What `value` is, cut to `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def parse(path: str) -> list[Step]:
    """The steps of `path`.

    Raises:
        ValueError: It is no path.
    """
    steps: list[Step] = []
    position = 1
    while position < len(path) and path.startswith("$"):
        match = _STEP.match(path, position)
        if match is None:
            break
        name, index, key = match["name"], match["index"], match["key"]
        steps.append(name if name is not None else key if key is not None else int(index) if index else None)
        position = match.end()
    if not path.startswith("$") or position != len(path):
        msg = f"path={path!r} is not understood: write '$.order.id', '$.orders[0]', '$.orders[*].id' or \"$['an id']\""
        raise ValueError(msg)
    return steps


def found(value: object, steps: Sequence[Step], place: str = "$") -> Iterator[tuple[str, object]]:
    """What `steps` lead to, with the path of each.

    A step into a string is one into the JSON in it: the ``body`` of an answer to API
    Gateway is such a one.

    Raises:
        LookupError: They lead nowhere; it says from where.
    """
    if not steps:
        yield place, value
        return
    step, rest = steps[0], steps[1:]
    members = _members(value)
    if step is None and members is not None:
        for key, member in members.items():
            yield from found(member, rest, place + _written(key))
    elif step is not None and members is not None and step in members:
        yield from found(members[step], rest, place + _written(step))
    else:
        msg = f"there is no {place}{'[*]' if step is None else _written(step)}: {place} is {_described(value, members)}"
        raise LookupError(msg)


def _members(value: object) -> dict[str | int, object] | None:
    """The members of an object or array, or of that in the JSON of a string; ``None`` if it is neither."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    if isinstance(value, dict):
        return cast("dict[str | int, object]", value)
    if isinstance(value, list):
        return dict(enumerate(cast("list[object]", value)))
    return None


def _written(step: str | int) -> str:
    return f".{step}" if isinstance(step, str) and re.fullmatch(r"\w[\w-]*", step) else f"[{step!r}]"


def _described(value: object, members: dict[str | int, object] | None) -> str:
    if members is None:
        return shown(value)
    kind = "an array" if isinstance(value, list) else "an object"
    return f"{kind} with {', '.join(map(repr, members)) or 'nothing in it'}"
