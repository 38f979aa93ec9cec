"""Has uuid-utils seed its generator anew after a restore.

At risk: its ``uuid4`` and ``uuid7`` draw from a generator of its own, which is the same in all clones.
"""

from __future__ import annotations

import sys
from typing import Final

from ._probe import Library

__all__ = ("after_restore",)

VERSIONS: Final = "uuid-utils>=0.12,<2"
COST: Final = "5 µs after a restore"
NEEDLESS: Final = "no uuid-utils yet: it does so after a fork, with a function that is public"

priority: Final = -400  # Priority.ENTROPY
required: Final = False

_library: Final = Library(VERSIONS)


def after_restore() -> None:
    """Seed it."""
    uuid_utils = sys.modules["uuid_utils"]
    if _library.has(uuid_utils, "reseed_rng", lost="clones make the same identifiers"):
        uuid_utils.reseed_rng()
