"""Who is told of a phase: observers of one's own, and the built-in ones."""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import TYPE_CHECKING, NoReturn

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from typing_extensions import override

from snapstart_hooks import Hook, HookObserver, HookResult, Phase, PhaseReport, Registry
from snapstart_hooks.errors import HooksFailed, SettingsError
from snapstart_hooks.observers import EmfMetrics, OpenTelemetrySpans

if TYPE_CHECKING:
    from collections.abc import Sequence


class Recorder(HookObserver):
    def __init__(self) -> None:
        self.heard: list[str] = []

    @override
    def phase_started(self, phase: Phase, hooks: Sequence[Hook], /) -> None:
        self.heard.append(f"{phase.value} {' '.join(hook.name for hook in hooks)}")

    @override
    def hook_started(self, hook: Hook, /) -> None:
        self.heard.append(f"{hook.name}...")

    @override
    def hook_finished(self, result: HookResult, /) -> None:
        self.heard.append(f"{result.hook.name} {result.outcome.value}")

    @override
    def phase_finished(self, report: PhaseReport, /) -> None:
        self.heard.append(f"{report.phase.value} {report.ok}")


def fail() -> NoReturn:
    raise RuntimeError("boom")


def test_an_observer_hears_everything_until_it_is_taken_away() -> None:
    registry, recorder = Registry(), Recorder()
    undo = registry.add_observer(recorder)
    registry.after_restore(name="a")(lambda: None)
    registry.after_restore(name="b", required=False)(fail)
    registry.run_after_restore()
    assert recorder.heard == [
        "after_restore a b",
        "a...",
        "a ok",
        "b...",
        "b failed",
        "after_restore True",
    ]
    undo()
    undo()  # harmless
    registry.run_after_restore()
    assert len(recorder.heard) == 6


def test_an_observer_that_raises_is_logged_and_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(HookObserver):
        @override
        def hook_started(self, hook: Hook, /) -> None:
            raise LookupError(hook.name)

    registry, recorder, ran = Registry(), Recorder(), list[str]()
    registry.add_observer(Broken())
    registry.add_observer(recorder)
    registry.after_restore(name="a").call(ran.append, "a")
    assert registry.run_after_restore().ok
    assert ran == ["a"]
    assert "a ok" in recorder.heard
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "hook_started of the observer" in record.getMessage()
    assert "LookupError: a" in record.getMessage()


def test_the_log_line_reads_well_in_both_formats(caplog: pytest.LogCaptureFixture) -> None:
    registry = Registry()
    registry.after_restore(name="fine")(lambda: None)
    with caplog.at_level(logging.DEBUG, "snapstart_hooks"):
        registry.run_after_restore()
    with caplog.at_level(logging.INFO, "snapstart_hooks"):
        registry.run_after_restore()  # not a word
        registry.after_restore(name="shaky", required=False)(fail)
        registry.run_after_restore()
        registry.after_restore(name="broken")(fail)
        with pytest.raises(HooksFailed):
            registry.run_after_restore()
    good, weak, bad = caplog.records
    assert [good.levelno, weak.levelno, bad.levelno] == [logging.INFO, logging.WARNING, logging.ERROR]
    assert good.getMessage().startswith("after_restore: 1 hook in ")
    assert "1 not ok: shaky (optional) [failed] RuntimeError: boom" in weak.getMessage()
    assert "broken [failed] RuntimeError: boom" in bad.getMessage()
    fields = vars(bad)["snapstart_hooks"]
    assert json.loads(json.dumps(fields)) == fields
    assert (fields["phase"], fields["ok"], fields["hooks"]) == ("after_restore", False, 3)
    assert [failed["hook"] for failed in fields["failed"]] == ["shaky", "broken"]


def test_emf_is_one_switch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_EMF", "Orders")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "orders")
    registry = Registry()
    registry.after_restore(name="a")(lambda: None)
    registry.after_restore(name="b", required=False)(fail)
    registry.run_before_snapshot()
    registry.run_after_restore()
    _, line = capsys.readouterr().out.splitlines()
    metric = json.loads(line)
    (directive,) = metric["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Orders"
    named = {entry["Name"] for entry in directive["Metrics"]}
    assert named == {"Duration", "Hooks", "FailedHooks"}
    for name in {*named, *directive["Dimensions"][0]}:
        assert name in metric
    assert (metric["FunctionName"], metric["Phase"]) == ("orders", "after_restore")
    assert (metric["Hooks"], metric["FailedHooks"]) == (2, 1)


def test_emf_without_hooks_and_into_a_stream() -> None:
    registry, stream = Registry(), io.StringIO()
    registry.add_observer(EmfMetrics("X", stream))
    registry.run_after_restore()
    assert json.loads(stream.getvalue())["SlowestHook"] == ""
    with pytest.raises(SettingsError, match="1 to 256"):
        EmfMetrics(" ")


def test_a_closed_standard_output_harms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    monkeypatch.setenv("SNAPSTART_HOOKS_EMF", "Orders")
    assert Registry().run_after_restore().ok


def test_spans_are_made_of_phase_and_hooks() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    registry = Registry()
    registry.add_observer(OpenTelemetrySpans(provider))
    registry.after_restore(name="a")(lambda: None)
    registry.after_restore(name="b")(fail)
    with pytest.raises(HooksFailed):
        registry.run_after_restore()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    phase = spans["snapstart.after_restore"]
    assert phase.status.status_code is StatusCode.ERROR
    assert phase.context is not None
    for name in "ab":
        parent = spans[name].parent
        assert parent is not None
        assert parent.span_id == phase.context.span_id
    assert spans["a"].status.status_code is StatusCode.UNSET
    assert spans["b"].status.description == "RuntimeError: boom"
    start, end = phase.start_time, phase.end_time
    assert start is not None
    assert end is not None
    assert start <= (spans["a"].start_time or 0) <= (spans["b"].end_time or 0) <= end + 1_000_000


def test_a_hook_whose_turn_never_came_has_no_span() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    registry = Registry()
    registry.add_observer(OpenTelemetrySpans(provider))

    @registry.after_restore
    def stop() -> NoReturn:
        raise KeyboardInterrupt

    registry.after_restore(name="never")(lambda: None)
    with pytest.raises(KeyboardInterrupt):
        registry.run_after_restore()
    assert "never" not in {span.name for span in exporter.get_finished_spans()}


def test_spans_are_one_switch_and_their_absence_is_told_before_the_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_OTEL", "1")
    assert Registry().run_before_snapshot().ok
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(SettingsError, match="install opentelemetry-api"):
        Registry().run_before_snapshot()
