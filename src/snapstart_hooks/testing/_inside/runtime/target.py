"""The handler that stands for a plain function.

Importing it, as the runtime does before the snapshot, calls ``init``; an invocation calls
``probe`` with what that returned.  So hooks, errors and exit codes are as for a handler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..processes.zygote import plan
from .reference import resolve

if TYPE_CHECKING:
    from ..wire import Reference

__all__ = ("handle",)


def _find(reference: Reference | None) -> object:
    return None if reference is None else resolve(reference)


def _call(function: object, *args: object) -> object:
    if not callable(function):
        msg = f"{function!r} is not a function"
        raise TypeError(msg)
    return function(*args)


# Both are imported before the snapshot, as whatever a handler needs is.
_probe: Final = _find(plan()["probe"])
_init: Final = _find(plan()["init"])
_state: Final = () if plan()["init"] is None else (_call(_init),)


def handle(event: object, context: object) -> object:  # noqa: ARG001 - what the runtime gives a handler
    """Call the function."""
    return _call(_probe, *_state)
