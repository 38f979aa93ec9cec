"""Sends the events of Sentry before the snapshot; after a restore each clone begins its own trace.

At risk: each clone sends the buffered events once, and reports what happens outside of a request with the trace id of
the snapshot.  Sampling draws from `random`, which has its own integration.
"""

from __future__ import annotations

import sys
from typing import Final

from ._probe import Library

__all__ = ("after_restore", "before_snapshot")

VERSIONS: Final = "sentry-sdk>=2.20,<3"
COST: Final = "20 µs after a restore; up to 2 s before the snapshot, if Sentry does not answer"
NEEDLESS: Final = "no sentry-sdk yet"

before_snapshot_priority: Final = -150  # Priority.TELEMETRY: while connections are still open
before_snapshot_timeout: Final = 5.0
after_restore_priority: Final = -400  # Priority.ENTROPY
required: Final = False

_SECONDS: Final = 2.0

_sdk: Final = Library(VERSIONS)


def before_snapshot() -> None:
    """Send what waits."""
    sys.modules["sentry_sdk"].flush(timeout=_SECONDS)


def after_restore() -> None:
    """Begin a trace in both scopes that have one."""
    sentry = sys.modules["sentry_sdk"]
    with _sdk.attempt("events of all clones outside of requests have the same trace id"):
        for scope in (sentry.get_isolation_scope(), sentry.get_current_scope()):
            if scope._propagation_context is not None:
                scope.set_new_propagation_context()
