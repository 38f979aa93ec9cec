"""Finds the live objects of libraries that keep no list of them: one look at the garbage collector's for all."""

from __future__ import annotations

import gc
import sys
import weakref
from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar, Final, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

__all__ = ("Live",)

T = TypeVar("T")


class Live(Generic[T]):
    """The live objects of some classes and of those derived from them: what an integration's ``instances`` can be.

    ``Live[_Pool]("redis.connection:ConnectionPool")`` at the top of a module asks for those of a class by its name,
    as what type checkers shall take them for, perhaps a protocol; a call gives them, the oldest first as far as
    the collector knows.  Nothing is imported: a module that nobody has imported has no objects.

    One look serves all: it is shared by those who have not had what it found yet, and the next one is taken
    for whoever asks a second time.  Objects that `gc.freeze` has put away are not seen.
    """

    _all: ClassVar[list[Live[object]]] = []
    """Everybody who may ask."""

    _found: ClassVar[dict[Live[object], list[Callable[[], object]]]] = {}
    """What the latest look found for those who have not asked since, held weakly where that can be."""

    _late: ClassVar[bool] = False
    """Whether that was taken for a hook."""

    def __init__(self, *names: str) -> None:
        """Ask for the objects of the classes with these names, each ``module:Class``."""
        self._names: Final = names
        Live._all.append(cast("Live[object]", self))
        Live._found.clear()

    def __call__(self) -> list[T]:
        """They, as they are now or were found for another one just before.

        Returns:
            Strong references.
        """
        me = cast("Live[object]", self)
        if me not in Live._found:
            Live._look()
        found = (refer() for refer in Live._found.pop(me))
        return cast("list[T]", [thing for thing in found if thing is not None])

    def now(self) -> list[T]:
        """They, as they are now: for a hook that is not for each of them, as others may have made some meanwhile.

        This look is shared, too: by those that ask in hooks, one soon after the other.
        """
        if not Live._late:
            Live._found.clear()
        found = self()
        Live._late = True
        return found

    def classes(self) -> list[type]:
        """Those asked for, as far as they are imported, and those derived from them."""
        found: dict[int, type] = {}
        for name in self._names:
            module, _, path = name.partition(":")
            try:
                named: object = attrgetter(path)(sys.modules[module])
            except (KeyError, AttributeError):  # it is not imported, or other versions have it
                continue
            if issubclass(type(named), type):
                found.update((id(cls), cls) for cls in _with_derived(cast("type", named)))
        return list(found.values())

    @staticmethod
    def _look() -> None:
        found: dict[Live[object], list[Callable[[], object]]] = {live: [] for live in Live._all}
        Live._found, Live._late = found, False
        askers: dict[int, list[Live[object]]] = {}
        wanted: dict[int, type] = {}
        for live in Live._all:
            for cls in live.classes():
                wanted[id(cls)] = cls
                askers.setdefault(id(cls), []).append(live)
        for thing in _of(wanted.values()) if wanted else ():
            refer = _reference(thing)
            for live in askers[id(type(thing))]:
                found[live].append(refer)


def _reference(thing: object) -> Callable[[], object]:
    try:
        return weakref.ref(thing)
    except TypeError:  # many classes that are written in C
        return lambda: thing


def _with_derived(cls: type) -> Iterator[type]:
    """Ask neither the class nor its metaclass, which may be anybody's."""
    yield cls
    subclasses: list[type] = type.__subclasses__(cls)
    for derived in subclasses:
        yield from _with_derived(derived)


def _of(wanted: Collection[type]) -> list[object]:
    """Every object that the collector knows and whose class is one of these."""
    try:
        classes = frozenset(wanted)
        return [thing for thing in _known() if type(thing) in classes]
    except Exception:  # noqa: BLE001 - a metaclass may refuse to be hashed; slower, it is not asked
        numbers = {id(cls) for cls in wanted}
        return [thing for thing in _known() if id(type(thing)) in numbers]


def _known() -> list[object]:
    """All objects of the collector, as a list that nobody keeps: it would be one of the next."""
    things: list[object] = gc.get_objects()
    return things
