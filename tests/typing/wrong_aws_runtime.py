"""Wrong uses of the live lists of hooks and of AWS's runtime interface client.

The statement below a line `# wrong: why` is the wrong use. `test_typing.py` compares.
"""

from __future__ import annotations

from awslambdaric import bootstrap, lambda_runtime_hooks_runner
from awslambdaric.lambda_context import LambdaContext
from awslambdaric.lambda_runtime_client import InvocationRequest, LambdaRuntimeClient
from snapshot_restore_py import get_after_restore, get_before_snapshot
from typing_extensions import override

# wrong: the list holds functions with their arguments, not functions
get_after_restore()[0]()

# wrong: so a function alone cannot be added
get_before_snapshot().append(print)

# wrong: arguments and keyword arguments belong to it
get_before_snapshot().append((print, ("publishing",)))

# wrong: the lists are read, not given
get_after_restore([])

client = LambdaRuntimeClient("127.0.0.1:9001")


def drive() -> None:
    # wrong: the client is an argument
    bootstrap.run("app.lambda_handler")


def drive_class() -> None:
    # wrong: an object, not its class
    bootstrap.run("app.lambda_handler", LambdaRuntimeClient)


def drive_function() -> None:
    # wrong: the handler is given by its name
    bootstrap.run(print, client)


# wrong: an address is a string
LambdaRuntimeClient(9001)

# wrong: hooks are registered, not given
lambda_runtime_hooks_runner.run_after_restore(print)

# wrong: the runtime would miss the rest
InvocationRequest(invoke_id="1")


class Restored(LambdaRuntimeClient):
    # wrong: it is called without arguments
    @override
    def restore_next(self, elapsed: float) -> None: ...

    # wrong: the runtime asks the request for its attributes
    @override
    def wait_next_invocation(self) -> dict[str, str]: ...


def handler(event: object, context: LambdaContext) -> None:
    # wrong: it is called get_remaining_time_in_millis
    context.get_remaining_time_in_ms()
    # wrong: under SnapStart there is none
    context.log_stream_name.upper()
    # wrong: most invocations have none
    context.client_context.client
