"""Records something with everything that sends later, and logs through handlers that keep or connect."""

from __future__ import annotations

import logging
import os
import sys
from logging.handlers import MemoryHandler, SocketHandler

import sentry_sdk
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import snapstart_hooks  # noqa: F401 - it connects itself to the runtime

URL = os.environ["COLLECTOR_URL"]

tracing = TracerProvider()
exporter = OTLPSpanExporter(f"{URL}/v1/traces")
tracing.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=3_600_000))  # not by itself
trace.set_tracer_provider(tracing)
measuring = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(f"{URL}/v1/metrics"), 3_600_000)])
with trace.get_tracer(__name__).start_as_current_span("span-of-init"):
    measuring.get_meter(__name__).create_counter("counter-of-init").add(1)

sentry_sdk.init(URL.replace("://", "://key@") + "/1", default_integrations=False)
sentry_sdk.capture_message("message-of-init")

shown = logging.StreamHandler(sys.stdout)
memory, far = logging.getLogger("memory"), logging.getLogger("far")
memory.propagate = far.propagate = False
memory.addHandler(MemoryHandler(1000, target=shown))
memory.warning("kept-of-init")
far.addHandler(SocketHandler("127.0.0.1", int(os.environ["LOG_PORT"])))
far.warning("sent-of-init")


def lambda_handler(event: object, context: object) -> dict[str, object]:
    """Send what waits, as the end of a request does."""
    tracing.force_flush()
    measuring.force_flush()
    for handler in memory.handlers:
        handler.flush()
    far.warning("sent-of-clone")
    with trace.get_tracer(__name__).start_as_current_span("span-of-clone") as span:
        identifier = span.get_span_context().trace_id
    client = sentry_sdk.get_client()
    return {
        "trace": identifier,
        "instance": tracing.resource.attributes.get("service.instance.id"),
        "measured": measuring._sdk_config.resource.attributes.get("service.instance.id"),
        "waiting": client.transport._worker._queue.unfinished_tasks if client.transport else None,
        "sentry": sentry_sdk.get_isolation_scope().get_traceparent(),
    }
