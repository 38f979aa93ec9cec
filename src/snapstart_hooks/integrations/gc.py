"""Collects garbage and freezes what is left (`gc.freeze`), as the last step before the snapshot.

At risk: a collection of all generations visits every object.  The first one after a restore comes in the middle of an
answer, and loads the whole heap of the snapshot.

Frozen objects are never visited again, but `gc.get_objects` does not return them either, so hooks would not find them.
Therefore the first step before a snapshot is to unfreeze the objects of the snapshot before.
"""

from __future__ import annotations

import gc
import sys
from typing import Final

from snapstart_hooks import Registry

from ._live import Live

__all__ = ("hooks",)

VERSIONS: Final = "python>=3.11"
COST: Final = "a collection before the snapshot, about 0.2 s for a million objects; nothing after a restore"
NEEDLESS: Final = "no Python yet: a collection of all generations visits all objects"

_EDGE: Final = sys.maxsize
"""The priority before, or after, every other hook; of equal priorities, providers close last."""

hooks: Final = Registry()


@hooks.before_snapshot(priority=_EDGE, required=False)
def thaw() -> None:
    """Unfreeze all objects, so that hooks find them; what they have left of an earlier search is too old."""
    gc.unfreeze()
    Live.forget()


@hooks.before_snapshot(priority=-_EDGE, required=False)
def freeze() -> None:
    """Collect and freeze after every other hook: their garbage is collected, and their objects are frozen."""
    gc.collect()
    gc.freeze()
