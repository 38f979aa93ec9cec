"""Finds, in the zygote, the functions that the caller named."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from ..wire import Reference

__all__ = ("load_object", "resolve")


def resolve(reference: Reference) -> object:
    """The function that it names."""
    module = _module(reference["module"], reference["file"])
    found: object = module
    for name in reference["qualname"].split("."):
        found = _attribute(found, name)
    return found


def load_object(name: str) -> object:
    """What ``module:attribute`` names; a leading dot means a module of this package."""
    module, _, attribute = name.partition(":")
    return _attribute(importlib.import_module(module, __name__.rsplit(".", 2)[0]), attribute)


def _attribute(of: object, name: str) -> object:
    found: object = getattr(of, name)
    return found


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
