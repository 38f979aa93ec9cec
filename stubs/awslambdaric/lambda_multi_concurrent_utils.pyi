from typing import Final

from . import bootstrap as bootstrap
from .lambda_runtime_client import LambdaMultiConcurrentRuntimeClient as LambdaMultiConcurrentRuntimeClient

WORKER_POOL_INITIALIZING_EVENT: Final = "runtime_worker_pool_initializing"

class MultiConcurrentRunner:
    @classmethod
    def run_single(cls, handler: str, api_addr: str, use_thread: bool, socket_path: str | None) -> None: ...
    @classmethod
    def run_concurrent(
        cls, handler: str, api_addr: str, use_thread: bool, socket_path: str | None, max_concurrency: int
    ) -> None: ...
