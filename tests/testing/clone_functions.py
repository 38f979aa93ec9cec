"""What the tests of the clone engine clone.  Does not import this library, which would activate it."""

# ruff: noqa: S311 - what is drawn here keeps no secret

from __future__ import annotations

import os
import random
import secrets
import ssl
import tempfile
import uuid

__all__ = ("Watch", "draw_all", "made_before", "nothing")


def nothing() -> None:
    """Do nothing."""


def _temporary_name() -> str:
    return str(next(tempfile._get_candidate_names()))  # type: ignore[attr-defined]  # what makes names of files


def made_before() -> random.Random:
    """Use every generator once, as a function does when it initialises."""
    random.random()
    ssl.RAND_bytes(8)
    _temporary_name()
    uuid.uuid1()
    return random.Random()


def draw_all(own: random.Random) -> dict[str, object]:
    """Draw from everything that is said to be random."""
    return {
        "pid": os.getpid(),
        "random": random.random(),
        "Random": own.random(),
        "tempfile": _temporary_name(),
        "clock_seq": uuid.uuid1().clock_seq,
        "ssl": ssl.RAND_bytes(8).hex(),
        "uuid4": str(uuid.uuid4()),
        "secrets": secrets.token_hex(8),
        "urandom": os.urandom(8).hex(),
    }


class Watch:
    """An instrument that is made in the function's process."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def initialized(self) -> object:
        self.seen.append("initialized")
        return None

    def snapshot(self) -> object:
        return [*self.seen]

    def restored(self) -> object:
        return 1 / 0

    def finished(self) -> object:
        return random.random()
