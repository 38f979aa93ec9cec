"""Built-in observers, each one switch: CloudWatch metrics and OpenTelemetry spans.

Off by default.  Switched on by ``SNAPSTART_HOOKS_EMF=<namespace>`` and
``SNAPSTART_HOOKS_OTEL=1``, or in code: ``default_registry.add_observer(EmfMetrics("Orders"))``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Final, TextIO

from ._compat import override
from ._foreign import error_text
from ._report import HookObserver
from .errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.trace import TracerProvider

    from ._hook import Hook, Phase
    from ._report import PhaseReport
    from ._settings import Settings

__all__ = ("EmfMetrics", "OpenTelemetrySpans", "configured")


class EmfMetrics(HookObserver):
    """Writes one line in CloudWatch's embedded metric format for each phase.

    CloudWatch extracts the metrics if the line is a line of its own in the function's log
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html):
    ``Duration`` in milliseconds, ``Hooks`` and ``FailedHooks``, each by function and phase.
    """

    def __init__(self, namespace: str, stream: TextIO | None = None) -> None:
        """Write to `stream`, by default the standard output at the time of writing.

        Args:
            namespace: The CloudWatch namespace, 1 to 256 characters.
            stream: The stream that the line is written to.

        Raises:
            SettingsError: The namespace is empty or too long.
        """
        if not 0 < len(namespace.strip()) <= 256:  # noqa: PLR2004 - as the specification says
            msg = f"the EMF namespace {namespace!r} is not possible. Give 1 to 256 characters."
            raise SettingsError(msg)
        self._namespace: Final = namespace
        self._stream: Final = stream

    @override
    def phase_finished(self, report: PhaseReport, /) -> None:
        slowest = max(report.results, key=lambda result: result.duration_ns, default=None)
        line = {
            "_aws": {
                "Timestamp": int(report.started * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": self._namespace,
                        "Dimensions": [["FunctionName", "Phase"]],
                        "Metrics": [
                            {"Name": "Duration", "Unit": "Milliseconds"},
                            {"Name": "Hooks", "Unit": "Count"},
                            {"Name": "FailedHooks", "Unit": "Count"},
                        ],
                    }
                ],
            },
            "FunctionName": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"),
            "Phase": report.phase.value,
            "Duration": round(report.duration_ns / 1e6, 3),
            "Hooks": len(report.results),
            "FailedHooks": len(report.failed),
            "SlowestHook": slowest.hook.name if slowest else "",
        }
        stream = self._stream or sys.stdout
        stream.write(json.dumps(line) + "\n")
        stream.flush()


class OpenTelemetrySpans(HookObserver):
    """Makes one span for each phase, with a child span for each hook.

    The spans are made when the phase has ended, because by then the hooks have reseeded the
    generator of span ids.
    """

    def __init__(self, tracer_provider: TracerProvider | None = None) -> None:
        """Make an observer.

        Args:
            tracer_provider: Makes the spans; by default the global one at the time of the phase.

        Raises:
            SettingsError: ``opentelemetry-api`` is not installed.
        """
        try:
            from opentelemetry import trace
        except ImportError as error:
            msg = f"OpenTelemetry spans need its API: install opentelemetry-api ({error})."
            raise SettingsError(msg) from error
        self._trace: Final = trace
        self._provider: Final = tracer_provider
        self._started: dict[Hook, int] = {}

    @override
    def phase_started(self, phase: Phase, hooks: Sequence[Hook], /) -> None:
        self._started.clear()

    @override
    def hook_started(self, hook: Hook, /) -> None:
        self._started[hook] = time.time_ns()

    @override
    def phase_finished(self, report: PhaseReport, /) -> None:
        trace = self._trace
        tracer = trace.get_tracer("snapstart_hooks", tracer_provider=self._provider)
        begin = int(report.started * 1e9)
        phase = tracer.start_span(f"snapstart.{report.phase.value}", start_time=begin)
        for result in report.results:
            start = self._started.get(result.hook)
            if start is None:
                continue  # its turn never came
            span = tracer.start_span(
                result.hook.name,
                trace.set_span_in_context(phase),
                start_time=start,
                attributes={
                    "snapstart.outcome": result.outcome.value,
                    "snapstart.provider": result.hook.provider.name if result.hook.provider else "application",
                    "code.filepath": result.hook.location,
                },
            )
            if result.error is not None:
                span.set_status(trace.StatusCode.ERROR, error_text(result.error))
            span.end(start + result.duration_ns)
        if not report.ok:
            phase.set_status(trace.StatusCode.ERROR, str(report))
        phase.end(begin + report.duration_ns)
        self._started.clear()


def configured(settings: Settings) -> tuple[HookObserver, ...]:
    """Make the observers that the environment switches on.

    Args:
        settings: The ``SNAPSTART_HOOKS_*`` variables.

    Raises:
        SettingsError: What one of them needs is missing.
    """
    observers: list[HookObserver] = []
    if settings.emf:
        observers.append(EmfMetrics(settings.emf))
    if settings.otel:
        observers.append(OpenTelemetrySpans())
    return tuple(observers)
