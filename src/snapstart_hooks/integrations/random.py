"""Seeds the generators of `random` anew after a restore, and names temporary files anew; a deliberate seed is kept.

At risk: every ``random.Random`` draws the same numbers in all clones, also the one of ``random.random()``, from which
jitter, sampling and the identifiers of many libraries come; and `tempfile` uses the same names.

All generators that exist at the snapshot are seeded by the system after a restore, in place, so that references to
their methods draw new numbers, too.  A generator that was seeded on purpose, as by ``random.seed(42)``, keeps its
state, and the log says so.
"""

from __future__ import annotations

import logging
import random
import sys
from _random import Random as _Twister
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar, cast

from snapstart_hooks import default_registry

from ._live import Live
from ._mersenne import seeds
from ._probe import Library

if TYPE_CHECKING:
    from snapstart_hooks import Registry

__all__ = ("after_restore", "before_snapshot", "reseed_on_restore")

VERSIONS: Final = "python>=3.11"
COST: Final = "8 µs after a restore for each generator"
NEEDLESS: Final = "no Python yet: Python does so after a fork only"

priority: Final = -400  # Priority.ENTROPY
required: Final = False
provides: Final = ("tempfile",)

_logger: Final = logging.getLogger("snapstart_hooks")
_python: Final = Library(VERSIONS)
_live: Final = Live[random.Random]("random:Random")
_generators: Final[list[random.Random]] = []


def before_snapshot() -> None:
    """Find the generators now, so that no restore has to wait for it."""
    found = [each for each in _live.now() if not issubclass(type(each), random.SystemRandom)]
    # Of the class in C: that in Python asks attributes, which those lack that do not call its `__init__`.
    known = seeds([_Twister.getstate(generator)[:-1] for generator in found])
    _generators[:] = [generator for generator, seed in zip(found, known, strict=True) if seed is None]
    kept: dict[str, int] = {}
    for seed in filter(None, known):
        kept[seed] = kept.get(seed, 0) + 1
    for seed, count in kept.items():
        keeping = "a generator of random keeps" if count == 1 else f"{count} generators of random keep"
        _logger.info("%s the deliberate seed %s: it draws the same numbers in all clones.", keeping, seed)


def after_restore() -> None:
    """Let the system seed each generator."""
    for generator in _generators:
        try:
            random.Random.seed(generator)
        except Exception:  # noqa: BLE001 - it may refuse the attribute that this sets behind the state
            _Twister.seed(generator)
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None and _python.has(tempfile, "_name_sequence", lost="clones give temporary files equal names"):
        vars(tempfile)["_name_sequence"] = None  # made anew when it is needed


class Seedable(Protocol):
    """A ``random.Random``, ``numpy.random.RandomState`` or ``torch.Generator``."""

    def seed(self) -> object:
        """Take a seed from the system."""


class BitGenerated(Protocol):
    """A ``numpy.random.Generator``."""

    @property
    def bit_generator(self) -> object:
        """The source of the generator's bits."""


Generator: TypeAlias = "Seedable | BitGenerated"
G = TypeVar("G", bound=Generator)


def reseed_on_restore(generator: G, *, name: str | None = None, registry: Registry | None = None) -> G:
    """Let the system seed a generator after each restore, also one that was seeded on purpose.

    Args:
        generator: A generator of `random`, numpy or torch, or one with a ``seed()`` that needs no argument.
        name: The name of the hook.  Default: that of the generator's class.
        registry: The registry for the hook; ``None`` for the default registry.

    Returns:
        The same generator.

    Raises:
        TypeError: `generator` is something else.
    """
    given: object = generator
    if isinstance(given, type) or not any(hasattr(given, name) for name in ("seed", "seed_seq", "bit_generator")):
        msg = f"reseed_on_restore: {generator!r} is no generator of random numbers. Give one, with a seed()."
        raise TypeError(msg)
    hooks = default_registry if registry is None else registry
    hook_name = type(generator).__qualname__ if name is None else name
    hooks.after_restore(name=hook_name, priority=priority).call(_seed, generator)
    return generator


def _seed(generator: Generator) -> None:
    holds_one = hasattr(generator, "bit_generator")
    if holds_one or any(cls.__module__.partition(".")[0] == "numpy" for cls in type(generator).__mro__):
        from . import numpy

        numpy.renew(generator)
    else:
        cast("Seedable", generator).seed()
