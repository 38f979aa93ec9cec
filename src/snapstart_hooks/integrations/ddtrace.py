"""Sends the spans of ddtrace before the snapshot; after a restore trace ids and the runtime's identity are new.

At risk: each clone sends the buffered spans once, and all clones use the same trace ids and the same runtime id.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, Protocol

from ._probe import Library

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("after_restore", "before_snapshot")

VERSIONS: Final = "ddtrace>=3,<5"
COST: Final = "10 µs after a restore; up to 5 s before the snapshot, if the agent does not answer"
NEEDLESS: Final = "no ddtrace yet: its functions for this are private"

before_snapshot_priority: Final = -150  # Priority.TELEMETRY: while connections are still open
before_snapshot_timeout: Final = 5.0
after_restore_priority: Final = -400  # Priority.ENTROPY
required: Final = False


class _Tracer(Protocol):
    def flush(self) -> None: ...


_ddtrace: Final = Library(VERSIONS)


def before_snapshot() -> None:
    """Send the buffered spans."""
    with _ddtrace.attempt("each clone sends the buffered spans once"):
        module = sys.modules.get("ddtrace.trace") or sys.modules["ddtrace"]  # where it is since version 3, and was
        tracer: _Tracer = module.tracer
        tracer.flush()


def after_restore() -> None:
    """Reseed the generator of trace ids, and make a new runtime id."""
    with _ddtrace.attempt("all clones use the same trace ids"):
        generator = sys.modules.get("ddtrace.internal._rand") or sys.modules["ddtrace.internal.native"]  # where it was
        generator.seed()
    with _ddtrace.attempt("all clones use the same runtime id"):
        runtime = sys.modules["ddtrace.internal.runtime"]
        refresh: Callable[[], object] = getattr(runtime, "refresh_identity", None) or runtime._set_runtime_id
        refresh()
