"""One hook for each of several live objects: pools, clients, channels.

A provider gives them when a phase begins.  They are held weakly: a hook keeps no object alive.
"""

from __future__ import annotations

import weakref
from itertools import islice
from typing import TYPE_CHECKING, Final, cast

from ._foreign import attribute, error_text, is_a, kind, printable, tried
from .errors import HookSignatureError, PhaseError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterable

    from ._hook import Hook

__all__ = ("Each", "Instance", "Objects")

_MANY: Final = 10_000
"""Objects of one provider: more are no pools any more, or have no end."""


class Instance:
    """One live object.

    Attributes:
        label: What it is called in the names of its hooks: its own name, or a number.
    """

    __slots__ = ("_loop", "_reference", "label")

    def __init__(self, thing: object, label: str, loop: Callable[[object], object] | None) -> None:
        """Hold `thing` weakly.

        Raises:
            TypeError: Nothing can refer to it weakly.
        """
        self._reference: Final = weakref.ref(thing)
        self._loop: Final = loop
        self.label: Final = label

    def thing(self) -> object | None:
        """The object; ``None`` if it lives no more."""
        return self._reference()

    def give(self, func: Callable[[object], object]) -> object:
        """Call `func` with the object, if it still lives."""
        thing = self._reference()
        return None if thing is None else func(thing)

    def belongs(self) -> object:
        """What `loop` gives for the object now, or the error that it raises, for `on`.

        To be asked before the hook is called, which may change what the answer depends on.
        """
        thing, ask = self._reference(), self._loop
        if ask is None or thing is None:
            return None
        loop, error = tried(lambda: ask(thing))
        return loop if error is None else error

    def on(self, given: object) -> AbstractEventLoop | None:
        """The event loop on which its coroutines have to run, which stands still; ``None`` if any will do.

        Args:
            given: What `belongs` gave.

        Raises:
            PhaseError: That loop is closed, or it runs.
            BaseException: What `loop` raised.
        """
        if given is None:
            return None
        if is_a(given, BaseException):
            raise given
        import asyncio

        if not issubclass(type(given), asyncio.AbstractEventLoop):
            msg = (
                f"`loop` gave an object of type {kind(given)} for {self.label}. It has to give its event loop, or None."
            )
            raise PhaseError(msg)
        loop = cast("AbstractEventLoop", given)
        if loop.is_closed():
            msg = (
                f"the event loop that {self.label!r} belongs to is closed. Close it on its loop before that ends, "
                "or make it on the loop that stays: with `asyncio.run`, inside of the handler."
            )
            raise PhaseError(msg)
        if loop.is_running():
            msg = (
                f"the event loop that {self.label!r} belongs to is running, so its hook cannot be awaited there. "
                "Stop that loop before the snapshot, or close the object on it yourself."
            )
            raise PhaseError(msg)
        return loop


class Objects:
    """The live objects of one provider, each with its label for as long as it lives."""

    __slots__ = ("__weakref__", "_instances", "_known", "_loop", "_number", "_where")

    def __init__(
        self, instances: Callable[[], Iterable[object]], loop: Callable[[object], object] | None, where: str
    ) -> None:
        self._instances: Final = instances
        self._loop: Final = loop
        self._where: Final = where
        self._known: dict[int, Instance] = {}
        self._number = 0

    def living(self) -> list[Instance]:
        """Those that live now, in the order in which they are given; the same one for the same object.

        Raises:
            HookSignatureError: They cannot be had, or not be held weakly.
        """
        found: dict[int, Instance] = {}
        labels = {one.label for one in self._known.values() if one.thing() is not None}

        def look() -> None:
            for thing in islice(self._instances(), _MANY):
                one = self._known.get(id(thing))
                if one is None or one.thing() is not thing:
                    one = Instance(thing, self._label(thing, labels), self._loop)
                    labels.add(one.label)
                found[id(thing)] = one

        _, error = tried(look)
        if error is not None:
            advice = "It has to give objects that can be held weakly: with `__weakref__`, if they have `__slots__`"
            msg = f"`instances` ({self._where}) raised {error_text(error)}. {advice}."
            raise HookSignatureError(msg) from error
        self._known = found
        return list(found.values())

    def any(self) -> Instance:
        """One that stands for those to come, so that what cannot be their hook is refused at once."""
        return Instance(self, "...", None)

    def _label(self, thing: object, taken: set[str]) -> str:
        name = attribute(thing, "name")
        if is_a(name, str) and str.strip(name):
            label = printable(str.__str__(name))
            if label not in taken:
                return label
        self._number += 1
        return str(self._number)


class Each:
    """A hook that becomes one for each live object."""

    __slots__ = ("_hooks", "_make", "_objects")

    def __init__(self, objects: Objects, make: Callable[[Instance], Hook]) -> None:
        """Make hooks of `objects` with `make`.

        Raises:
            HookSignatureError: What `make` makes hooks of cannot be called with one object.
            HookOptionError: Its options are wrong.
        """
        make(objects.any())
        self._objects: Final = objects
        self._make: Final = make
        self._hooks: dict[Instance, Hook] = {}

    def hooks(self) -> list[Hook]:
        """Those for the objects that live now; the same one for the same object.

        Raises:
            HookSignatureError: The objects cannot be had, or not be held weakly.
        """
        self._hooks = {one: self._hooks.get(one) or self._make(one) for one in self._objects.living()}
        return list(self._hooks.values())
