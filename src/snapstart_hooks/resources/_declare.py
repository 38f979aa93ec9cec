"""`resource`: declares resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar, overload

from .. import Priority
from ._async import AsyncResource
from ._factory import Factory
from ._scoped import Options
from ._values import Resource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from .. import Registry

__all__ = ("ResourceDecorator", "resource")

T = TypeVar("T")


class ResourceDecorator:
    """A decorator that makes a resource with the options that `resource` was given; `resource` makes one."""

    __slots__ = ("_options",)

    def __init__(self, options: Options) -> None:
        self._options: Final = options

    @overload
    def __call__(self, factory: Callable[[], AbstractContextManager[T]], /) -> Resource[T]: ...
    @overload
    def __call__(self, factory: Callable[[], AbstractAsyncContextManager[T]], /) -> AsyncResource[T]: ...
    @overload
    def __call__(self, factory: Callable[[], AsyncIterator[T]], /) -> AsyncResource[T]: ...
    @overload
    def __call__(self, factory: Callable[[], Iterator[T]], /) -> Resource[T]: ...
    def __call__(self, factory: Callable[[], object], /) -> object:
        """Make a resource of `factory` with these options; see `resource`."""
        return self.make(factory)

    def make(self, factory: Callable[[], object]) -> Resource[object] | AsyncResource[object]:
        """Make a resource of a factory whose type is known only at run time.

        Args:
            factory: As for `resource`.

        Raises:
            HookSignatureError: `factory` is not callable, needs arguments, or is a coroutine function.
        """
        inspected = Factory(factory)
        kind = AsyncResource[object] if inspected.is_async else Resource[object]
        return kind(inspected, self._options)


@overload
def resource(factory: Callable[[], AbstractContextManager[T]], /) -> Resource[T]: ...
@overload
def resource(factory: Callable[[], AbstractAsyncContextManager[T]], /) -> AsyncResource[T]: ...
@overload
def resource(factory: Callable[[], AsyncIterator[T]], /) -> AsyncResource[T]: ...
@overload
def resource(factory: Callable[[], Iterator[T]], /) -> Resource[T]: ...
@overload
def resource(
    *,
    name: str | None = ...,
    eager: bool = ...,
    concurrent: bool = ...,
    priority: int = ...,
    timeout: float | None = ...,
    required: bool = ...,
    registry: Registry | None = ...,
) -> ResourceDecorator: ...
def resource(
    factory: Callable[[], object] | None = None,
    /,
    *,
    name: str | None = None,
    eager: bool = False,
    concurrent: bool = False,
    priority: int = Priority.CONNECTIONS,
    timeout: float | None = None,
    required: bool = True,
    registry: Registry | None = None,
) -> object:
    """Make a value that is opened at its first use, closed before a snapshot, and opened again after a restore.

    Args:
        factory: A generator function that yields the value once, or a callable that returns a context manager; sync
            or async.
        name: The name in errors, reports, plans and settings. Default: ``module.qualname`` of `factory`.
        eager: Whether the value is opened during after_restore, and not only at its first use.
        concurrent: Whether an eager value may be opened at the same time as others of equal priority.
        priority: The place in the restore order.
        timeout: Seconds that closing the value, and opening it during after_restore, may take.
        required: Whether a failure of closing or opening fails the phase.
        registry: The registry for the hooks. Default: `default_registry`.

    Returns:
        A `Resource`, or an `AsyncResource`: calling it returns the value, in the latter case with ``await``.
        Without a factory, a decorator that makes one.

    Raises:
        HookSignatureError: `factory` is not callable, needs arguments, or is a coroutine function.
        HookOptionError: An option has the wrong type or value.
    """
    decorator = ResourceDecorator(Options(name, eager, concurrent, priority, timeout, required, registry))
    return decorator if factory is None else decorator.make(factory)
