"""`Resource` and `PerRestore`: values without ``await``."""

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
from ._builds import ROUNDS, Built, close, graph, raise_all, user
from ._factory import Factory, refuse
from ._scoped import Options, RestoreScoped

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from .. import Registry

__all__ = ("PerRestore", "Resource", "refuse_value")

T = TypeVar("T")


if TYPE_CHECKING:

    class _Callable(RestoreScoped[T]):
        _box: dict[None, T]

        def __call__(self) -> T: ...

else:

    class _Box(dict):
        """Has the value under ``None``; if it is missing, the owner builds it."""

        __qualname__ = "call a resource without arguments: dict"  # the beginning of a message, and nobody else's name

        def __missing__(self, _: None) -> object:
            return self.owner.ask()

    class _Callable(functools.partial, RestoreScoped):
        """A call is a look-up in a dictionary, which runs no Python code while there is a value."""

        def __new__(cls, *_: object, **__: object) -> object:
            box = _Box()
            self = super().__new__(cls, box.__getitem__, None)
            self._box, box.owner = box, self
            return self

        def __get__(self, _: object, __: object = None) -> object:
            return self  # as an attribute of a class, too, where partials of Python 3.14 are methods

        __reduce__ = RestoreScoped.__reduce__
        __repr__ = RestoreScoped.__repr__
        __setattr__ = RestoreScoped.__setattr__


class _Plain(_Callable[T]):
    """A value that one thread builds, while others wait for the result."""

    def __init__(self, factory: Factory, options: Options) -> None:
        self._lock = threading.RLock()
        self._being_closed = False
        self._attempts = 0
        self._waiting = 0
        self._failure: BaseException | None = None
        super().__init__(factory, options)

    def reset(self) -> None:
        """Close the value now, and before it the values that use it; the next use builds it again.

        Use it for a connection that turned out to be broken.  Nothing happens if the value is not open.

        Raises:
            Exception: The exception that closing raised, with the resource's name in a note.
        """
        built = self.built
        raise_all(close(built) if built is not None else [])

    @override
    def forked(self) -> None:
        super().forked()
        self._lock = threading.RLock()  # a thread that is not here may have held it
        self._being_closed = False
        self._waiting = 0

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
            self.raise_later(error, "built after the restore")
            raise

    def ask(self) -> T:
        """Return the value, and build it if there is none.

        For this package alone.
        """
        asking = self._record_user()
        with graph:
            self._waiting += 1
        attempts = self._attempts
        try:
            with self._lock:
                built = self.built or self._made(attempts)
                with graph:
                    built.used_by(asking)
                    if self.may_show(built):
                        self._box[None] = cast("T", built.value)
                return cast("T", built.value)
        finally:
            with graph:
                self._waiting -= 1
                if not self._waiting:
                    self._failure = None

    def _made(self, attempts: int) -> Built:
        if self.pending is not None or self._being_closed:
            msg = f"the resource {self} uses itself while it is being {'closed' if self._being_closed else 'built'}"
            raise ResourceError(msg)
        self._raise_pending()
        if self._attempts != attempts and self._failure is not None:
            raise self._failure  # another thread tried while this one waited
        return self._build()

    def _build(self) -> Built:
        """Build it, and anew if a restore came meanwhile, or something that it uses was closed.

        Raises:
            ResourceError: That happened again and again.
        """
        for _ in range(ROUNDS):
            built = self._build_once()
            if not self._outdated(built):
                return built
            self.close_one(built)
            self._raise_pending()
        raise self._overtaken()

    def _build_once(self) -> Built:
        built = self._begin()
        token = user.set(built)
        try:
            value, built.leave = self._open()
        except BaseException as error:
            self._annotate(error, "built")
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
        """Return the value, and the function that closes it."""

    @override
    def hide(self) -> None:
        super().hide()
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
            except BaseException as error:
                self._annotate(error, "closed")
                self.raise_later(error, "closed")
                if not isinstance(error, Exception):
                    raise
                return error
            finally:
                self._being_closed = False
        return None


class Resource(_Plain[T]):
    """A value that is opened and closed, such as a connection; calling the resource returns the value.

    The value is opened at the first call, by one thread while others wait; closed before a snapshot and at the
    interpreter's exit; and opened again at the first call after a restore.  `resource` makes one.
    """

    def __init__(self, factory: Factory, options: Options) -> None:
        self._factory: Final = factory
        super().__init__(factory, options)

    @override
    def _open(self) -> tuple[T, Callable[[], object]]:
        manager = cast("AbstractContextManager[T]", self._factory.manager())
        refuse_value(self, manager, "__enter__")
        stack = contextlib.ExitStack()
        return stack.enter_context(manager), stack.close


def refuse_value(owner: RestoreScoped[T], value: object, wanted: str) -> None:
    """Refuse a value that is not a context manager.

    Args:
        owner: The resource whose factory returned the value.
        value: The value.
        wanted: The method of context managers of the right kind: ``__enter__`` or ``__aenter__``.

    Raises:
        ResourceError: The value has no such method.
    """
    if hasattr(type(value), wanted):
        return
    advice = "which is not a context manager. Write the factory as a generator function: open, yield, close"
    if hasattr(type(value), "__aenter__"):
        advice = "an async context manager. Open it in an async generator function: async with ...: yield ..."
    msg = f"the resource {owner}: its factory returns an object of type {type(value).__qualname__!r}, {advice}"
    raise ResourceError(msg)


class PerRestore(_Plain[T]):
    """A value that is computed again after each restore, such as an id or a time; calling this returns the value.

    ::

        instance = PerRestore(uuid.uuid4)
        PerRestore(random.seed, eager=True)

        @PerRestore
        def started() -> datetime: ...

    The value is computed at the first call, once, whatever the number of threads; an eager value also during
    after_restore.  It is dropped before the snapshot, which does not contain it.
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
        """Declare a value.

        Args:
            factory: The function that computes the value.
            name: The name in errors, reports and plans. Default: ``module.qualname`` of `factory`.
            eager: Whether the value is computed during after_restore, and not only at the first call.
            priority: The place of an eager value in the restore order.
            registry: The registry for the hooks. Default: `default_registry`.

        Raises:
            HookSignatureError: `factory` needs arguments, or is a coroutine or generator function.
            HookOptionError: An option has the wrong type or value.
        """
        inspected = Factory(factory)
        if inspected.yields:
            refuse(factory, "it is a generator function. For a value that is opened and closed, use @resource")
        self._compute: Final = factory
        super().__init__(inspected, Options(name, eager, False, priority, None, True, registry))  # noqa: FBT003 - of a tuple

    @override
    def _closing(self) -> None:
        return None

    @override
    def _open(self) -> tuple[T, None]:
        return self._compute(), None
