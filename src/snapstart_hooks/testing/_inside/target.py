"""The handler that stands for a plain function.

Importing it, as the runtime does before the snapshot, calls ``init``; an invocation calls
``probe`` with what that returned.  So hooks, errors and exit codes are as for a handler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .reference import resolve
from .zygote import plan

if TYPE_CHECKING:
    from .wire import Reference

__all__ = ("handle",)


def _call(reference: Reference | None, *args: object) -> object:
    function = resolve(reference) if reference is not None else None
    if not callable(function):
        msg = f"{reference} is not a function"
        raise TypeError(msg)
    return function(*args)


_state: Final = () if plan()["init"] is None else (_call(plan()["init"]),)


def handle(event: object, context: object) -> object:  # noqa: ARG001 - what the runtime gives a handler
    """Call the function."""
    return _call(plan()["probe"], *_state)
