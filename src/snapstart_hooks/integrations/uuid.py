"""Gives `uuid1` and its variants a random node and sequence in each clone.

At risk: ``uuid1()`` consists of the time, the network address and a sequence number of the system's library, which
are equal in all clones except for the time.  ``uuid7`` has a counter.  ``uuid4`` is safe.

After a restore ``uuid1`` no longer uses the system's library, and its node is a random number, as
https://www.rfc-editor.org/rfc/rfc9562#section-6.10 provides, because all clones share the network address.
"""

from __future__ import annotations

import sys
from random import SystemRandom
from typing import Final

from ._probe import Library

__all__ = ("after_restore",)

VERSIONS: Final = "python>=3.11"
COST: Final = "5 µs after a restore"
NEEDLESS: Final = "no Python yet"

priority: Final = -400  # Priority.ENTROPY
required: Final = False

_MULTICAST: Final = 1 << 40
"""The bit that marks a node as a random number."""

_python: Final = Library(VERSIONS)
_system: Final = SystemRandom()


def after_restore() -> None:
    """Drop the node, the sequence and the counter."""
    uuid = sys.modules["uuid"]
    if _python.has(uuid, "_generate_time_safe", "_node", lost="clones make almost equal values of uuid1"):
        vars(uuid).update(_generate_time_safe=None, _node=_system.getrandbits(48) | _MULTICAST)
    for name in ("_last_timestamp", "_last_timestamp_v6", "_last_timestamp_v7"):
        if hasattr(uuid, name):
            setattr(uuid, name, None)
