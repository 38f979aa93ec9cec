"""`RestoreScoped`: what resources and values of a restore have in common.

The registration of hooks, the record of who uses whom, and errors.
"""

from __future__ import annotations

import contextlib
import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar, cast

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

from .. import Registry, default_registry
from ..errors import HookOptionError, ResourceError
from ._builds import Built, OpenBuilds, graph, in_work, shown, user, way

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._factory import Factory

__all__ = ("Options", "RestoreScoped", "registry_of")

T = TypeVar("T")


def registry_of(owner: object, registry: Registry | None) -> Registry:
    """The one that is given, else the default one.

    Raises:
        HookOptionError: It is no registry.
    """
    given = cast("object", registry)
    if given is not None and not isinstance(given, Registry):
        msg = f"{owner}: registry={registry!r} is not possible. Give a Registry, or None for the default one."
        raise HookOptionError(msg)
    return default_registry if registry is None else registry


def _said(error: BaseException) -> str:
    name = type(error).__name__
    try:
        return f"{name}: {error}".removesuffix(": ")
    except Exception:  # noqa: BLE001 - whatever `__str__` does
        return f"{name}: its text cannot be had"


class Options(NamedTuple):
    """The options of a resource; see `resource`."""

    name: str | None
    eager: bool
    concurrent: bool
    priority: int
    timeout: float | None
    required: bool
    registry: Registry | None


