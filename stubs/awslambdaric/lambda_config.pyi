from collections.abc import Mapping, Sequence
from typing import Final

class LambdaConfigProvider:
    SUPPORTED_THREADPOLLING_ENVS: set[str]
    SOCKET_PATH_ENV: Final = "_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET"
    AWS_LAMBDA_RUNTIME_API: Final = "AWS_LAMBDA_RUNTIME_API"
    AWS_LAMBDA_MAX_CONCURRENCY: Final = "AWS_LAMBDA_MAX_CONCURRENCY"
    AWS_EXECUTION_ENV: Final = "AWS_EXECUTION_ENV"

    # Raises ValueError without a handler in `args[1]`, KeyError without AWS_LAMBDA_RUNTIME_API.
    def __init__(self, args: Sequence[str], environ: Mapping[str, str] | None = None) -> None: ...
    @property
    def handler(self) -> str: ...
    @property
    def api_address(self) -> str: ...
    @property
    def max_concurrency(self) -> str | None: ...
    @property
    def use_thread_polling(self) -> bool: ...
    @property
    def is_multi_concurrent(self) -> bool: ...
    @property
    def lmi_socket_path(self) -> str | None: ...
