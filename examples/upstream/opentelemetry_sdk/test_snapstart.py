from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from snapstart_hooks.testing import Target, check_provider

def start() -> trace.Tracer:
    trace.set_tracer_provider(TracerProvider())
    trace.get_tracer_provider().add_span_processor(BatchSpanProcessor(ConsoleSpanExporter()))
    trace.get_tracer("start").start_span("before").end()
    return trace.get_tracer("probe")

def trace_id(tracer: trace.Tracer) -> int:
    return tracer.start_span("after").get_span_context().trace_id

def test_traces_do_not_collide_and_spans_are_sent_once() -> None:
    check_provider("opentelemetry-sdk", app=Target(trace_id, start)).check()
