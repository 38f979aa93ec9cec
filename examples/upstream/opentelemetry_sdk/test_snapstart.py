"""The test that is offered with the patch."""

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from snapstart_hooks.testing import Snapstart, Target


def start() -> InMemorySpanExporter:
    provider, sent = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(BatchSpanProcessor(sent))
    trace.set_tracer_provider(provider)
    trace.get_tracer("snapstart").start_span("before").end()
    return sent


def record(sent: InMemorySpanExporter) -> list[object]:
    span = trace.get_tracer("snapstart").start_span("after")
    sent_before = [each.name for each in sent.get_finished_spans()]
    return [span.get_span_context().trace_id, dict(span.resource.attributes)["service.instance.id"], sent_before]


def test_ids_are_new_and_spans_are_sent_once(snapstart: Snapstart) -> None:
    run = snapstart.restore(Target(record, start))
    snapstart.assert_unique(run, "[0]")
    snapstart.assert_unique(run, "[1]")
    assert all(sent == ["before"] for _, _, sent in run.responses)
