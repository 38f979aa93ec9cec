"""`Resource` and `PerRestore`: values that are had without waiting."""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from abc import abstractmethod
from typing import TYPE_CHECKING, Final, TypeVar, cast

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

from .. import Priority
from ..errors import ResourceError
from ._builds import Built, close, graph, in_work, raise_all, user
from ._factory import Factory, refuse
from ._scoped import Options, RestoreScoped

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from .. import Registry

__all__ = ("PerRestore", "Resource", "refuse_value")

T = TypeVar("T")


if TYPE_CHECKING:

    class _Door(RestoreScoped[T]):
        _box: dict[None, T]

        def __call__(self) -> T: ...

else:

    class _Box(dict):
        """Holds the value under ``None``; where there is none, its owner is asked."""

        def __missing__(self, _: None) -> object:
            return self.owner.ask()

    class _Door(functools.partial, RestoreScoped):
        """A call is a look into a dictionary, which runs no Python code while there is a value."""

        def __new__(cls, *_: object, **__: object) -> object:
            box = _Box()
            self = super().__new__(cls, box.__getitem__, None)
            self._box, box.owner = box, self
            return self

        __reduce__ = RestoreScoped.__reduce__
        __repr__ = RestoreScoped.__repr__


class _Plain(_Door[T]):
    """Built by one thread, while others wait for what comes of it."""

    def __init__(self, factory: Factory, options: Options) -> None:
        self._lock: Final = threading.RLock()
        self._being_closed = False
        self._attempts = 0
        self._waiting = 0
        self._failure: BaseException | None = None
        super().__init__(factory, options)

    def reset(self) -> None:
        """Close it now, and before it what was built with it; the next use builds it anew.

        For a connection that turned out to be broken, say.  Nothing happens if there is none.

        Raises:
            Exception: What closing raised, with the resource's name in a note.
        """
        built = self.built
        raise_all(close(built) if built is not None else [])

    @override
    def _closing(self) -> Callable[[], None] | None:
        return self.reset

    @override
    def _building(self) -> Callable[[], None]:
        return self._eagerly

    def _eagerly(self) -> None:
        try:
            self()
        except BaseException as error:
            self.keep(error, "built after the restore")
            raise

    def ask(self) -> T:
        """The value, built if there is none."""
        asking = self._noted()
        with graph:
            self._waiting += 1
        attempts = self._attempts
        try:
            with self._lock:
                built = self.built or self._made(attempts)
                with graph:
                    built.used_by(asking)
                    if not in_work and self.built is built and not built.given:
                        self._box[None] = cast("T", built.value)
                return cast("T", built.value)
        finally:
            with graph:
                self._waiting -= 1
                if not self._waiting:
                    self._failure = None

    def _made(self, attempts: int) -> Built:
        if self.pending is not None or self._being_closed:
            msg = f"the resource {self} uses itself while it is {'closed' if self._being_closed else 'built'}"
            raise ResourceError(msg)
        self._raise_kept()
        if self._attempts != attempts and self._failure is not None:
            raise self._failure  # it was tried while this thread waited
        return self._build()

    def _build(self) -> Built:
        built = self._begin()
        token = user.set(built)
        try:
            value, built.leave = self._open()
        except BaseException as error:
            self._told(error, "built")
            self._failure = error
            self._finished(built, error)
            raise
        else:
            self._failure = None
            self._opened(built, value)
            return built
        finally:
            self._attempts += 1
            user.reset(token)

    @abstractmethod
    def _open(self) -> tuple[T, Callable[[], object] | None]:
        """The value, and what closes it."""

    @override
    def hide(self) -> None:
        self._box.clear()

    @override
    def close_one(self, built: Built) -> Exception | None:
        with self._lock:
            if not built.open:
                return None
            self.withdraw(built)
            leave, built.leave = built.leave, None
            self._being_closed = True
            try:
                if leave is not None:
                    leave()
            except Exception as error:  # noqa: BLE001 - given on, with its name
                self._told(error, "closed")
                self.keep(error, "closed")
                return error
            finally:
                self._being_closed = False
        return None


class Resource(_Plain[T]):
    """A value that is opened and closed, such as a connection; calling this gives it.

    It is opened when it is first asked for, by one thread while others wait; closed before a
    snapshot and at the interpreter's exit; and opened anew when it is first asked for after a
    restore.  `resource` makes one.
    """

    def __init__(self, factory: Factory, options: Options) -> None:
        self._manager: Final = cast("Callable[[], AbstractContextManager[T]]", factory.manager())
        super().__init__(factory, options)

    @override
    def _open(self) -> tuple[T, Callable[[], object]]:
        manager = self._manager()
        refuse_value(self, manager, "__enter__")
        stack = contextlib.ExitStack()
        return stack.enter_context(manager), stack.close


def refuse_value(owner: RestoreScoped[T], value: object, wanted: str) -> None:
    """Say what is to be done with what is no context manager of the kind that is wanted.

    Raises:
        ResourceError: It is none.
    """
    if hasattr(type(value), wanted):
        return
    advice = "is no context manager. Make the factory a generator function: open, yield, close"
    if hasattr(type(value), "__aenter__"):
        advice = "is an async context manager. Open it in an async generator function: async with ...: yield ..."
    msg = f"the resource {owner}: what its factory gives, of type {type(value).__qualname__!r}, {advice}"
    raise ResourceError(msg)


class PerRestore(_Plain[T]):
    """A value that is computed anew after each restore, such as an id or a time; calling this gives it.

    ::

        instance = PerRestore(uuid.uuid4)
        PerRestore(random.seed, eager=True)

        @PerRestore
        def started() -> datetime: ...

    It is computed when it is first asked for, once, whatever the number of threads; an eager one
    during after_restore, too.  It is forgotten before the snapshot: nothing of it is in there.
    """

    def __init__(
        self,
        factory: Callable[[], T],
        /,
        *,
        name: str | None = None,
        eager: bool = False,
        priority: int = Priority.ENTROPY,
        registry: Registry | None = None,
    ) -> None:
        """Have a value.

        Args:
            factory: Computes it.
            name: For errors, reports and plans. Default: ``module.qualname`` of `factory`.
            eager: Whether it is computed during after_restore, and not only when it is asked for.
            priority: When, if it is.
            registry: Whose hooks it depends on. Default: `default_registry`.

        Raises:
            HookSignatureError: `factory` needs arguments, or is a coroutine or generator function.
            HookOptionError: An option has the wrong type or value.
        """
        looked_at = Factory(factory)
        if looked_at.yields:
            refuse(factory, "it is a generator function, which opens and closes something: @resource")
        self._compute: Final = factory
        super().__init__(looked_at, Options(name, eager, False, priority, None, True, registry))  # noqa: FBT003 - no such

    @override
    def _closing(self) -> None:
        return None

    @override
    def _open(self) -> tuple[T, None]:
        return self._compute(), None
