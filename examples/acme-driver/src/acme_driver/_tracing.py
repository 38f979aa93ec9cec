"""Gives trace ids."""

from __future__ import annotations

import itertools
import secrets

__all__ = ("Tracer",)


class Tracer:
    """Gives ids that no other process gives: its own token, drawn at random, and a number.

    Attributes:
        token: What all ids of this process begin with.
    """

    token: str

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew, as another process."""
        self.token = secrets.token_hex(8)
        self._numbers = itertools.count(1)

    def next_id(self) -> str:
        """An id that was not given before."""
        return f"{self.token}-{next(self._numbers)}"
