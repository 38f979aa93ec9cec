"""What a probe sees of one object."""

from __future__ import annotations

from typing import NotRequired, TypedDict

__all__ = ("Observation", "observation")


class Observation(TypedDict):
    """An object that may be a hazard.

    Attributes:
        code: Of the hazard that it may be.
        subject: What it is.
        detail: What was seen of it: of a generator, what it would give next.
        origin: Where it comes from; empty if that is not known.
        grave: Whether it is an error.
        used: Whether it is used, as far as can be seen.
        drawn_on: Of a generator: whether it goes on where it was when the hooks had run.
    """

    code: str
    subject: str
    detail: str
    origin: str
    grave: bool
    used: bool
    drawn_on: NotRequired[bool]


def observation(
    code: str,
    subject: str,
    detail: str,
    origin: str = "",
    *,
    grave: bool = False,
    used: bool = True,
    drawn_on: bool | None = None,
) -> Observation:
    """Make one."""
    seen = Observation(code=code, subject=subject, detail=detail, origin=origin, grave=grave, used=used)
    if drawn_on is not None:
        seen["drawn_on"] = drawn_on
    return seen
