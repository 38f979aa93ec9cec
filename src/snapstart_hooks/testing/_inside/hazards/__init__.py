"""Looks, in the function's process, for what a restore will do harm to.

`Probe` is an instrument.  What it tells is compared outside, by
`snapstart_hooks.testing.hazards`.  It changes nothing that the function could notice:
generators are drawn from as copies, buffers are not flushed.
"""

from __future__ import annotations

from .probe import Probe

__all__ = ("Probe",)
