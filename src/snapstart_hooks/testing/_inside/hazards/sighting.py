"""What a probe tells of one thing."""

from __future__ import annotations

import sys
from typing import NotRequired, TypedDict

__all__ = ("Sighting", "is_library", "is_standard", "sighting")


class Sighting(TypedDict):
    """One thing that may be a hazard.

    Attributes:
        code: Of the hazard that it may be.
        subject: What it is.
        detail: What was seen of it: of a generator, what it would give next.
        origin: Where it comes from; empty if that is not known.
        grave: Whether it is an error.
        used: Whether anybody uses it, as far as can be seen.
        drawn_on: Of a generator: whether it goes on where it was when the hooks had run.
    """

    code: str
    subject: str
    detail: str
    origin: str
    grave: bool
    used: bool
    drawn_on: NotRequired[bool]


def sighting(
    code: str,
    subject: str,
    detail: str,
    origin: str = "",
    *,
    grave: bool = False,
    used: bool = True,
    drawn_on: bool | None = None,
) -> Sighting:
    """What was seen of one thing."""
    seen: Sighting = {
        "code": code,
        "subject": subject,
        "detail": detail,
        "origin": origin,
        "grave": grave,
        "used": used,
    }
    if drawn_on is not None:
        seen["drawn_on"] = drawn_on
    return seen


def is_standard(module: object) -> bool:
    """Whether that is the name of one of Python's own; what calls itself a module's name may be anything."""
    return isinstance(module, str) and module.partition(".")[0] in sys.stdlib_module_names


def is_library(file: str | None) -> bool:
    """Whether a file belongs to Python or to an installed package, not to the application."""
    if file is None:
        return True
    return "/site-packages/" in file or "/dist-packages/" in file or file.startswith(_STANDARD)


_STANDARD = f"{sys.base_prefix}/lib/python"
