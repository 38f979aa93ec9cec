"""httpx with OpenTelemetry: asks a partner where a parcel is, and traces that."""

from __future__ import annotations

import os
import random

import httpx
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel

provider = TracerProvider(resource=Resource({"service.name": "parcels"}))
provider.add_span_processor(SimpleSpanProcessor(exporter := InMemorySpanExporter()))
tracer = provider.get_tracer(__name__)
authorities = httpx.create_ssl_context()  # made once: it reads all certificates
partner = httpx.Client(base_url=os.environ["PARTNERS_URL"], verify=authorities)


class Parcel(BaseModel):
    """What the partner says."""

    path: str
    request_id: str | None


def lambda_handler(event: dict[str, str], context: object) -> dict[str, str]:  # noqa: ARG001 - what Lambda gives
    """Ask for it."""
    with tracer.start_as_current_span("parcel", attributes={"parcel": event["parcel"]}) as span:
        number = trace.format_trace_id(span.get_span_context().trace_id)
        answer = partner.post("/parcels", json=event, headers={"X-Request-Id": number}).raise_for_status()
        found = Parcel.model_validate_json(answer.content)
    exporter.clear()
    return {"path": found.path, "trace": number}


def before_snapshot() -> None:
    """Close what would be dead."""
    partner.close()


def after_restore() -> None:
    """A new client, and other ids than the other environments."""
    global partner  # noqa: PLW0603
    partner = httpx.Client(base_url=os.environ["PARTNERS_URL"], verify=authorities)
    random.seed()
