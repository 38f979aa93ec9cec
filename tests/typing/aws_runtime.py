"""Right uses of the live lists of hooks and of AWS's runtime interface client, typed by our stubs.

Read by type checkers, never executed. `test_typing.py` says how.
"""

from __future__ import annotations

from typing import NoReturn, assert_type

from awslambdaric import __main__, __version__, bootstrap, lambda_runtime_hooks_runner
from awslambdaric.lambda_config import LambdaConfigProvider
from awslambdaric.lambda_context import LambdaContext
from awslambdaric.lambda_runtime_client import (
    BaseLambdaRuntimeClient,
    InvocationRequest,
    LambdaRuntimeClient,
    LambdaRuntimeClientError,
)
from awslambdaric.lambda_runtime_exception import FaultException
from awslambdaric.lambda_runtime_log_utils import JsonFormatter, LogFormat
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller, to_json
from snapshot_restore_py import get_after_restore, get_before_snapshot
from typing_extensions import override

assert_type(__version__, str)

for func, args, kwargs in get_after_restore():
    assert_type(args, tuple[object, ...])
    assert_type(kwargs, dict[str, object])
    func(*args, **kwargs)

get_before_snapshot().insert(0, (print, ("restored",), {"end": ""}))
get_before_snapshot().clear()


class OneInvocation(LambdaRuntimeClient):
    """Stands in for the Runtime API: one event, then the end."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1:9001", use_thread_for_polling_next=False)
        self.results: list[str | bytes] = []

    @override
    def restore_next(self) -> None:
        print("snapshot taken, environment restored")

    @override
    def wait_next_invocation(self) -> InvocationRequest:
        if self.results:
            raise SystemExit(0)
        return InvocationRequest(
            invoke_id="1",
            x_amzn_trace_id=None,
            invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:orders:1",
            deadline_time_in_ms=1_800_000_000_000,
            client_context=None,
            cognito_identity=None,
            tenant_id=None,
            content_type="application/json",
            event_body=b"{}",
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
        self.results.append(result_data)


class Upper(LambdaMarshaller):
    @override
    def marshal_response(self, response: object) -> tuple[str | bytes, str]:
        return to_json(response).upper(), "application/json"


class Own(BaseLambdaRuntimeClient):
    marshaller = Upper()

    @override
    def handle_init_error(self, exc: Exception) -> None:
        if isinstance(exc, LambdaRuntimeClientError):
            assert_type(exc.response_code, int)
            assert_type(exc.endpoint, str)


def handler(event: object, context: LambdaContext) -> dict[str, object]:
    assert_type(context.aws_request_id, str)
    assert_type(context.get_remaining_time_in_millis(), int)
    assert_type(context.log_stream_name, str | None)
    assert_type(context.identity.cognito_identity_id, str | None)
    if context.client_context is not None and context.client_context.client is not None:
        assert_type(context.client_context.client.app_title, str | None)
    return {"event": event, "function": context.function_name}


def drive() -> NoReturn:
    bootstrap.run("app.lambda_handler", OneInvocation())


def drive_as_lambda_does() -> None:
    config = LambdaConfigProvider(["bootstrap", "app.lambda_handler"], {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"})
    assert_type(config.handler, str)
    assert_type(config.api_address, str)
    assert_type(config.use_thread_polling, bool)
    __main__.main(["bootstrap", "app.lambda_handler"])


def run_hooks() -> None:
    lambda_runtime_hooks_runner.run_before_snapshot()
    bootstrap.on_init_complete(OneInvocation(), bootstrap.StandardLogSink())
    lambda_runtime_hooks_runner.run_after_restore()


def report() -> None:
    try:
        LambdaMarshaller().unmarshal_request(b"{")
    except FaultException as fault:
        result = bootstrap.make_error(fault.msg, fault.exception_type, fault.trace)
        assert_type(result["errorMessage"], str)
        assert_type(result["stackTrace"], list[str])
        OneInvocation().post_init_error(result, FaultException.BEFORE_SNAPSHOT_ERROR)
    context = bootstrap.create_lambda_context(None, None, 0, "1", None, None)
    assert_type(context, LambdaContext)
    assert_type(JsonFormatter().usesTime(), bool)
    assert_type(LogFormat.from_str("JSON") == LogFormat.JSON, bool)
