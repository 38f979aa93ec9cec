"""`resource`: how resources are declared."""

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
    """`resource` with options, waiting for its function."""

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
        """Make a resource, with these options, of what `factory` opens and closes; see `resource`."""
        return self.make(factory)

    def make(self, factory: Callable[[], object]) -> Resource[object] | AsyncResource[object]:
        """The same for whoever knows what it is at run time only."""
        looked_at = Factory(factory)
        kind = AsyncResource[object] if looked_at.is_async else Resource[object]
        return kind(looked_at, self._options)


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
    """Make a value that is opened when it is first used, closed before a snapshot, and opened anew after a restore.

    Args:
        factory: A generator function that yields the value once, or what gives a context manager; sync or async.
        name: For errors, reports, plans and settings. Default: ``module.qualname`` of `factory`.
        eager: Whether it is opened during after_restore, and not only when it is first used.
        concurrent: Whether, if eager, it may be opened while neighbours of equal priority are.
        priority: Its place in the restore order.
        timeout: Seconds that closing it, and opening it during after_restore, may take.
        required: Whether a failure of that fails the phase.
        registry: Whose hooks close and open it. Default: `default_registry`.

    Returns:
        A `Resource`, which is called for the value, or an `AsyncResource`, a call of which is awaited.
        Without a factory, a decorator.

    Raises:
        HookSignatureError: `factory` is not callable, needs arguments, or is a coroutine function.
        HookOptionError: An option has the wrong type or value.
    """
    decorator = ResourceDecorator(Options(name, eager, concurrent, priority, timeout, required, registry))
    return decorator if factory is None else decorator.make(factory)
