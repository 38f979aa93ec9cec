import logging
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Final, NoReturn, Protocol, Self, TextIO, TypeAlias, TypedDict, type_check_only

from typing_extensions import override

from .lambda_context import LambdaContext as LambdaContext
from .lambda_runtime_client import BaseLambdaRuntimeClient, ErrorResult
from .lambda_runtime_client import LambdaRuntimeClient as LambdaRuntimeClient
from .lambda_runtime_exception import FaultException as FaultException
from .lambda_runtime_log_utils import JsonFormatter as JsonFormatter
from .lambda_runtime_log_utils import LogFormat as LogFormat
from .lambda_runtime_marshaller import to_json as to_json

AWS_LAMBDA_INITIALIZATION_TYPE: Final = "AWS_LAMBDA_INITIALIZATION_TYPE"
INIT_TYPE_SNAP_START: Final = "snap-start"
ERROR_LOG_LINE_TERMINATE: Final = "\r"
ERROR_LOG_IDENT: Final = "\u00a0"
PREVIEW_RUNTIME_ENVS: set[str]

# What `sys.exc_info()` gives inside an `except` block.
_ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]
# (file, line, function, source line)
_FrameSummary: TypeAlias = tuple[str, int | None, str, str | None]
_Handler: TypeAlias = Callable[[object, LambdaContext], object]

# Where log lines and errors go; `StandardLogSink` and `FramedTelemetryLogSink` are two.
@type_check_only
class LogSink(Protocol):
    def log(self, msg: str, frame_type: bytes | None = None) -> None: ...
    def log_error(self, message_lines: Sequence[str]) -> None: ...

@type_check_only
class XrayFrame(TypedDict):
    label: str
    path: str
    line: int | None

@type_check_only
class XrayException(TypedDict):
    message: str
    type: str
    stack: list[XrayFrame]

@type_check_only
class XrayFault(TypedDict):
    working_directory: str
    exceptions: list[XrayException]
    paths: list[str]

# Runs the handler `module.function` for ever: load it, run the hooks if the environment
# says "snap-start", then answer invocations. Ends only by an exception of `lambda_runtime_client`
# or by SystemExit: 1 the handler cannot be loaded, 64 before_snapshot failed, 65 after_restore failed.
def run(handler: str, lambda_runtime_client: BaseLambdaRuntimeClient) -> NoReturn: ...

# before hooks, `restore_next()`, after hooks. Raises SystemExit 64 or 65.
def on_init_complete(lambda_runtime_client: BaseLambdaRuntimeClient, log_sink: LogSink) -> None: ...
def handle_event_request(
    lambda_runtime_client: BaseLambdaRuntimeClient,
    request_handler: _Handler,
    invoke_id: str,
    event_body: bytes | str,
    content_type: str,
    client_context_json: str | None,
    cognito_identity_json: str | None,
    invoked_function_arn: str | None,
    epoch_deadline_time_in_ms: int,
    tenant_id: str | None,
    log_sink: LogSink,
    invocation_id: str | None = None,
) -> None: ...
def create_lambda_context(
    client_context_json: str | None,
    cognito_identity_json: str | None,
    epoch_deadline_time_in_ms: int,
    invoke_id: str,
    invoked_function_arn: str | None,
    tenant_id: str | None,
) -> LambdaContext: ...
def parse_json_header(header: str | bytes, name: str) -> object: ...
def make_error(
    error_message: str | None,
    error_type: str | None,
    stack_trace: list[str] | None,
    invoke_id: str | None = None,
) -> ErrorResult: ...
def build_fault_result(exc_info: _ExcInfo, msg: str | None) -> ErrorResult: ...
def make_xray_fault(ex_type: str, ex_msg: str, working_dir: str, tb_tuples: Iterable[_FrameSummary]) -> XrayFault: ...
def extract_traceback(tb: TracebackType | None) -> list[_FrameSummary]: ...
def log_error(error_result: ErrorResult, log_sink: LogSink) -> None: ...
def replace_line_indentation(line: str, indent_char: str, new_indent_char: str) -> str: ...
def update_xray_env_variable(xray_trace_id: str | None) -> None: ...
def create_log_sink() -> StandardLogSink | FramedTelemetryLogSink: ...
def init_logging() -> StandardLogSink | FramedTelemetryLogSink: ...
def _get_handler(handler: str) -> _Handler: ...

class LambdaLoggerHandler(logging.Handler):
    log_sink: LogSink
    def __init__(self, log_sink: LogSink) -> None: ...
    @override
    def emit(self, record: logging.LogRecord) -> None: ...

class LambdaLoggerHandlerWithFrameType(logging.Handler):
    log_sink: LogSink
    def __init__(self, log_sink: LogSink) -> None: ...
    @override
    def emit(self, record: logging.LogRecord) -> None: ...

class LambdaLoggerFilter(logging.Filter):
    @override
    def filter(self, record: logging.LogRecord) -> bool: ...

# What `run` puts in place of `sys.stdout` and `sys.stderr`.
class Unbuffered:
    stream: TextIO
    def __init__(self, stream: TextIO) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None: ...
    def __getattr__(self, attr: str) -> object: ...
    def write(self, msg: str) -> None: ...
    def writelines(self, msgs: Iterable[str]) -> None: ...

class StandardLogSink:
    def __init__(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None: ...
    def log(self, msg: str, frame_type: bytes | None = None) -> None: ...
    def log_error(self, message_lines: Sequence[str]) -> None: ...

class FramedTelemetryLogSink:
    fd: int
    def __init__(self, fd: int | str) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None: ...
    def log(self, msg: str, frame_type: bytes | None = None) -> None: ...
    def log_error(self, message_lines: Sequence[str]) -> None: ...
