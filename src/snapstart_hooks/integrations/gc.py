"""Collects garbage and freezes what is left (`gc.freeze`), as the last step before the snapshot.

At risk: a collection of all generations visits every object that it knows.  The first one after a restore comes
in the middle of an answer, and loads the whole heap from far away.

What is frozen is never visited again, and not seen by those who look for the live objects of a class.  So the first
step before a snapshot is to undo that of a former one.
"""

from __future__ import annotations

import gc
import sys
from typing import Final

from snapstart_hooks import Registry

__all__ = ("hooks",)

VERSIONS: Final = "python>=3.11"
COST: Final = "a collection before the snapshot, some 0.2 s for a million objects; nothing after a restore"
NEEDLESS: Final = "no Python yet: old objects are visited in every collection of all generations"

_EDGE: Final = sys.maxsize
"""The priority of who comes before, or behind, every other hook; of equal ones providers close last."""

hooks: Final = Registry()


@hooks.before_snapshot(priority=_EDGE, required=False)
def thaw() -> None:
    """Have everything seen again."""
    gc.unfreeze()


@hooks.before_snapshot(priority=-_EDGE, required=False)
def freeze() -> None:
    """Collect and freeze, behind every other hook: what they leave is collected, and what they need is frozen."""
    gc.collect()
    gc.freeze()
