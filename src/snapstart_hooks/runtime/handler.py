"""A handler that needs no change of code: it loads the function's own and stands in for it.

Set the function's handler to ``snapstart_hooks.runtime.handler.lambda_handler`` and the
environment variable ``SNAPSTART_HOOKS_HANDLER`` to what it was before.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Final

from .._registry import default_registry, state_of
from ..errors import HandlerError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("VARIABLE", "lambda_handler", "load")

VARIABLE: Final = "SNAPSTART_HOOKS_HANDLER"


def load(handler: str) -> Callable[[object, object], object]:
    """Import the function that a Lambda handler string names, as the runtime does.

    Args:
        handler: ``module.function``, ``package.module.function`` or ``folder/module.function``.

    Raises:
        HandlerError: It names nothing that can be called.
        Exception: What the import of the module raises.
    """
    module, _, name = handler.strip().replace("/", ".").rpartition(".")
    if not (name and all(module.split("."))):
        raise _refusal(handler, "it is no handler" if handler else "it is not set")
    if module == __name__:
        raise _refusal(handler, "this is the handler that stands in for it")
    try:
        function: object = getattr(import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # it is there, and misses another
        raise _refusal(handler, f"there is no module {error.name!r}") from error
    if not callable(function):
        raise _refusal(handler, f"the module {module!r} has no function {name!r}")
    return function


def _refusal(handler: str, why: str) -> HandlerError:
    advice = "Give the function's own handler, such as app.lambda_handler."
    return HandlerError(f"{VARIABLE}={handler!r}: {why}. {advice}")


lambda_handler: Final = load(os.environ.get(VARIABLE, ""))
"""The function's own handler."""

# All of the function is imported now: what was registered with AWS's package keeps its place.
state_of(default_registry).collect()
