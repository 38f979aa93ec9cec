"""Hazards that a project accepts, each with the reason."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from snapstart_hooks.testing.hazards._model import Hazard

__all__ = ("accept", "accepted_in", "check_accepted", "nearest")

_KEYS: Final = ("tool", "snapstart-hooks", "hazards", "accept")
_SECTION: Final = ".".join(_KEYS)
_KNOWN: Final = {3: ("hazards", "lint", "prime", "providers"), 4: ("accept",)}
"""The keys of ``[tool.snapstart-hooks]`` and ``[tool.snapstart-hooks.hazards]``, by their depth."""


def nearest(folder: str | os.PathLike[str]) -> Path | None:
    """The ``pyproject.toml`` of a folder, or of the nearest one above it that has one."""
    start = Path(folder).resolve()
    return next((up / "pyproject.toml" for up in (start, *start.parents) if (up / "pyproject.toml").is_file()), None)


def accepted_in(folder: str | os.PathLike[str]) -> dict[str, str]:
    """Return the accepted hazards of a project's ``pyproject.toml``.

    They are in the table ``[tool.snapstart-hooks.hazards.accept]``: a code, or
    ``code:subject`` with the wildcards of `fnmatch`, and the reason.

    Args:
        folder: A folder of the project; the nearest ``pyproject.toml`` in it or above counts.

    Raises:
        ValueError: The file cannot be read or understood, or a reason is missing.
    """
    file = nearest(folder)
    if file is None:
        return {}
    try:
        found: object = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{file} cannot be read: {error}"
        raise ValueError(msg) from error
    for depth, key in enumerate(_KEYS, 1):
        table = cast("dict[str, object]", found)
        if unknown := [name for name in table if name not in _KNOWN.get(depth, table)]:
            close = difflib.get_close_matches(unknown[0], _KNOWN[depth], 1)
            hint = f"; is {close[0]!r} meant?" if close else f"; known are {', '.join(_KNOWN[depth])}"
            msg = f"{file}: [{'.'.join(_KEYS[: depth - 1])}] has an unknown key {unknown[0]!r}{hint}"
            raise ValueError(msg)
        found = table.get(key, {})
        if not isinstance(found, dict):
            name = ".".join(_KEYS[:depth])
            msg = f'{file}: {name} must be a table, not {found!r}; write [{_SECTION}]\n"code" = "reason"'
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
            msg = f"{where}: {name!r} = {reason!r} is no reason; say in a few words why this hazard is accepted"
            raise ValueError(msg)
        if not name.strip():
            msg = f"{where}: an empty name accepts nothing; give a code, such as 'open-connection', or 'code:subject'"
            raise ValueError(msg)


def accept(found: Iterable[Hazard], entries: Mapping[str, str]) -> tuple[list[Hazard], list[str]]:
    """Mark the hazards that are accepted.

    Returns:
        All hazards, and a note on each entry that accepted none.
    """
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
