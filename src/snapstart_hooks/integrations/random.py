"""Seeds the generators of `random` anew after a restore, and names temporary files anew; a deliberate seed is kept.

At risk: every ``random.Random`` draws the same numbers in all clones, among them the one behind ``random.random()``,
of which jitter, sampling and the identifiers of many libraries are made; and `tempfile` gives the same names.

All that live at the snapshot are seeded by the system after a restore, in place, so that bound methods which somebody
keeps draw differently, too.  One that was seeded on purpose, as ``random.seed(42)`` does, keeps its state, and the log
says so: see `_mersenne.seeds` for what can be known of that.
"""

from __future__ import annotations

import logging
import random
import sys
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar, cast

from snapstart_hooks import default_registry

from ._live import Live
from ._mersenne import seeds
from ._probe import Library

if TYPE_CHECKING:
    from snapstart_hooks import Registry

__all__ = ("after_restore", "before_snapshot", "reseed_on_restore")

VERSIONS: Final = "python>=3.11"
COST: Final = "8 µs after a restore, and as much for each further generator"
NEEDLESS: Final = "no Python yet: it does so after a fork alone"

priority: Final = -400  # Priority.ENTROPY
required: Final = False
provides: Final = ("tempfile",)

_logger: Final = logging.getLogger("snapstart_hooks")
_python: Final = Library(VERSIONS)
_live: Final = Live[random.Random]("random:Random")
_generators: Final[list[random.Random]] = []


def before_snapshot() -> None:
    """Find the generators: after a restore a customer waits."""
    found = [each for each in _live.now() if not issubclass(type(each), random.SystemRandom)]
    known = seeds([random.Random.getstate(generator)[1][:-1] for generator in found])
    _generators[:] = [generator for generator, seed in zip(found, known, strict=True) if seed is None]
    kept: dict[str, int] = {}
    for seed in filter(None, known):
        kept[seed] = kept.get(seed, 0) + 1
    for seed, count in kept.items():
        told = "a generator of random keeps" if count == 1 else f"{count} generators of random keep"
        _logger.info("%s the deliberate seed %s: it draws the same numbers in all clones.", told, seed)


def after_restore() -> None:
    """Have each seeded by the system."""
    for generator in _generators:
        random.Random.seed(generator)
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None and _python.has(tempfile, "_name_sequence", lost="clones give temporary files equal names"):
        vars(tempfile)["_name_sequence"] = None  # made anew when it is needed


class Seedable(Protocol):
    """A ``random.Random``, ``numpy.random.RandomState`` or ``torch.Generator``."""

    def seed(self) -> object:
        """Be seeded by the system."""


class BitGenerated(Protocol):
    """A ``numpy.random.Generator``."""

    @property
    def bit_generator(self) -> object:
        """What makes its bits."""


Generator: TypeAlias = "Seedable | BitGenerated"
G = TypeVar("G", bound=Generator)


def reseed_on_restore(generator: G, *, name: str | None = None, registry: Registry | None = None) -> G:
    """Have a generator seeded by the system after each restore, also one that was seeded on purpose.

    Args:
        generator: Of `random`, numpy, torch, or any other with a ``seed()`` that needs no argument.
        name: Of the hook; by default that of the generator's class.
        registry: Where the hook goes; the default registry if ``None``.

    Returns:
        The same generator.
    """
    hooks = default_registry if registry is None else registry
    called = type(generator).__qualname__ if name is None else name
    hooks.after_restore(name=called, priority=priority).call(_seed, generator)
    return generator


def _seed(generator: Generator) -> None:
    bits: object = getattr(generator, "bit_generator", None)
    if bits is None:
        cast("Seedable", generator).seed()
    else:
        from . import numpy

        numpy.seed(bits)
