"""Empties caches after a restore, at the application's wish: nobody else can know which must not be old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar, cast

from snapstart_hooks import Priority, default_registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from snapstart_hooks import Registry

__all__ = ("Cached", "Clearable", "clear_on_restore")


class Cached(Protocol):
    """A function that keeps what it returned, as those of `functools.cache`."""

    def cache_clear(self) -> object:
        """Forget it all."""


class Clearable(Protocol):
    """A cache: a `dict`, a ``cachetools.TTLCache``, anything with ``clear``."""

    def clear(self) -> object:
        """Forget it all."""


Cache: TypeAlias = "Cached | Clearable"
C = TypeVar("C", bound=Cache)


def clear_on_restore(cache: C, *, name: str | None = None, registry: Registry | None = None) -> C:
    """Empty a cache after each restore, together with credentials: before connections come back.

    What was cached before the snapshot may be hours old then, and caches that count time with `time.monotonic`, as
    ``cachetools.TTLCache`` does, do not notice.

    Args:
        cache: A function with ``cache_clear()``, as `functools.cache` makes them; or anything with ``clear()``.
        name: Of the hook; by default that of the function or of the cache's class.
        registry: Where the hook goes; the default registry if ``None``.

    Returns:
        The same object, so that it can be a decorator.
    """
    hooks = default_registry if registry is None else registry
    called = getattr(cache, "__qualname__", type(cache).__qualname__) if name is None else name
    clear = cast("Callable[[], object] | None", getattr(cache, "cache_clear", None))
    if clear is None:
        clear = cast("Clearable", cache).clear
    hooks.after_restore(name=called, priority=Priority.CREDENTIALS)(clear)
    return cache
