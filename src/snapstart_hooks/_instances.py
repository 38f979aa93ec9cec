"""One hook for each of several live objects: pools, clients, channels.

A provider gives them when a phase begins.  They are held weakly: a hook keeps no object alive.
"""

from __future__ import annotations

import weakref
from itertools import islice
from typing import TYPE_CHECKING, Final, cast

from ._foreign import attribute, error_text, is_a, kind, printable, tried
from ._hook import refusal
from .errors import HookSignatureError, PhaseError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterable, Sequence

    from ._hook import Hook, ProviderInfo

_MANY: Final = 10_000
"""Objects of one provider: more are no pools any more, or have no end."""


class Instance:
    """One live object, weakly referenced."""

    def __init__(self, thing: object, label: str, loop: Callable[[object], object] | None = None) -> None:
        """Raise `TypeError` if `thing` cannot be weakly referenced."""
        self.thing: Final[Callable[[], object]] = weakref.ref(thing)
        self.label: Final = label  # in the names of its hooks: its own name, or a number
        self._loop: Final = loop

    def give(self, func: Callable[[object], object]) -> object:
        """Call `func` with the object, if it still lives."""
        thing = self.thing()
        return None if thing is None else func(thing)

    def where(self) -> tuple[AbstractEventLoop | None, BaseException | None]:
        """The loop on which its coroutines must run, ``None`` for any; or why there is none.

        It is to be asked before the hook is called, which may change the object.
        """
        return tried(self._own_loop)

    def _own_loop(self) -> AbstractEventLoop | None:
        given = None if self._loop is None else self.give(self._loop)
        if given is None:
            return None
        import asyncio

        loop = cast("AbstractEventLoop", given)
        if not issubclass(type(given), asyncio.AbstractEventLoop):
            fault = f"not an event loop, but an object of type {kind(given)}. `loop` has to return a loop, or None."
        elif loop.is_closed():
            fault = "closed. Close the object before its loop ends, or make it on the loop that stays: in the handler."
        elif loop.is_running():
            fault = "running, so its hook cannot be awaited there. Stop that loop before the snapshot."
        else:
            return loop
        msg = f"the event loop that {self.label!r} belongs to is {fault}"
        raise PhaseError(msg)


class Each:
    """What becomes a hook for each live object; or several, for both phases."""

    def __init__(
        self,
        instances: Callable[[], Iterable[object]],
        loop: Callable[[object], object] | None,
        makers: Sequence[Callable[[Instance], Hook]],
        *,
        where: str,
        provider: ProviderInfo | None = None,
    ) -> None:
        """Make hooks with `makers` of what `instances` gives; `loop` says where each of that belongs.

        Raises:
            HookSignatureError: What is to be called cannot be called with one object.
            HookOptionError: An option is wrong.
        """
        for make in makers:
            make(Instance(self, "..."))
        self._instances: Final = instances
        self._loop: Final = loop
        self._makers: Final = makers
        self._where: Final = where
        self._provider: Final = provider
        self._known: dict[int, tuple[Instance, list[Hook]]] = {}
        self._number = 0

    def hooks(self) -> list[Hook]:
        """Those for the objects that live now, in the order in which they are given; the same for the same object.

        Raises:
            ProviderError: The objects of a provider cannot be had, or not be held weakly.
            HookSignatureError: As much of those of the application.
        """
        found: dict[int, tuple[Instance, list[Hook]]] = {}
        labels = {one.label for one, _ in self._known.values() if one.thing() is not None}

        def look() -> None:
            for thing in islice(self._instances(), _MANY):
                known = self._known.get(id(thing))
                if known is None or known[0].thing() is not thing:
                    one = Instance(thing, self._label(thing, labels), self._loop)
                    labels.add(one.label)
                    known = one, [make(one) for make in self._makers]
                found[id(thing)] = known

        _, error = tried(look)
        if error is not None:
            fault = f"`instances` ({self._where}) raised {error_text(error)}"
            if is_a(error, TypeError):
                fault += ". Give objects that can be held weakly: with `__weakref__`, if they have `__slots__`."
            raise (refusal(self._provider, fault) if self._provider else HookSignatureError(fault)) from error
        self._known = found
        return [hook for _, hooks in found.values() for hook in hooks]

    def _label(self, thing: object, taken: set[str]) -> str:
        name = attribute(thing, "name")
        if is_a(name, str) and str.strip(name):
            label = printable(str.__str__(name))
            if label not in taken:
                return label
        self._number += 1
        return str(self._number)
