"""Finds out whether a function would be connected to the hooks of this package on Lambda.

Importing `snapstart_hooks` connects it.  The command's own process has imported the package from the start, so the
function's modules are searched for objects of the package instead.
"""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Final

from snapstart_hooks import default_registry
from snapstart_hooks._compat import override
from snapstart_hooks._pages import page
from snapstart_hooks.testing import Instrument

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ("Connection", "advice")

_PACKAGE: Final = "snapstart_hooks"
_MACHINERY: Final = (f"{_PACKAGE}.testing.", f"{_PACKAGE}.cli.")
"""Modules that run the function here, and leave objects in AWS's runtime."""
_HANDLER: Final = "snapstart_hooks.runtime.handler"


class Connection(Instrument):
    """Compares the modules that are imported now with those that the function imports.

    Attributes:
        made: Whether the function registered hooks, or a module that it imported imports this package.
    """

    def __init__(self) -> None:
        self._before: Final = frozenset(sys.modules)
        self.made = False

    @override
    def initialized(self) -> None:
        self.made = bool(default_registry.hooks) or _HANDLER in sys.modules or _imported(self._before)


def advice(handler: str) -> str:
    """Return what to do about a function that is not connected."""
    return (
        f"Nothing that {handler} imports imports snapstart_hooks. So Lambda would run only the hooks that are "
        "registered with snapshot_restore_py, in the order of that package, and no hooks of installed libraries. "
        f"Import snapstart_hooks in the function, or set its handler to {_HANDLER}.lambda_handler and the variable "
        f"SNAPSTART_HOOKS_HANDLER to {handler}. See {page('lambda')}"
    )


def _imported(before: Collection[str]) -> bool:
    for name, module in list(sys.modules.items()):
        # Asking a lazy module for its names would load it.
        if name not in before and type(module) is ModuleType and not name.startswith(_PACKAGE):
            names = list(vars(module).values())
            if any(_of_package(_origin(value)) for value in names):
                return True
    return False


def _origin(value: object) -> object:
    """Return the name of a value's module without asking the value: a proxy may do or raise anything then."""
    kind = type(value)
    if kind is ModuleType:
        return vars(value)["__name__"]
    if kind is FunctionType or issubclass(kind, type):
        return getattr(value, "__module__", None)
    return kind.__module__


def _of_package(module: object) -> bool:
    if not isinstance(module, str) or module.startswith(_MACHINERY):
        return False
    return module == _PACKAGE or module.startswith(f"{_PACKAGE}.")
