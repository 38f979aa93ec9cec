"""What is cloned: a Lambda handler, or a plain function for library authors."""
# What `init` returns is between it and `probe`.
# mypy: disable-error-code="explicit-any"

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from snapstart_hooks.testing._inside.wire import Reference

__all__ = ("Subject", "Target", "references")

S = TypeVar("S")


@dataclass(frozen=True)
class Target(Generic[S]):
    """A function that is called in each clone, and what is called before the snapshot.

    Both are called in another process, which imports the modules that define them: a
    lambda, a function within a function, or a bound method cannot be found there.

    Attributes:
        probe: Called in each clone, after the after_restore hooks, with what `init`
            returned.  What it returns must be something that JSON can hold.
        init: Called once, before the before_snapshot hooks.
    """

    probe: Callable[[S], object]
    init: Callable[[], S]


Subject: TypeAlias = "str | Target[Any] | Callable[[], object]"
"""What is cloned: a Lambda handler string, a `Target`, or a function that is called in each clone."""

_TARGET_HANDLER: Final = "_snapstart_inside.runtime.target.handle"


def references(subject: Subject) -> tuple[str, Reference | None, Reference | None]:
    """The handler string, and where init and probe are found.

    Raises:
        TypeError: A function cannot be found by another process.
    """
    if isinstance(subject, str):
        return subject, None, None
    if isinstance(subject, Target):
        target = cast("Target[object]", subject)
        return _TARGET_HANDLER, _reference(target.init), _reference(target.probe)
    return _TARGET_HANDLER, None, _reference(subject)


def _reference(function: object) -> Reference:
    module = getattr(function, "__module__", None)
    qualname = getattr(function, "__qualname__", None)
    if not callable(function) or not isinstance(module, str) or not isinstance(qualname, str):
        msg = f"{function!r} is not a function that another process can import"
        raise TypeError(msg)
    if "<" in qualname or hasattr(function, "__self__"):
        msg = (
            f"{module}.{qualname} cannot be imported by the process in which the clones are made: "
            "define it with `def` at the top of a module, not inside a function, as a lambda or as a bound method"
        )
        raise TypeError(msg)
    return {"module": module, "qualname": qualname, "file": getattr(sys.modules.get(module), "__file__", None)}
