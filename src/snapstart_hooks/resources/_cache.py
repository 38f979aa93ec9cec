"""`cached_until_restore`: caches results until the next restore."""

from __future__ import annotations

import functools
from time import time
from typing import TYPE_CHECKING, Concatenate, Final, Generic, NamedTuple, ParamSpec, TypeVar, overload

from ..errors import HookOptionError
from ._builds import OpenBuilds, graph
from ._factory import refuse_single_use
from ._scoped import registry_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .. import Registry

__all__ = ("CacheInfo", "CachedFunction", "cached_until_restore")

P = ParamSpec("P")
Q = ParamSpec("Q")
S = TypeVar("S")
R = TypeVar("R")


class CacheInfo(NamedTuple):
    """The statistics of a cache, as those of `functools.cache`.

    Attributes:
        hits: The number of calls that found their result in the cache.
        misses: The number of calls that did not.
        maxsize: The largest number of results; ``None``, for there is no limit.
        currsize: The number of results.
    """

    hits: int
    misses: int
    maxsize: int | None
    currsize: int


class CachedFunction(Generic[P, R]):
    """A function whose results are cached until the next restore; `cached_until_restore` makes one."""

    if TYPE_CHECKING:

        @property
        def __wrapped__(self) -> Callable[P, R]:
            """The function itself."""
            ...

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
            """Return the result, from the cache if it is there."""
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
            """Bind the function to an object, as a method."""

        def cache_info(self) -> CacheInfo:
            """Return the statistics of the cache."""
            ...

        def cache_clear(self) -> None:
            """Remove all results."""
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
    """Cache the results of a function, as `functools.cache` does, until the next restore; a decorator.

    The results are dropped before the snapshot, too, which does not contain them.

    Args:
        func: The function.
        ttl: Seconds for which a result is valid, by the wall clock: the monotonic clock stands still in a snapshot.
        registry: The registry for the hooks. Default: `default_registry`.

    Raises:
        HookSignatureError: `func` is not callable, or is a coroutine or generator function.
        HookOptionError: `ttl` is not a number of seconds above 0.
    """
    if ttl is not None and (type(ttl) not in {int, float} or not ttl > 0):
        msg = f"cached_until_restore: ttl={ttl!r} is not possible. Give a number of seconds above 0."
        raise HookOptionError(msg)
    owner = registry_of("cached_until_restore", registry)

    def decorate(func: Callable[P, R]) -> object:
        refuse_single_use(func)
        builds = OpenBuilds.of(owner)
        builds.bracket(owner)

        def note() -> None:
            """Let the hooks empty this cache."""
            with graph:
                if clear in builds.caches:
                    return
                builds.caches[clear] = None
            builds.bracket(owner)

        if ttl is None:

            def noting(*args: P.args, **kwargs: P.kwargs) -> R:
                while True:
                    restores = builds.restores
                    result = func(*args, **kwargs)
                    note()
                    if builds.restores == restores:  # else it was computed before a restore, in part
                        return result

            cached = functools.cache(noting)
            clear = cached.cache_clear
            return functools.update_wrapper(cached, func)
        lasting = _lasting(func, ttl, note)
        clear = lasting.__dict__["cache_clear"]
        return lasting

    return decorate if func is None else decorate(func)


_MARK: Final = object()


def _lasting(func: Callable[P, R], ttl: float, note: Callable[[], None]) -> Callable[P, R]:
    """The function `func`, which may be a method, with results that are valid for `ttl` seconds of the wall clock."""
    results: dict[object, tuple[R, float, float]] = {}
    hits = misses = 0

    @functools.wraps(func)
    def cached(*args: P.args, **kwargs: P.kwargs) -> R:
        nonlocal hits, misses
        key = (*args, _MARK, *kwargs.items()) if kwargs else args
        now = time()
        entry = results.get(key)
        if entry is not None and entry[1] <= now < entry[2]:
            hits += 1
            return entry[0]
        misses += 1
        note()
        kept = results  # another one if they are removed meanwhile
        value = func(*args, **kwargs)
        kept[key] = value, now, now + ttl
        return value

    def cache_info() -> CacheInfo:
        return CacheInfo(hits, misses, None, len(results))

    def cache_clear() -> None:
        nonlocal results, hits, misses
        results, hits, misses = dict[object, tuple[R, float, float]](), 0, 0

    cached.__dict__.update(cache_info=cache_info, cache_clear=cache_clear)
    return cached
