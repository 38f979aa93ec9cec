"""`RestoreScoped`: what all doors have in common.

How a value is asked for, who asks for it, what goes wrong, and how its hooks are registered.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar, cast

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

from .. import default_registry
from ..errors import HookOptionError, ResourceError
from ._builds import Built, Keeper, graph, in_work, keepers, registered, user, way

if TYPE_CHECKING:
    from collections.abc import Callable

    from .. import Registry
    from ._factory import Factory

__all__ = ("Options", "RestoreScoped")

T = TypeVar("T")


class Options(NamedTuple):
    """Those of a resource; see `resource`."""

    name: str | None
    eager: bool
    concurrent: bool
    priority: int
    timeout: float | None
    required: bool
    registry: Registry | None


class RestoreScoped(ABC, Generic[T]):
    """What stands for a value that is made anew after each restore.

    Attributes:
        name: How errors, reports and plans call it.
        location: ``file:line`` of what makes the value; empty if that has no code of its own.
    """

    __module__: str
    __name__: str

    def __init__(self, factory: Factory, options: Options) -> None:
        self.name: Final = factory.name if options.name is None else options.name
        self.location: Final = factory.location
        self.__module__, self.__qualname__, self.__doc__ = factory.module, factory.qualname, factory.doc
        self.__name__ = factory.qualname.rpartition(".")[2]
        self._registry: Final = default_registry if options.registry is None else options.registry
        self._keeper: Final = Keeper.of(self._registry)
        self._kept: ResourceError | None = None
        self.built: Built | None = None
        self.pending: Built | None = None
        self._register: Final = self._hooks(factory, options)
        self._attach()

    def current(self, obj: object) -> bool:
        """Whether `obj` is the value as it is now: not one that was taken out before a restore."""
        return self.built is not None and self.built.value is obj

    @property
    def is_open(self) -> bool:
        """Whether there is a value now."""
        return self.built is not None

    # Its hooks.

    @abstractmethod
    def _closing(self) -> Callable[[], object] | None:
        """What its hook of before_snapshot does; ``None`` if there is nothing to close."""

    @abstractmethod
    def _building(self) -> Callable[[], object]:
        """What its hook of after_restore does, if it is eager."""

    def _hooks(self, factory: Factory, options: Options) -> Callable[[], None]:
        """What registers the hooks: now, and again where a test has emptied the registry."""
        if options.concurrent and not options.eager:
            msg = f"{self}: concurrent=True needs eager=True: what is not built during after_restore overlaps nothing."
            raise HookOptionError(msg)
        registry, name = self._registry, self.name
        _, _, concurrent, priority, timeout, required, _ = options
        closing, building = self._closing(), self._building() if options.eager else None
        before = closing and factory.standing_for(closing)
        after = building and factory.standing_for(building)

        def register() -> None:
            if before is not None and not registered(registry, before):
                registry.before_snapshot(name=name, priority=priority, timeout=timeout, required=required)(before)
            if after is not None and not registered(registry, after):
                registry.after_restore(
                    name=name, priority=priority, timeout=timeout, required=required, concurrent=concurrent
                )(after)

        return register

    def _attach(self) -> None:
        self._register()
        self._keeper.attach(self._registry)

    # Asking for it.

    def _noted(self) -> Built | None:
        """Who asks, if that is being built; it must not be needed for what it asks for.

        Raises:
            ResourceError: It is.
        """
        asking = user.get()
        if asking is None or not asking.building:
            return None
        me = cast("RestoreScoped[object]", self)
        with graph:
            asking.needs.add(me)
            circle = way(me, asking.owner)
        if circle:
            names = " uses ".join(each.name for each in (asking.owner, *circle))
            msg = f"resources use each other in a circle: {names}"
            raise ResourceError(msg)
        return asking

    def _begin(self) -> Built:
        """Note that it is being built."""
        self._attach()
        built = Built(cast("RestoreScoped[object]", self))
        with graph:
            self.pending = built
            in_work.add(built)
            for keeper in tuple(keepers.values()):
                for each in keeper.open:
                    each.owner.hide()
        return built

    def hide(self) -> None:
        """Have the next use take the long way."""

    def _opened(self, built: Built, value: T) -> None:
        with graph:
            built.value = value
            self._finished(built)
            self.built = built
            self._keeper.opened(built)

    def _finished(self, built: Built, error: BaseException | None = None) -> None:
        with graph:
            built.building = False
            built.failed = error
            built.needs.clear()
            if error is not None:
                built.forget()
            in_work.discard(built)
            if self.pending is built:
                self.pending = None

    def give(self, built: Built | None) -> None:
        """Give out the value of `built` from now on; of nothing, until the next is built."""
        with graph:
            self.built = built
            self.hide()

    def withdraw(self, built: Built) -> None:
        """Give it out no more: it is about to be closed, or has been."""
        with graph:
            if self.built is built:
                self.give(None)
            self._keeper.closed(built)

    @abstractmethod
    def close_one(self, built: Built) -> Exception | None:
        """Close it, and not what was built with it; give what went wrong."""

    async def close_here(self, built: Built) -> Exception | None:
        """The same inside an event loop."""
        return self.close_one(built)

    # What goes wrong.

    def _told(self, error: BaseException, doing: str) -> None:
        """Say in `error` which resource it is about."""
        error.add_note(f"while the resource {self} was {doing}")

    def keep(self, error: BaseException, doing: str) -> None:
        """Raise it again at the next use: where it was raised nobody may have seen it."""
        self._kept = ResourceError(f"the resource {self} could not be {doing}: {type(error).__name__}: {error}")
        self._kept.__cause__ = error

    def _raise_kept(self) -> None:
        with graph:
            kept, self._kept = self._kept, None
        if kept is not None:
            raise kept

    @override
    def __str__(self) -> str:
        return f"{self.name} ({self.location})" if self.location else self.name

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}{', open' if self.is_open else ''}>"

    @override
    def __reduce__(self) -> str:
        return self.__qualname__  # of a global, as for functions: a copy is the same door

    if not TYPE_CHECKING:  # a checker that saw this would accept every name

        def __getattr__(self, name: str) -> object:
            if name == "__signature__":  # or `inspect` would look at what a call goes through
                from inspect import Signature

                return Signature()
            msg = f"{type(self).__name__!r} object has no attribute {name!r}: a call gives the value"
            raise AttributeError(msg)
