"""Tells whether a function would be connected to our hooks on Lambda.

Importing `snapstart_hooks` does that.  In the process of the command it is imported from
the start, so the traces that the function's own import of it leaves are looked for.
"""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Final

from snapstart_hooks import default_registry
from snapstart_hooks.testing import Instrument

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ("Connection", "advice")

_OURS: Final = "snapstart_hooks"
_MACHINERY: Final = (f"{_OURS}.testing.", f"{_OURS}.cli.")
"""What runs the function here, and leaves its traces in AWS's runtime."""
_HANDLER: Final = "snapstart_hooks.runtime.handler"


class Connection(Instrument):
    """Compares what is imported now with what is imported when the function is loaded.

    Attributes:
        made: Whether the function registered hooks with us, or something that it imported imports us.
    """

    def __init__(self) -> None:
        self._before: Final = frozenset(sys.modules)
        self.made = False

    @override
    def initialized(self) -> None:
        self.made = bool(default_registry.hooks) or _HANDLER in sys.modules or _imported(self._before)


def advice(handler: str) -> str:
    """What to tell if the connection was not made."""
    return (
        f"Nothing that {handler} imports imports snapstart_hooks. So on Lambda only hooks that are registered "
        "with snapshot_restore_py would run, in the order of that package, and none of installed libraries. "
        f"Import it in the function, or set its handler to {_HANDLER}.lambda_handler and the variable "
        f"SNAPSTART_HOOKS_HANDLER to {handler}."
    )


def _imported(before: Collection[str]) -> bool:
    for name, module in list(sys.modules.items()):
        # Asking a lazy module for its names would load it.
        if name not in before and type(module) is ModuleType and not name.startswith(_OURS):
            names = list(vars(module).values())
            if any(_is_ours(_origin(value)) for value in names):
                return True
    return False


def _origin(value: object) -> object:
    """The module of a value, without asking the value: a proxy may do or raise anything then."""
    kind = type(value)
    if kind is ModuleType:
        return vars(value)["__name__"]
    if kind is FunctionType or issubclass(kind, type):
        return getattr(value, "__module__", None)
    return kind.__module__


def _is_ours(module: object) -> bool:
    if not isinstance(module, str) or module.startswith(_MACHINERY):
        return False
    return module == _OURS or module.startswith(f"{_OURS}.")
