from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, Final, NoReturn, Protocol, TypedDict, type_check_only

from typing_extensions import override

from .lambda_runtime_exception import FaultException as FaultException
from .lambda_runtime_marshaller import LambdaMarshaller as LambdaMarshaller
from .lambda_runtime_marshaller import to_json as to_json

ERROR_TYPE_HEADER: Final = "Lambda-Runtime-Function-Error-Type"
DEFAULT_RETRY_MAX_ATTEMPTS: Final = 5
DEFAULT_RETRY_INITIAL_DELAY: Final = 0.1
DEFAULT_RETRY_BACKOFF_FACTOR: Final = 2.0

# The body of an error report, as `bootstrap.make_error` builds it.
@type_check_only
class ErrorResult(TypedDict):
    errorMessage: str
    errorType: str
    requestId: str
    stackTrace: list[str]

# What a replacement of `BaseLambdaRuntimeClient.marshaller` has to offer.
@type_check_only
class Marshaller(Protocol):
    def unmarshal_request(self, request: bytes | str, content_type: str = "application/json") -> object: ...
    def marshal_response(self, response: object) -> tuple[str | bytes, str]: ...

# The constructor takes any keywords and makes them attributes. These are all that
# `bootstrap.run` reads: one that is missing would end the process with an AttributeError.
class InvocationRequest:
    invoke_id: str
    x_amzn_trace_id: str | None
    invoked_function_arn: str | None
    deadline_time_in_ms: int
    client_context: str | None
    cognito_identity: str | None
    tenant_id: str | None
    content_type: str
    event_body: bytes | str
    invocation_id: str | None
    def __init__(
        self,
        *,
        invoke_id: str,
        x_amzn_trace_id: str | None,
        invoked_function_arn: str | None,
        deadline_time_in_ms: int,
        client_context: str | None,
        cognito_identity: str | None,
        tenant_id: str | None,
        content_type: str,
        event_body: bytes | str,
        invocation_id: str | None,
    ) -> None: ...
    @override
    def __eq__(self, other: object) -> bool: ...

class LambdaRuntimeClientError(Exception):
    endpoint: str
    response_code: int
    response_body: bytes
    def __init__(self, endpoint: str, response_code: int, response_body: bytes) -> None: ...

# Speaks to the Lambda Runtime API at `lambda_runtime_address` ("host:port").
class BaseLambdaRuntimeClient:
    marshaller: ClassVar[Marshaller]
    lambda_runtime_address: str
    use_thread_for_polling_next: bool
    ThreadPoolExecutor: type[ThreadPoolExecutor]  # set only if use_thread_for_polling_next
    def __init__(self, lambda_runtime_address: str, use_thread_for_polling_next: bool = False) -> None: ...
    def call_rapid(
        self,
        http_method: str,
        endpoint: str,
        expected_http_code: int,
        payload: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None: ...
    def post_init_error(self, error_response_data: ErrorResult, error_type_override: str | None = None) -> None: ...
    def handle_init_error(self, exc: Exception) -> None: ...
    # Blocks across the snapshot: it returns in the restored environment.
    def restore_next(self) -> None: ...
    def report_restore_error(self, restore_error_data: ErrorResult) -> None: ...
    def handle_exception(
        self, exc: Exception, func_to_retry: Callable[[], object] | None = None, use_backoff: bool = False
    ) -> object: ...
    def wait_next_invocation(self) -> InvocationRequest: ...
    def post_invocation_result(
        self,
        invoke_id: str,
        result_data: str | bytes,
        content_type: str = "application/json",
        invocation_id: str | None = None,
    ) -> None: ...
    # `error_response_data` and `xray_fault` are JSON texts.
    def post_invocation_error(
        self, invoke_id: str, error_response_data: str, xray_fault: str, invocation_id: str | None = None
    ) -> None: ...

# One invocation at a time; raises what goes wrong with the Runtime API.
class LambdaRuntimeClient(BaseLambdaRuntimeClient):
    @override
    def handle_exception(
        self, exc: Exception, func_to_retry: Callable[[], object] | None = None, use_backoff: bool = False
    ) -> NoReturn: ...
    @override
    def handle_init_error(self, exc: Exception) -> NoReturn: ...

# Several worker processes (Lambda Managed Instances); tries again and logs.
class LambdaMultiConcurrentRuntimeClient(BaseLambdaRuntimeClient):
    @override
    def handle_exception(
        self, exc: Exception, func_to_retry: Callable[[], object] | None = None, use_backoff: bool = False
    ) -> object: ...
    @override
    def handle_init_error(self, exc: Exception) -> None: ...
