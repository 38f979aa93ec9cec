"""Tells where a parcel is, and traces every question with OpenTelemetry."""

from __future__ import annotations

import hashlib
import os
import random
import sys
import uuid
from typing import TypedDict

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

from snapstart_hooks import Priority, after_restore

STATIONS = ("flagstaff", "kayenta", "page", "tuba city", "winslow")


class Asked(TypedDict):
    """Which parcel."""

    parcel: str
    route: str


class Answer(TypedDict):
    """Where it is, and the id to be told to the support."""

    parcel: str
    station: str
    trace: str


# It passes on to the provider as soon as there is one; until then nothing is recorded.
tracer = trace.get_tracer(__name__)


def start_tracing() -> None:
    """Record what is traced, under a name of this environment's own."""
    resource = Resource.create({SERVICE_NAME: "parcels", SERVICE_INSTANCE_ID: str(uuid.uuid4())})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter(out=sys.stderr)))
    trace.set_tracer_provider(provider)


if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
    # OpenTelemetry draws its ids from `random`. Neither a thread nor a span is in the snapshot.
    after_restore(priority=Priority.ENTROPY).call(random.seed)
    after_restore(priority=Priority.LIBRARY).call(start_tracing)
else:
    start_tracing()


def load_routes() -> dict[str, tuple[str, ...]]:
    """All stations from each station on."""
    with tracer.start_as_current_span("load routes") as span:
        routes = {station: STATIONS[number:] for number, station in enumerate(STATIONS)}
        span.set_attribute("routes", len(routes))
    return routes


ROUTES = load_routes()


def station_of(parcel: str, route: str) -> str:
    """Where it is by now."""
    with tracer.start_as_current_span("find station", attributes={"route": route}):
        stations = ROUTES[route]
        return stations[hashlib.sha256(parcel.encode()).digest()[0] % len(stations)]


def lambda_handler(event: Asked, context: object) -> Answer:
    """Answer one question."""
    with tracer.start_as_current_span("question", attributes={"parcel": event["parcel"]}) as span:
        station = station_of(event["parcel"], event["route"])
        return {
            "parcel": event["parcel"],
            "station": station,
            "trace": trace.format_trace_id(span.get_span_context().trace_id),
        }
