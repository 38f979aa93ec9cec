"""Hazards that are none here, each with the reason."""

from __future__ import annotations

import dataclasses
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from snapstart_hooks.testing.hazards._model import Hazard

__all__ = ("accept", "accepted_in", "check_accepted")

_KEYS: Final = ("tool", "snapstart-hooks", "hazards", "accept")
_SECTION: Final = ".".join(_KEYS)


def accepted_in(folder: str | os.PathLike[str]) -> dict[str, str]:
    """The accepted hazards in a project's ``pyproject.toml``.

    They are in the table ``[tool.snapstart-hooks.hazards.accept]``: a code, or
    ``code:subject`` with the wildcards of `fnmatch`, and the reason.

    Args:
        folder: A folder of the project; the nearest ``pyproject.toml`` in it or above counts.

    Raises:
        ValueError: The file cannot be read or understood, or a reason is missing.
    """
    start = Path(folder).resolve()
    file = next((up / "pyproject.toml" for up in (start, *start.parents) if (up / "pyproject.toml").is_file()), None)
    if file is None:
        return {}
    try:
        found: object = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{file} cannot be read: {error}"
        raise ValueError(msg) from error
    for depth, key in enumerate(_KEYS, 1):
        found = cast("dict[str, object]", found).get(key, {})
        if not isinstance(found, dict):
            table = ".".join(_KEYS[:depth])
            msg = f'{file}: {table} must be a table, not {found!r}; write [{_SECTION}]\n"code" = "reason"'
            raise ValueError(msg)  # noqa: TRY004 - of the file, not of an argument
    entries = cast("dict[str, object]", found)
    check_accepted(entries, f"{file}: [{_SECTION}]")
    return cast("dict[str, str]", entries)


def check_accepted(entries: Mapping[str, object], where: str) -> None:
    """See that each hazard that is accepted has a reason.

    Raises:
        ValueError: One has not.
    """
    for name, reason in entries.items():
        if not isinstance(reason, str) or not reason.strip():
            msg = f"{where}: {name!r} = {reason!r} is no reason; say in a few words why this hazard is none here"
            raise ValueError(msg)
        if not name.strip():
            msg = f"{where}: an empty name accepts nothing; give a code, such as 'open-connection', or 'code:subject'"
            raise ValueError(msg)


def accept(found: Iterable[Hazard], entries: Mapping[str, str]) -> tuple[list[Hazard], list[str]]:
    """Mark what is accepted; tell which entries accepted nothing."""
    unused = dict(entries)
    marked: list[Hazard] = []
    for hazard in found:
        names = [name for name in entries if _matches(hazard, name)]
        for name in names:
            unused.pop(name, None)
        marked.append(dataclasses.replace(hazard, accepted=entries[names[0]]) if names else hazard)
    return marked, [f"accepted, but not found: {name!r} ({reason}); take it out" for name, reason in unused.items()]


def _matches(hazard: Hazard, name: str) -> bool:
    return fnmatchcase(hazard.code, name) or name == f"{hazard.code}:{hazard.subject}" or _pattern(hazard, name)


def _pattern(hazard: Hazard, name: str) -> bool:
    code, colon, subject = name.partition(":")
    return bool(colon) and fnmatchcase(hazard.code, code) and fnmatchcase(hazard.subject, subject)
