"""Lets uuid-utils reseed its generator after a restore.

At risk: ``uuid4`` and ``uuid7`` of uuid-utils draw from its own generator, whose state is the same in all clones.
"""

from __future__ import annotations

import sys
from typing import Final

from ._probe import Library

__all__ = ("after_restore",)

VERSIONS: Final = "uuid-utils>=0.12,<2"
COST: Final = "5 µs after a restore"
NEEDLESS: Final = "no uuid-utils yet: it has a public function for this, which it calls after a fork only"

priority: Final = -400  # Priority.ENTROPY
required: Final = False

_library: Final = Library(VERSIONS)


def after_restore() -> None:
    """Seed it."""
    uuid_utils = sys.modules["uuid_utils"]
    if _library.has(uuid_utils, "reseed_rng", lost="clones make the same UUIDs"):
        uuid_utils.reseed_rng()