class RestoreScoped(ABC, Generic[T]):
    """A value that is made again after each restore; `resource` makes one, and so does `PerRestore`.

    Attributes:
        name: The name in errors, reports and plans.
        location: ``file:line`` of the code that makes the value; empty if it is not written in Python.
        built: For this package alone: the build that is open, if there is one.
        pending: For this package alone: the build that has begun and not ended.
    """

    __module__: str
    __name__: str

    def __init__(self, factory: Factory, options: Options) -> None:
        self.name: Final = factory.name if options.name is None else options.name
        self.location: Final = factory.location
        self.__module__, self.__qualname__, self.__doc__ = factory.module, factory.qualname, factory.doc
        self.__name__ = factory.qualname.rpartition(".")[2]
        self._registry: Final = registry_of(self, options.registry)
        self._builds: Final = OpenBuilds.of(self._registry)
        self._builds.scoped.add(cast("RestoreScoped[object]", self))
        self._pending_error: ResourceError | None = None
        self.built: Built | None = None
        self.pending: Built | None = None
        self._register: Final = self._hooks(factory, options)
        self._attach()

    def current(self, obj: object) -> bool:
        """Return whether an object is the value of now, and not one from before a restore.

        Args:
            obj: The object.
        """
        return self.built is not None and self.built.value is obj

    @property
    def is_open(self) -> bool:
        """Whether there is a value now."""
        return self.built is not None

    # Its hooks.

    @abstractmethod
    def _closing(self) -> Callable[[], object] | None:
        """Return the before_snapshot hook; ``None`` if there is nothing to close."""

    @abstractmethod
    def _building(self) -> Callable[[], object]:
        """Return the after_restore hook of an eager value."""

    def _hooks(self, factory: Factory, options: Options) -> Callable[[], None]:
        """Return the function that registers the hooks: now, and again if a test has emptied the registry."""
        if options.concurrent and not options.eager:
            msg = f"{self}: concurrent=True needs eager=True: only eager values are opened during after_restore."
            raise HookOptionError(msg)
        eager: object = options.eager
        if type(eager) is not bool:
            msg = f"{self}: eager={eager!r} is not possible. Give True or False."
            raise HookOptionError(msg)
        registry, name = self._registry, self.name
        _, _, concurrent, priority, timeout, required, _ = options
        closing, building = self._closing(), self._building() if options.eager else None
        before = closing and factory.standing_for(closing)
        after = building and factory.standing_for(building)
        if before is None and after is None:  # nobody else looks at the options
            Registry().after_restore(name=name, priority=priority)(lambda: None)

        def register() -> None:
            if before is not None:
                registry.before_snapshot(name=name, priority=priority, timeout=timeout, required=required)(before)
            if after is not None:
                registry.after_restore(
                    name=name, priority=priority, timeout=timeout, required=required, concurrent=concurrent
                )(after)

        return register

    def _attach(self) -> None:
        self._builds.attach(self, self._register)
        self._builds.bracket(self._registry)

    # Use.

    def _record_user(self) -> Built | None:
        """Record the use by the build that runs here, and return that build, if there is one.

        Raises:
            ResourceError: The two values would use each other.
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
        """Record the beginning of a build."""
        self._attach()
        built = Built(cast("RestoreScoped[object]", self), self._builds.restores)
        with graph:
            self.pending = built
            in_work.add(built)
            for each in tuple(shown):
                each.hide()
        return built

    def may_show(self, built: Built) -> bool:
        """Return whether the next uses may give the value of `built` unasked, until `hide` is called.

        For this package alone.
        """
        may = not in_work and self.built is built and not built.given
        if may:
            shown.add(cast("RestoreScoped[object]", self))
        return may

    def hide(self) -> None:
        """Let the next use ask for the value, which records the use.

        For this package alone.
        """
        shown.discard(cast("RestoreScoped[object]", self))

    def forked(self) -> None:
        """Forget in the child of a fork what is being built: the thread that was building is not here."""
        self.pending = None

    def _outdated(self, built: Built) -> bool:
        """Whether it was overtaken while it was built: by a restore, or by the closing of what it uses."""
        with graph:
            return built.restores != self._builds.restores or any(each.closed for each in built.uses.values())

    def _overtaken(self) -> ResourceError:
        return ResourceError(f"the resource {self}: whenever it was built, what it uses had been closed meanwhile")

    def _opened(self, built: Built, value: T) -> None:
        with graph:
            built.value = value
            self._finished(built)
            self.built = built
            self._builds.opened(built)

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
        """Use the value of `built` from now on; ``None`` lets the next use build one.

        For this package alone.
        """
        with graph:
            self.built = built
            self.hide()

    def withdraw(self, built: Built) -> None:
        """Use the value of `built` no longer, because it is closed.

        For this package alone.
        """
        with graph:
            if self.built is built:
                self.give(None)
            self._builds.closed(built)

    @abstractmethod
    def close_one(self, built: Built) -> Exception | None:
        """Close a build without its users; return the error.

        For this package alone.
        """

    async def close_here(self, built: Built) -> Exception | None:
        """Close a build inside an event loop; return the error.

        For this package alone.
        """
        return self.close_one(built)

    # Errors.

    def _annotate(self, error: BaseException, doing: str) -> None:
        """Add the name of the resource to an error."""
        note = f"while the resource {self} was {doing}"
        with contextlib.suppress(Exception):  # an exception may be of any class
            error.__notes__ = [*(each for each in getattr(error, "__notes__", ()) if each != note), note]

    def raise_later(self, error: BaseException, doing: str) -> None:
        """Raise an error again at the next use, because its first caller may ignore it.

        For this package alone.
        """
        self._pending_error = ResourceError(f"the resource {self} could not be {doing}: {_said(error)}")
        self._pending_error.__cause__ = error

    def _raise_pending(self) -> None:
        with graph:
            error, self._pending_error = self._pending_error, None
        if error is not None:
            raise error

    @override
    def __str__(self) -> str:
        return f"{self.name} ({self.location})" if self.location else self.name

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}{', open' if self.is_open else ''}>"

    @override
    def __reduce__(self) -> str:
        return self.__qualname__  # the name of a global, as for functions: a copy is the same object

    if not TYPE_CHECKING:  # a checker that saw this would accept every name

        def __getattr__(self, name: str) -> object:
            if name == "__signature__":  # or `inspect` would look at what a call goes through
                from inspect import Signature

                return Signature()
            msg = f"the resource {vars(self).get('name')} has no attribute {name!r}: call it to get the value"
            raise AttributeError(msg, name=name, obj=self)

        def __setattr__(self, name: str, value: object) -> None:
            if "_register" in vars(self):  # it is complete, and what is missing was meant for the value
                getattr(self, name)
            super().__setattr__(name, value)
