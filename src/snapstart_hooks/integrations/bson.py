"""Gives ObjectIds of MongoDB a new random part and counter after a restore.

At risk: an ``ObjectId`` is made of the time, five random bytes that a process keeps, and a counter: clones make the
same ones in the same second, and documents that collide.
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
NEEDLESS: Final = "no pymongo yet: it looks at the process's number alone, which clones share"

priority: Final = -400  # Priority.ENTROPY
required: Final = False

_pymongo: Final = Library(VERSIONS)
_system: Final = SystemRandom()


def after_restore() -> None:
    """Have the random part made anew with the next one, and the counter begin elsewhere."""
    kind: _ObjectId = sys.modules["bson.objectid"].ObjectId
    if _pymongo.has(kind, "_pid", "_inc", lost="clones make the same ObjectIds"):
        kind._pid = None
        kind._inc = _system.randrange(1 << 24)
