"""Seeds the generators of numpy anew after a restore, the global one and all others; a deliberate seed is kept.

At risk: ``np.random.random()``, every ``Generator`` and every ``RandomState`` draw the same numbers in all clones, and
``spawn`` makes the same children.

Each bit generator gets a new state, and a new sequence of seeds for ``spawn``, in place.  ``default_rng(42)`` and
``np.random.seed(42)`` stay as they are: a seed of up to 64 bits, or of several numbers, was given on purpose.  A seed
of 128 bits looks like one of the system's.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol, cast

from ._live import Live
from ._mersenne import seeds
from ._probe import Library

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("after_restore", "before_snapshot", "renew")

VERSIONS: Final = "numpy>=2,<3"
COST: Final = "10 µs for each generator after a restore"
NEEDLESS: Final = "no numpy yet; a release with a hook that reseeds its generators would"

priority: Final = -400  # Priority.ENTROPY
required: Final = False

_CHOSEN: Final = 64
"""The largest number of bits of a deliberate seed."""


class _Bits(Protocol):
    """A ``BitGenerator``; only the protocol of `pickle` replaces all of its state."""

    @property
    def seed_seq(self) -> object: ...
    @property
    def state(self) -> object: ...


class _Holder(Protocol):
    """A ``Generator``, or a ``RandomState``, which has its bit generator under a private name."""

    bit_generator: _Bits
    _bit_generator: _Bits


_logger: Final = logging.getLogger("snapstart_hooks")
_numpy: Final = Library(VERSIONS)
_live: Final = Live[_Holder]("numpy.random._generator:Generator", "numpy.random.mtrand:RandomState")
_bits: Final[list[_Bits]] = []
_halves: Final[list[_Legacy]] = []


def before_snapshot() -> None:
    """Find the bit generators now, so that no restore has to wait for it."""
    _bits.clear()
    _halves.clear()
    seen = set[int]()
    for holder in _live.now():
        with _numpy.attempt("a generator draws the same numbers in all clones"):
            bits = bits_of(holder)
            deliberate = _deliberate(bits)
            if not deliberate and (legacy := _with_half(holder)):
                _halves.append(legacy)
            if id(bits) in seen:
                continue
            seen.add(id(bits))
            if deliberate:
                message = "a generator of numpy keeps its deliberate seed: it draws the same numbers in all clones."
                _logger.info(message)
            else:
                _bits.append(bits)


def after_restore() -> None:
    """Let the system seed each bit generator."""
    for bits in _bits:
        with _numpy.attempt("a generator draws the same numbers in all clones"):
            seed(bits)
    for legacy in _halves:
        with _numpy.attempt("a generator draws one normal number that is the same in all clones"):
            _forget_half(legacy)


def renew(generator: object) -> None:
    """Let the system seed a ``Generator``, a ``RandomState`` or a bit generator, in place."""
    seed(generator if hasattr(generator, "seed_seq") else bits_of(generator))
    if legacy := _with_half(generator):
        _forget_half(legacy)


def bits_of(holder: object) -> _Bits:
    """Return the bit generator of a ``Generator`` or ``RandomState``."""
    of = cast("_Holder", holder)
    return of.bit_generator if hasattr(holder, "bit_generator") else of._bit_generator


def seed(bits: object) -> None:
    """Let the system seed a bit generator and what it spawns, in place."""
    numpys = next(cls for cls in type(bits).__mro__ if cls.__module__.startswith("numpy."))
    fresh = cast("_Bits", numpys())
    state = {**cast("dict[str, object]", fresh.state), "bit_generator": type(bits).__name__}
    cast("_Pickled", bits).__setstate__((state, fresh.seed_seq))


class _Legacy(Protocol):
    """A ``RandomState``, which draws normal numbers in pairs and keeps the second."""

    def get_state(self, *, legacy: bool) -> dict[str, object]: ...
    def set_state(self, state: dict[str, object]) -> None: ...


def _with_half(holder: object) -> _Legacy | None:
    """Return a ``RandomState`` that keeps the second of two normal numbers; ``None`` for all others."""
    if not hasattr(holder, "set_state"):
        return None
    legacy = cast("_Legacy", holder)
    return legacy if legacy.get_state(legacy=False).get("has_gauss") else None


def _forget_half(legacy: _Legacy) -> None:
    legacy.set_state({**legacy.get_state(legacy=False), "has_gauss": 0, "gauss": 0.0})


class _Pickled(Protocol):
    def __setstate__(self, state: tuple[object, object]) -> None: ...


def _deliberate(bits: _Bits) -> bool:
    sequence = bits.seed_seq
    if sequence is not None:
        entropy: object = getattr(sequence, "entropy", None)
        return not isinstance(entropy, int) or entropy.bit_length() <= _CHOSEN
    # Seeded by `np.random.seed` and `RandomState(...)`, with a number, an array or nothing.
    state = cast("dict[str, dict[str, Iterable[int]]]", bits.state)
    return seeds([[int(word) for word in state["state"]["key"]]]) != [None]
