"""Collects garbage and freezes what is left (`gc.freeze`), as the last step before the snapshot.

A full garbage collection reads every object that it knows.  When the first one after a restore comes,
in the middle of an answer, that loads the whole heap from far away.  What is frozen is never visited
again; what is garbage by then is not in the snapshot.

Needless once CPython does not visit old objects in a collection of all generations.
"""

from __future__ import annotations

import gc
from typing import Final

__all__ = ("before_snapshot", "priority", "required")

priority: Final = -1_000_000
"""Behind every other hook: what they leave is collected, and what they need is frozen."""

required: Final = False


def before_snapshot() -> None:
    """Collect and freeze; what a former snapshot of this process froze is collected too."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
