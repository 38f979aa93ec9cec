"""Drives the real `awslambdaric` without a Runtime API.

The runtime takes its client as an argument.  This one answers from a list of events and
keeps what the runtime says, so the lookup of the handler, the hooks, error bodies, exit
codes, marshalling and the log format are all AWS's own.
"""

from __future__ import annotations

import base64
import contextlib
import os
import sys
import time
import traceback
from typing import TYPE_CHECKING, Final, NoReturn

from awslambdaric import bootstrap
from awslambdaric.lambda_config import LambdaConfigProvider
from awslambdaric.lambda_runtime_client import InvocationRequest, LambdaRuntimeClient
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

from ..wire import InvocationRecord, RuntimeRecord, decode

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from awslambdaric.bootstrap import LogSink
    from awslambdaric.lambda_runtime_client import BaseLambdaRuntimeClient, ErrorResult

    from snapstart_hooks import PhaseReport

    from ..wire import Json
    from .moments import Moment

__all__ = ("ScriptedClient", "drive")


class _Done(BaseException):
    """All events are answered.  Ends the loop of the runtime, which has no end of its own."""


class ScriptedClient(LambdaRuntimeClient):
    """The Runtime API's part, played from a script.

    Attributes:
        record: What the runtime did so far.
    """

    def __init__(
        self,
        events: Sequence[str],
        *,
        reached: Callable[[Moment], object],
        function_arn: str,
        timeout: float,
        hooks: bool = True,
    ) -> None:
        """Prepare the script.

        Args:
            events: The JSON text of each event.
            reached: Called with each moment from ``initialized`` to ``answered``, but ``restored``; when it
                returns from ``snapshot``, the function is restored.
            function_arn: For the context of an invocation.
            timeout: Likewise, in seconds.
            hooks: Whether hooks run.
        """
        address = os.environ.get("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9")
        # As on Lambda; no thread is started, but the same modules are imported.
        polls_on_thread = os.environ.get("AWS_EXECUTION_ENV") in LambdaConfigProvider.SUPPORTED_THREADPOLLING_ENVS
        super().__init__(address, polls_on_thread)
        # The class's own was made when another environment was set.
        vars(self)["marshaller"] = LambdaMarshaller()
        self._events: Final = list(events)
        self._reached: Final = reached
        self._arn: Final = function_arn
        self._timeout: Final = timeout
        self._hooks: Final = hooks
        self._clock = time.perf_counter()
        self._is_ready = False
        self._old_report: Final = _last_report()
        self.record: Final = RuntimeRecord(
            exit_code=None,
            error=None,
            init_seconds=None,
            before_seconds=None,
            after_seconds=None,
            reports={},
            invocations=[],
            observations={},
        )

    # What the runtime calls, in this order.

    def on_init_complete(self, go_on: Callable[[BaseLambdaRuntimeClient, LogSink], None], log_sink: LogSink) -> None:
        """The handler is loaded, and the function is under SnapStart."""
        self.record["init_seconds"] = self._lap()
        self._reached("initialized")
        self._clock = time.perf_counter()
        if self._hooks:
            go_on(self, log_sink)
        else:
            self.restore_next()

    @override
    def restore_next(self) -> None:
        """The snapshot."""
        self.record["before_seconds"] = self._lap()
        self._keep_report("before_snapshot")
        self._reached("snapshot")
        self._clock = time.perf_counter()

    @override
    def wait_next_invocation(self) -> InvocationRequest:
        """Give the next event, or end."""
        if not self._is_ready:
            self._is_ready = True
            seconds = self._lap()
            if self.record["before_seconds"] is None:
                self.record["init_seconds"] = seconds
            else:
                self.record["after_seconds"] = seconds
                self._keep_report("after_restore")
            self._reached("ready")
        if not self._events:
            raise _Done
        self._reached("asked")
        request_id = _uuid4()
        self.record["invocations"].append(
            InvocationRecord(request_id=request_id, content_type="", body=None, error=None, seconds=0.0)
        )
        now = time.time()
        self._clock = time.perf_counter()
        return InvocationRequest(
            invoke_id=request_id,
            x_amzn_trace_id=f"Root=1-{int(now):08x}-{os.urandom(12).hex()};Parent={os.urandom(8).hex()};Sampled=0",
            invoked_function_arn=self._arn,
            deadline_time_in_ms=int((now + self._timeout) * 1000),
            client_context=None,
            cognito_identity=None,
            tenant_id=None,
            content_type="application/json",
            event_body=self._events.pop(0),
            invocation_id=None,
        )

    @override
    def post_invocation_result(
        self,
        invoke_id: str,
        result_data: str | bytes,
        content_type: str = "application/json",
        invocation_id: str | None = None,
    ) -> None:
        """The handler's answer."""
        text = base64.b64encode(result_data).decode() if isinstance(result_data, bytes) else result_data
        self._answer(content_type, text, None)

    @override
    def post_invocation_error(
        self, invoke_id: str, error_response_data: str, xray_fault: str, invocation_id: str | None = None
    ) -> None:
        """The handler raised."""
        self._answer("", None, decode(error_response_data.encode()))

    @override
    def post_init_error(self, error_response_data: ErrorResult, error_type_override: str | None = None) -> None:
        """The handler could not be loaded, or a before_snapshot hook raised."""
        kind = error_type_override or error_response_data["errorType"]
        self.record["error"] = {"kind": kind, "body": dict(error_response_data)}

    @override
    def report_restore_error(self, restore_error_data: ErrorResult) -> None:
        """An after_restore hook raised."""
        self.record["after_seconds"] = self._lap()
        self.record["error"] = {"kind": "Runtime.AfterRestoreError", "body": dict(restore_error_data)}

    @override
    def call_rapid(self, *args: object, **kwargs: object) -> NoReturn:
        """Refuse everything else: there is no Runtime API."""
        msg = f"this awslambdaric asks the Runtime API for something that the local SnapStart does not know: {args}"
        raise NotImplementedError(msg)

    # What we note.

    def ended(self, exit_code: int) -> None:
        """The runtime ended."""
        self.record["exit_code"] = exit_code
        if self.record["error"] is not None:
            self._keep_report("before_snapshot" if self.record["after_seconds"] is None else "after_restore")
        invocations = self.record["invocations"]
        if invocations and invocations[-1]["body"] is None and invocations[-1]["error"] is None:
            self._answer("", None, exit_error(f"exit status {exit_code}"))

    def _answer(self, content_type: str, body: str | None, error: Json | None) -> None:
        invocation = self.record["invocations"][-1]
        invocation |= {"content_type": content_type, "body": body, "error": error, "seconds": self._lap()}
        self._reached("answered")

    def _keep_report(self, phase: str) -> None:
        """What `snapstart_hooks` says about a phase, if the function uses it."""
        report = _last_report()
        if report is not None and report is not self._old_report and report.phase == phase:
            self.record["reports"][phase] = report.to_dict()

    def _lap(self) -> float:
        now = time.perf_counter()
        seconds, self._clock = now - self._clock, now
        return seconds


