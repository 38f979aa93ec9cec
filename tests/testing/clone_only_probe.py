"""A function that is called in each clone, with a generator that its module makes."""

from __future__ import annotations

import random

__all__ = ("draw",)

_GENERATOR = random.Random()  # noqa: S311 - it keeps no secret


def draw() -> float:
    """Draw from it."""
    return _GENERATOR.random()
