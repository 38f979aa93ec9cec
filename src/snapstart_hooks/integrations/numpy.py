"""Seeds the generators of numpy anew after a restore, the global one and all others; a deliberate seed is kept.

At risk: ``np.random.random()``, every ``Generator`` and every ``RandomState`` draw the same numbers in all clones, and
``spawn`` makes the same children of them.

What makes their bits gets a new state, and a new sequence of seeds for ``spawn``, in place.  ``default_rng(42)`` and
``np.random.seed(42)`` are left as they are: a seed of up to 64 bits, or of several numbers, was given on purpose.  One
of 128 bits cannot be told from the system's.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol, cast

from ._live import Live
from ._mersenne import seeds
from ._probe import Library

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("after_restore", "before_snapshot", "seed")

VERSIONS: Final = "numpy>=2,<3"
COST: Final = "10 µs for each generator after a restore"
NEEDLESS: Final = "no numpy yet: one would that seeds its generators anew in a hook of its own"

priority: Final = -400  # Priority.ENTROPY
required: Final = False

_CHOSEN: Final = 64
"""Bits of the largest number that somebody chose."""


class _Bits(Protocol):
    """A ``BitGenerator``; the protocol of `pickle` is the one that replaces all of it."""

    @property
    def seed_seq(self) -> object: ...
    @property
    def state(self) -> object: ...


class _Holder(Protocol):
    """A ``Generator``, or a ``RandomState`` that has it under a private name."""

    bit_generator: _Bits
    _bit_generator: _Bits


_logger: Final = logging.getLogger("snapstart_hooks")
_numpy: Final = Library(VERSIONS)
_live: Final = Live[_Holder]("numpy.random._generator:Generator", "numpy.random.mtrand:RandomState")
_bits: Final[list[_Bits]] = []


def before_snapshot() -> None:
    """Find what makes the bits: after a restore a customer waits."""
    _bits.clear()
    for holder in _live.now():
        with _numpy.attempt("a generator draws the same numbers in all clones"):
            bits = holder.bit_generator if hasattr(holder, "bit_generator") else holder._bit_generator
            if any(bits is known for known in _bits):
                continue
            if _deliberate(bits):
                told = "a generator of numpy keeps its deliberate seed: it draws the same numbers in all clones."
                _logger.info(told)
            else:
                _bits.append(bits)


def after_restore() -> None:
    """Have each seeded by the system."""
    for bits in _bits:
        with _numpy.attempt("a generator draws the same numbers in all clones"):
            seed(bits)


def seed(bits: object) -> None:
    """Have what makes a generator's bits seeded by the system, in place, and what it spawns."""
    fresh = cast("_Bits", type(bits)())
    cast("_Pickled", bits).__setstate__((fresh.state, fresh.seed_seq))


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
