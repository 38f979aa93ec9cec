"""Trace ids and metrics: a library with state that a snapshot would multiply."""

from __future__ import annotations

from acme_driver._metrics import Metrics
from acme_driver._tracing import Tracer

__all__ = ("Metrics", "Tracer", "metrics", "tracer")

metrics = Metrics()
tracer = Tracer()
