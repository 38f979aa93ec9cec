"""Exports what OpenTelemetry recorded before the snapshot; after a restore each clone is its own service instance.

At risk: each clone exports the buffered spans, metrics and log records once, and clones share the
``service.instance.id``, so that their metrics overwrite each other.  Trace ids come from `random`, which has its own
integration.
"""

from __future__ import annotations

import sys
from typing import Final, Protocol

from ._live import Live
from ._probe import Library

__all__ = ("after_restore", "before_snapshot", "instances")

VERSIONS: Final = "opentelemetry-sdk>=1.30,<2"
COST: Final = "50 µs after a restore; up to 5 s for each provider before the snapshot, if no collector answers"
NEEDLESS: Final = "no release yet; a patch with hooks is offered to it"

before_snapshot_priority: Final = -150  # Priority.TELEMETRY: while connections are still open
before_snapshot_timeout: Final = 5.0
after_restore_priority: Final = -400  # Priority.ENTROPY: before anything is recorded
required: Final = False

_MILLISECONDS: Final = 4_500
_LOST: Final = "the metrics of all clones have the same service.instance.id"

_sdk: Final = Library(VERSIONS)
_stale: Final[set[object]] = set()
"""The identifiers of this process at its snapshots."""


class _Provider(Protocol):
    def force_flush(self, timeout_millis: int = ...) -> object: ...
    def _update_resource(self, resource: object) -> None: ...


instances: Final = Live[_Provider](
    "opentelemetry.sdk.trace:TracerProvider",
    "opentelemetry.sdk.metrics._internal:MeterProvider",
    "opentelemetry.sdk._logs._internal:LoggerProvider",
)


def before_snapshot(provider: _Provider) -> None:
    """Export the buffered spans, metrics and log records."""
    _stale.add(getattr(sys.modules["opentelemetry.sdk.resources"], "_service_instance_id", None))
    provider.force_flush(timeout_millis=_MILLISECONDS)


def after_restore(provider: _Provider) -> None:
    """Give the provider a new ``service.instance.id``, the same as the other providers."""
    resources = sys.modules["opentelemetry.sdk.resources"]
    if not hasattr(resources, "_service_instance_id"):
        return  # older ones have none
    if _sdk.has(resources, "ServiceInstanceIdResourceDetector", lost=_LOST):
        with _sdk.attempt(_LOST):
            if resources._service_instance_id in _stale:  # else another provider's hook has had it made anew
                vars(resources)["_service_instance_id"] = None
            # Only this detector: the function that asks all starts threads for them.
            detected: object = resources.ServiceInstanceIdResourceDetector().detect()
            provider._update_resource(detected)
