"""The handler that stands for a plain function.

Importing it, as the runtime does before the snapshot, calls ``init``; an invocation calls
``probe`` with what that returned.  So hooks, errors and exit codes are as for a handler.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import reduce
from typing import TYPE_CHECKING, Final

from ..processes.zygote import plan

if TYPE_CHECKING:
    from types import ModuleType

    from ..wire import Reference

__all__ = ("handle",)


def _find(reference: Reference | None) -> object:
    if reference is None:
        return None
    found: object = _module(reference["module"], reference["file"])
    return reduce(getattr, reference["qualname"].split("."), found)


def _module(name: str, file: str | None) -> ModuleType:
    """The module of that name, if it is the one in `file`; else what is in `file`."""
    try:
        module = importlib.import_module(name) if name != "__main__" else None
    except ModuleNotFoundError as error:
        if file is None or not name.startswith(f"{error.name}"):
            raise
        module = None
    if module is not None and (file is None or getattr(module, "__file__", None) == file):
        return module
    if file is None:
        raise ModuleNotFoundError(name)
    if name == "__main__":
        name = "__snapstart_main__"  # so that what is guarded by __name__ does not run
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        msg = f"{file} cannot be loaded as the module {name!r}"
        raise ImportError(msg)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


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
