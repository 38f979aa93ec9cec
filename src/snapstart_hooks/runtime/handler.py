"""A handler that needs no change of code: it loads the function's own and stands in for it.

Set the function's handler to ``snapstart_hooks.runtime.handler.lambda_handler`` and the
environment variable ``SNAPSTART_HOOKS_HANDLER`` to what it was before.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Final

from snapstart_hooks._registry import default_registry
from snapstart_hooks.errors import HandlerError
from snapstart_hooks.runtime.awslambdaric import adopt_now

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("VARIABLE", "lambda_handler", "load")

VARIABLE: Final = "SNAPSTART_HOOKS_HANDLER"


def load(handler: str) -> Callable[[object, object], object]:
    """Import the function that a Lambda handler string names.

    Args:
        handler: ``module.function``, ``package.module.function`` or ``folder/module.function``.

    Raises:
        HandlerError: It names nothing that can be called.
        Exception: What the module's import raises is not changed.
    """
    module, dot, name = handler.rpartition(".")
    if not (dot and module and name):
        msg = f"{VARIABLE}={handler!r} is no handler. Give `module.function`, as in the function's configuration."
        raise HandlerError(msg)
    function: object = getattr(import_module(module.replace("/", ".")), name, None)
    if not callable(function):
        msg = f"{VARIABLE}={handler!r}: the module {module!r} has no function {name!r}."
        raise HandlerError(msg)
    return function


def _load_configured() -> Callable[[object, object], object]:
    handler = os.environ.get(VARIABLE, "").strip()
    if not handler or handler.startswith(__name__):
        msg = f"set {VARIABLE} to the function's own handler, such as app.lambda_handler (it is {handler!r})."
        raise HandlerError(msg)
    function = load(handler)
    adopt_now(default_registry)
    return function


lambda_handler: Final = _load_configured()
"""The function's own handler."""
