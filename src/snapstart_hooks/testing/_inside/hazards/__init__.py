"""Looks, in the function's process, for what a restore will do harm to.

`Probe` is an instrument, and `StartProbe` a smaller one for a start that is never restored.
What they see is compared outside, by `snapstart_hooks.testing.hazards`.  They change nothing
that the function could notice: generators are drawn from as copies, buffers are not flushed.
"""

from __future__ import annotations

from .probe import Probe, StartProbe

__all__ = ("Probe", "StartProbe")
