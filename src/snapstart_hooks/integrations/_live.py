"""Finds the live objects of libraries that keep no list of them, by one search of the garbage collector's objects."""

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
    """Finds the live objects of some classes and their subclasses; an integration's ``instances`` can be one.

    ``Live[_Pool]("redis.connection:ConnectionPool")`` at the top of a module names a class, and the type that the
    objects have for type checkers, such as a protocol.  A call returns the objects, the oldest first as far as
    the collector knows.  Nothing is imported: a module that is not imported has no objects.

    One search serves all `Live` objects: each may take its result once, and asking again starts the next search.
    Objects that `gc.freeze` hides are not found.
    """

    _all: ClassVar[list[Live[object]]] = []
    """All that exist: one search is for all of them."""

    _found: ClassVar[dict[Live[object], list[Callable[[], object]]]] = {}
    """The results of the latest search that are not taken yet, as weak references where possible."""

    _late: ClassVar[bool] = False
    """Whether the latest search was made by `now`."""

    def __init__(self, *names: str) -> None:
        """Name the classes, each as ``module:Class``."""
        self._names: Final = names
        Live._all.append(cast("Live[object]", self))
        Live._found.clear()

    def __call__(self) -> list[T]:
        """Return the objects, from the latest search if its result is not taken yet."""
        me = cast("Live[object]", self)
        if me not in Live._found:
            Live._look()
        found = (refer() for refer in Live._found.pop(me))
        return cast("list[T]", [thing for thing in found if thing is not None])

    def now(self) -> list[T]:
        """Return the objects of now, in a hook: other hooks may have made some since the latest search.

        The hooks of a phase that ask one after the other share the search.
        """
        if not Live._late:
            Live._found.clear()
        found = self()
        Live._late = True
        return found

    @staticmethod
    def forget() -> None:
        """Drop the results that nobody has taken: the next phase needs new ones."""
        Live._found.clear()

    def classes(self) -> list[type]:
        """Return the classes that are imported, and their subclasses."""
        found: dict[int, type] = {}
        for name in self._names:
            module, _, path = name.partition(":")
            try:
                named: object = attrgetter(path)(sys.modules[module])
            except Exception:  # noqa: BLE001, S112 - not imported, or of another version; or its `__getattr__` raises
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
    """Yield a class and its subclasses, without calling a foreign metaclass."""
    yield cls
    subclasses: list[type] = type.__subclasses__(cls)
    for derived in subclasses:
        yield from _with_derived(derived)


def _of(wanted: Collection[type]) -> list[object]:
    """Return every object of the garbage collector whose class is one of these."""
    try:
        classes = frozenset(wanted)
        return [thing for thing in _known() if type(thing) in classes]
    except Exception:  # noqa: BLE001 - a metaclass may refuse to be hashed; slower, it is not asked
        numbers = {id(cls) for cls in wanted}
        return [thing for thing in _known() if id(type(thing)) in numbers]


def _known() -> list[object]:
    """Return all objects of the garbage collector; keep no reference to the list, or it would be among the next."""
    things: list[object] = gc.get_objects()
    return things