def exit_error(how: str) -> Json:
    """What Lambda answers when the process ends in the middle of an invocation."""
    return {"errorType": "Runtime.ExitError", "errorMessage": f"Runtime exited with error: {how}", "stackTrace": []}


def drive(handler: str, client: ScriptedClient) -> None:
    """Let the runtime run `handler` to its end, which `client` notes.

    Where a snapshot makes clones of the process, this ends in each of them.

    Raises:
        KeyboardInterrupt: The user wants to end this process.
    """
    try:
        with _told_when_initialized():
            bootstrap.run(handler, client)
    except _Done:
        client.ended(0)
    except SystemExit as end:
        client.ended(_status(end))
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - what the interpreter would do with it
        traceback.print_exc()
        client.ended(1)


@contextlib.contextmanager
def _told_when_initialized() -> Generator[None]:
    """Between the loading of the handler and the hooks, the runtime calls its client nowhere."""
    original = bootstrap.on_init_complete

    def on_init_complete(lambda_runtime_client: BaseLambdaRuntimeClient, log_sink: LogSink) -> None:
        if isinstance(lambda_runtime_client, ScriptedClient):
            lambda_runtime_client.on_init_complete(original, log_sink)
        else:
            original(lambda_runtime_client, log_sink)

    bootstrap.__dict__["on_init_complete"] = on_init_complete
    try:
        yield
    finally:
        bootstrap.__dict__["on_init_complete"] = original


def _last_report() -> PhaseReport | None:
    ours = sys.modules.get("snapstart_hooks")
    report: PhaseReport | None = getattr(getattr(ours, "default_registry", None), "last_report", None)
    return report


def _status(end: SystemExit) -> int:
    """The exit code that the interpreter would make of it."""
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code & 0xFF
    print(end.code, file=sys.stderr)  # noqa: T201 - as the interpreter does
    return 1


def _uuid4() -> str:
    """A random UUID; the `uuid` module is not imported, because the runtime does not."""
    number = bytearray(os.urandom(16))
    number[6] = number[6] & 0x0F | 0x40
    number[8] = number[8] & 0x3F | 0x80
    text = number.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
