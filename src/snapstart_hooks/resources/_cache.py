"""`cached_until_restore`: results that are kept until the next restore."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Concatenate, Final, Generic, NamedTuple, ParamSpec, TypeVar, overload

from .. import default_registry
from ..errors import HookOptionError
from ._builds import Keeper, graph
from ._factory import refuse_single_use

if TYPE_CHECKING:
    from collections.abc import Callable

    from .. import Registry

__all__ = ("CacheInfo", "CachedFunction", "cached_until_restore")

P = ParamSpec("P")
Q = ParamSpec("Q")
S = TypeVar("S")
R = TypeVar("R")


class CacheInfo(NamedTuple):
    """As `functools.cache` tells it.

    Attributes:
        hits: Calls that were answered from the cache.
        misses: Calls that were not.
        maxsize: How many results it may hold: any number.
        currsize: How many it holds.
    """

    hits: int
    misses: int
    maxsize: int | None
    currsize: int


class CachedFunction(Generic[P, R]):
    """A function whose results are kept until the next restore, as type checkers see it."""

    if TYPE_CHECKING:

        @property
        def __wrapped__(self) -> Callable[P, R]:
            """The function itself."""
            ...

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
            """The result, from the cache if it is there."""
            ...

        @overload
        def __get__(self, instance: None, owner: type[object] | None = None) -> CachedFunction[P, R]: ...
        @overload
        def __get__(
            self: CachedFunction[Concatenate[S, Q], R], instance: S, owner: type[object] | None = None
        ) -> CachedFunction[Q, R]: ...
        @overload  # for the checkers that do not understand the one above
        def __get__(self, instance: object, owner: type[object] | None = None) -> CachedFunction[..., R]: ...  # type: ignore[explicit-any]
        def __get__(self, instance: object, owner: type[object] | None = None) -> object:
            """As a method it is called without its object, as functions are."""

        def cache_info(self) -> CacheInfo:
            """What it did."""
            ...

        def cache_clear(self) -> None:
            """Forget all results."""
            ...


@overload
def cached_until_restore(func: Callable[P, R], /) -> CachedFunction[P, R]: ...
@overload
def cached_until_restore(
    *, ttl: float | None = ..., registry: Registry | None = ...
) -> Callable[[Callable[P, R]], CachedFunction[P, R]]: ...
def cached_until_restore(
    func: Callable[P, R] | None = None, /, *, ttl: float | None = None, registry: Registry | None = None
) -> object:
    """Decorator: keep the results of a function, as `functools.cache` does, until the next restore.

    They are forgotten before the snapshot, too, so that nothing of them is in there.

    Args:
        func: The function.
        ttl: Seconds for which each result is good, by the wall clock: the monotonic one stands still in a snapshot.
        registry: Whose hooks it depends on. Default: `default_registry`.

    Raises:
        HookSignatureError: `func` is not callable, or gives a coroutine or a generator, which one use uses up.
        HookOptionError: `ttl` is no number of seconds above 0.
    """
    if ttl is not None and (type(ttl) not in {int, float} or not ttl > 0):
        msg = f"cached_until_restore: ttl={ttl!r} is not possible. Give a number of seconds above 0."
        raise HookOptionError(msg)
    owner = default_registry if registry is None else registry

    def decorate(func: Callable[P, R]) -> object:
        refuse_single_use(func)
        keeper = Keeper.of(owner)
        keeper.attach(owner)

        def note() -> None:
            """Have it emptied by the hooks."""
            with graph:
                if clear in keeper.caches:
                    return
                keeper.caches.append(clear)
            keeper.attach(owner)

        if ttl is None:

            def noting(*args: P.args, **kwargs: P.kwargs) -> R:
                note()
                return func(*args, **kwargs)

            kept = functools.cache(noting)
            clear = kept.cache_clear
            return functools.update_wrapper(kept, func)
        lasting = _Lasting(func, ttl, note)
        clear = lasting.cache_clear
        return lasting.function()

    return decorate if func is None else decorate(func)


_MARK: Final = object()


class _Lasting(Generic[P, R]):
    """The results of `func`, each of which is good for `ttl` seconds of the wall clock."""

    def __init__(self, func: Callable[P, R], ttl: float, note: Callable[[], None]) -> None:
        self._func: Final = func
        self._ttl: Final = ttl
        self._note: Final = note
        self.cache_clear()

    def cache_clear(self) -> None:
        """Forget all; what is being computed now is not kept."""
        self._results: dict[object, tuple[R, float]] = {}
        self._hits = self._misses = 0

    def cache_info(self) -> CacheInfo:
        return CacheInfo(self._hits, self._misses, None, len(self._results))

    def function(self) -> Callable[P, R]:
        """A function, so that it can be a method, too."""

        @functools.wraps(self._func)
        def cached(*args: P.args, **kwargs: P.kwargs) -> R:
            key = (*args, _MARK, *kwargs.items()) if kwargs else args
            results, now = self._results, time.time()
            kept = results.get(key)
            if kept is not None and kept[1] <= now < kept[1] + self._ttl:
                self._hits += 1
                return kept[0]
            self._note()
            self._misses += 1
            value = self._func(*args, **kwargs)
            results[key] = value, now
            return value

        cached.__dict__.update(cache_info=self.cache_info, cache_clear=self.cache_clear)
        return cached
