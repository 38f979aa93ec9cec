"""Reseeds the generator of SQLite's `random()` and `randomblob()` after a restore.

At risk: SQLite takes one seed from the system, so that all clones make the same numbers, identifiers and random row
ids.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, cast

from ._probe import Library

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("after_restore", "before_snapshot")

VERSIONS: Final = "python>=3.11"
COST: Final = "5 µs after a restore"
NEEDLESS: Final = "no SQLite yet"

priority: Final = -400  # Priority.ENTROPY
required: Final = False

_python: Final = Library(VERSIONS)
_forget: Final[list[Callable[[], object]]] = []


def before_snapshot() -> None:
    """Find the function that resets the generator."""
    import ctypes

    _forget.clear()
    with _python.attempt("SQLite draws the same numbers in all clones"):
        library = cast("str", sys.modules["_sqlite3"].__file__)
        randomness = ctypes.CDLL(library, mode=os.RTLD_NOW | os.RTLD_NOLOAD).sqlite3_randomness
        randomness.argtypes, randomness.restype = (ctypes.c_int, ctypes.c_void_p), None
        _forget.append(lambda: cast("object", randomness(0, None)))


def after_restore() -> None:
    """Let SQLite take a new seed from the system."""
    for forget in _forget:
        forget()
