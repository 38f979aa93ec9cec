"""What a restore does to a function, found by evidence in its clones.

`find_hazards` initialises the function, restores it in clones while probes look on
(`snapstart_hooks.testing._inside.hazards`), and compares what they saw.
"""

from __future__ import annotations

from snapstart_hooks.testing.hazards._accept import accepted_in
from snapstart_hooks.testing.hazards._find import find_hazards
from snapstart_hooks.testing.hazards._model import Hazard, HazardReport

__all__ = ("Hazard", "HazardReport", "accepted_in", "find_hazards")
