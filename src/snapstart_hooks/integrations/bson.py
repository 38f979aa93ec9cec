"""Gives ObjectIds of MongoDB a new random part and counter after a restore.

At risk: an ``ObjectId`` consists of the time, five random bytes of the process, and a counter.  Clones make equal ids
in the same second, and their documents collide.
"""

from __future__ import annotations

import sys
from random import SystemRandom
from typing import TYPE_CHECKING, Final

from ._probe import Library

if TYPE_CHECKING:
    from typing import Protocol

    class _ObjectId(Protocol):
        _pid: int | None
        _inc: int


__all__ = ("after_restore",)

VERSIONS: Final = "pymongo>=4.9,<5"
COST: Final = "10 µs after a restore"
NEEDLESS: Final = "no pymongo yet: it compares only the process id, which is the same in all clones"

priority: Final = -400  # Priority.ENTROPY
required: Final = False

_pymongo: Final = Library(VERSIONS)
_system: Final = SystemRandom()


def after_restore() -> None:
    """Drop the random part, so that the next id makes a new one, and set the counter to a random number."""
    kind: _ObjectId = sys.modules["bson.objectid"].ObjectId
    if _pymongo.has(kind, "_pid", "_inc", lost="clones make the same ObjectIds"):
        kind._pid = None
        kind._inc = _system.randrange(1 << 24)
