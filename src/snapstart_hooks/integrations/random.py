"""Seeds the generators of `random` anew after a restore, and the names of temporary files.

At risk: every ``random.Random`` draws the same numbers in all clones, among them the one behind ``random.random()``,
of which jitter, sampling and the identifiers of many libraries are made; and `tempfile` gives the same names.

All that live at the snapshot are seeded by the system after a restore, in place, so that bound methods which somebody
keeps draw differently, too.
"""

from __future__ import annotations

import random
import sys
from typing import Final

from ._live import Live
from ._probe import Library

VERSIONS: Final = "python>=3.11"
COST: Final = "8 µs after a restore, and 4 µs for each further generator"
NEEDLESS: Final = "no Python yet: it does so after a fork alone"

priority: Final = -400  # Priority.ENTROPY
required: Final = False
provides: Final = ("tempfile",)

_python: Final = Library(VERSIONS)
_live: Final = Live[random.Random]("random:Random")
_generators: Final[list[random.Random]] = []


def before_snapshot() -> None:
    """Find the generators: after a restore a customer waits."""
    _generators[:] = [each for each in _live.now() if not issubclass(type(each), random.SystemRandom)]


def after_restore() -> None:
    """Have each seeded by the system."""
    for generator in _generators:
        random.Random.seed(generator)
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None and _python.has(tempfile, "_name_sequence", lost="clones give temporary files equal names"):
        tempfile._name_sequence = None  # type: ignore[attr-defined]
