"""Reseeds OpenSSL after a restore, in every copy that is loaded: of Python, cryptography, database drivers.

At risk: for up to an hour after the snapshot clones make the same keys, nonces and session tickets.  A wheel often
contains its own OpenSSL, which neither ``ssl.RAND_add`` nor the patched library of AWS's images reaches.

Before the snapshot every library of the process is searched for ``RAND_add``; after a restore each copy gets 48 random
bytes, upon which its generators take new seeds from the system.  A copy that is linked into another library and hidden,
as in grpcio and librdkafka, is out of reach: make keys with it after the restore.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, cast

from ._probe import Library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("after_restore", "before_snapshot")

VERSIONS: Final = "cryptography>=43"
COST: Final = "0.7 ms after a restore; 20 µs for each library of the process before the snapshot"
NEEDLESS: Final = "no OpenSSL yet, except `openssl-snapsafe-libs` of Amazon Linux, which wheels do not use"

priority: Final = -400  # Priority.ENTROPY
required: Final = False
provides: Final = ("ssl", "cryptography")

_BYTES: Final = 48
_RUST: Final = "cryptography.hazmat.bindings._rust"

_cryptography: Final = Library(VERSIONS)
_copies: Final[list[Callable[[bytes], object]]] = []


class _Foreign(Protocol):
    def RAND_add(self, some: bytes, length: int, entropy: float, /) -> object: ...  # noqa: N802 - OpenSSL's name


def before_snapshot() -> None:
    """Find every copy, and let each initialise its generators, which would load much memory after a restore."""
    _copies[:] = [*_loaded(), *_linked()]
    after_restore()


def after_restore() -> None:
    """Give each copy different random bytes."""
    for copy in _copies:
        copy(os.urandom(_BYTES))


def _loaded() -> Iterator[Callable[[bytes], object]]:
    """Find the copy of Python, and all libraries in memory that export the name of OpenSSL's function."""
    ssl = sys.modules.get("ssl")
    if ssl is not None:
        yield partial(_add_to_ssl, cast("_SSL", ssl))
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:  # noqa: PTH123 - of few imports
            paths = dict.fromkeys(line.split(None, 5)[5].rstrip("\n") for line in maps if ".so" in line)
    except OSError:
        return  # there is no /proc
    import ctypes

    known: set[int | None] = set()
    for path in paths:
        try:
            add = ctypes.CDLL(path, mode=os.RTLD_NOW | os.RTLD_NOLOAD).RAND_add
        except (OSError, AttributeError):  # it was replaced on disk, or has nothing to do with OpenSSL
            continue
        address = ctypes.cast(add, ctypes.c_void_p).value
        if address not in known:
            known.add(address)
            add.argtypes, add.restype = (ctypes.c_char_p, ctypes.c_int, ctypes.c_double), None
            yield partial(_add, cast("Callable[[bytes, int, float], object]", add))


def _linked() -> Iterator[Callable[[bytes], object]]:
    """Find the copy inside of cryptography, which hides its names."""
    rust = sys.modules.get(_RUST)
    if rust is not None:
        with _cryptography.attempt("clones make the same keys if it was used before the snapshot"):
            foreign: _Foreign = rust._openssl.lib
            yield partial(_add, foreign.RAND_add)


class _SSL(Protocol):
    def RAND_add(self, some: bytes, entropy: float, /) -> object: ...  # noqa: N802 - OpenSSL's name


def _add_to_ssl(ssl: _SSL, some: bytes) -> None:
    ssl.RAND_add(some, float(_BYTES))


def _add(add: Callable[[bytes, int, float], object], some: bytes) -> None:
    add(some, len(some), float(len(some)))
