"""Call the handler before the snapshot, so that the first invocation after each restore is faster.

::

    from snapstart_hooks.priming import is_priming, prime

    def lambda_handler(event: dict[str, str], context: object) -> dict[str, int]:
        order = read(event["order"])
        if not is_priming():
            charge(order)
        return {"statusCode": 200}

    prime(lambda_handler, [{"order": "a sample"}])

If the handler cannot be called without side effects, import the modules that it imports late:
``snapstart-hooks prime`` writes the list of them, which ``SNAPSTART_HOOKS_PRIME`` or ``prime``
in ``[tool.snapstart-hooks]`` of the function's ``pyproject.toml`` names.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final, TypeVar, cast

from ._callables import examine, place, title
from ._foreign import error_text, is_a, shown, special
from ._hook import Priority
from ._registry import default_registry
from .errors import HookOptionError, HookSignatureError, PrimingError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from ._registry import Registry

__all__ = ("is_priming", "prime")

E = TypeVar("E")
C = TypeVar("C")
R = TypeVar("R")

_ARN: Final = "arn:aws:lambda:us-east-1:123456789012:function:priming"
_TIMEOUT: Final = 30.0
"""Seconds that ``context.get_remaining_time_in_millis`` starts from."""
_SERVER_ERROR: Final = 500

_priming = 0


def is_priming() -> bool:
    """Return whether `prime` calls the handler now, in any thread: it must have no side effects then."""
    return _priming > 0


def prime(
    handler: Callable[[E, C], R],
    events: Iterable[E],
    *,
    times: int = 20,
    network: bool = True,
    required: bool = True,
    name: str | None = None,
    registry: Registry = default_registry,
) -> Callable[[E, C], R]:
    """Call a handler before the snapshot, so that the snapshot contains what the first call loads and caches.

    The handler is called as by the Lambda runtime, with an event decoded from JSON and a context,
    and its answer is encoded as JSON.  This is a ``before_snapshot`` hook of `Priority.WARMUP`, so it
    runs first, while every connection is still open.

    Args:
        handler: The function's handler.
        events: The events, which must be JSON serialisable.
        times: The number of calls with each event. CPython specialises bytecode after about 10 calls.
        network: Whether the handler may connect and look up host names; else both are refused with
            an error that names the caller, except for Lambda's own endpoints.
        required: Whether publishing fails if the handler raises or answers with a ``statusCode`` of
            500 or more; else the failure is logged.
        name: The name of the hook. Default: ``prime(module.handler)``.
        registry: The registry of the hook.

    Returns:
        The handler.

    Raises:
        HookSignatureError: The handler is not callable with an event and a context, or is async.
        HookOptionError: `times` is not an ``int`` above 0, or `events` is a single event, empty, or not serialisable.
    """
    where = place(handler)
    if examine(handler, (None, None), {}, phase="before_snapshot", where=where, shipped=False):
        msg = f"{title(handler)} ({where}) cannot be primed: it is async, and Lambda calls no such handler"
        raise HookSignatureError(msg)
    if not is_a(times, int) or is_a(times, bool) or times < 1:
        msg = f"prime({title(handler)}, times={shown(times)}): give a number of calls, 1 or more"
        raise HookOptionError(msg)
    if issubclass(type(events), (dict, str, bytes)) or special(events, "__iter__") is None:  # a single event
        msg = f"prime({title(handler)}, {shown(events)}): give a list of events, such as [event]"
        raise HookOptionError(msg)
    try:
        texts = [json.dumps(event) for event in events]
    except (TypeError, ValueError, RecursionError) as error:
        msg = f"prime({title(handler)}): an event is not JSON serialisable: {error}"
        raise HookOptionError(msg) from error
    if not texts:
        msg = f"prime({title(handler)}): give one event or more"
        raise HookOptionError(msg)

    def call_handler() -> None:
        from ._offline import offline

        with _told_priming(), contextlib.nullcontext() if network else offline():
            for number in range(times):
                for index, text in enumerate(texts):
                    try:
                        _call(cast("Callable[[object, object], object]", handler), text)
                    except Exception as error:
                        which = f"event {index + 1} of {len(texts)}, call {number + 1} of {times}"
                        msg = f"{title(handler)} failed when it was primed ({which}): {error_text(error)}"
                        raise PrimingError(msg).with_traceback(error.__traceback__) from error

    # So that reports name the handler and where it is.
    functools.update_wrapper(call_handler, handler, updated=())
    registry.before_snapshot(priority=Priority.WARMUP, name=name or f"prime({title(handler)})", required=required)(
        call_handler
    )
    return handler


@contextlib.contextmanager
def _told_priming() -> Generator[None]:
    global _priming  # noqa: PLW0603 - one process, one snapshot
    _priming += 1
    try:
        yield
    finally:
        _priming -= 1


def _call(handler: Callable[[object, object], object], text: str) -> None:
    """Call it once, as the runtime does; a failure that it answers is a `PrimingError`."""
    decode, encode = _runtime()
    answer = handler(decode(text), _context())
    encode(answer)
    proxied = cast("dict[object, object]", answer) if is_a(answer, dict) else {}
    status = proxied.get("statusCode")
    if is_a(status, str) and str.isdecimal(status):  # as API Gateway reads it
        status = int(status)
    if (is_a(status, int) or is_a(status, float)) and status >= _SERVER_ERROR:
        msg = f"it answered with statusCode {status}: {shown(proxied)}"
        raise PrimingError(msg)


def _runtime() -> tuple[Callable[[str], object], Callable[[object], object]]:
    """How events are decoded and answers encoded: by the runtime that runs here, if one does."""
    if "awslambdaric" not in sys.modules:
        return json.loads, json.dumps
    from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

    marshaller = LambdaMarshaller()
    return marshaller.unmarshal_request, marshaller.marshal_response


def _context() -> object:
    deadline = int((time.time() + _TIMEOUT) * 1000)
    digits = os.urandom(16).hex()
    request_id = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    if "awslambdaric" in sys.modules:
        from awslambdaric.lambda_context import LambdaContext

        return LambdaContext(request_id, None, None, deadline, _ARN)
    get = os.environ.get
    return SimpleNamespace(
        aws_request_id=request_id,
        log_group_name=get("AWS_LAMBDA_LOG_GROUP_NAME"),
        log_stream_name=get("AWS_LAMBDA_LOG_STREAM_NAME"),
        function_name=get("AWS_LAMBDA_FUNCTION_NAME"),
        memory_limit_in_mb=get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
        function_version=get("AWS_LAMBDA_FUNCTION_VERSION"),
        invoked_function_arn=_ARN,
        client_context=None,
        identity=None,
        tenant_id=None,
        get_remaining_time_in_millis=lambda: max(0, deadline - int(time.time() * 1000)),
    )
