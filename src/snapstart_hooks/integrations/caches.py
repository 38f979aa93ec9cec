"""Empties caches that the application names after a restore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar, cast

from snapstart_hooks import Priority, default_registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from snapstart_hooks import Registry

__all__ = ("Cached", "Clearable", "clear_on_restore")


class Cached(Protocol):
    """A function that caches its results, as `functools.cache` makes them."""

    def cache_clear(self) -> object:
        """Remove all entries."""


class Clearable(Protocol):
    """A cache that has ``clear``, such as a `dict` or a ``cachetools.TTLCache``."""

    def clear(self) -> object:
        """Remove all entries."""


Cache: TypeAlias = "Cached | Clearable"
C = TypeVar("C", bound=Cache)


def clear_on_restore(cache: C, *, name: str | None = None, registry: Registry | None = None) -> C:
    """Empty a cache after each restore, at the priority of credentials, before connections are opened again.

    An entry from before the snapshot may be hours old then.  Caches that measure age with `time.monotonic`, as
    ``cachetools.TTLCache`` does, do not notice.

    Args:
        cache: A function with ``cache_clear()``, as `functools.cache` makes them; or an object with ``clear()``.
        name: The name of the hook.  Default: that of the function, or of the cache's class.
        registry: The registry for the hook; ``None`` for the default registry.

    Returns:
        The same object, so that this can be used as a decorator.

    Raises:
        TypeError: It is no cache.
    """
    hooks = default_registry if registry is None else registry
    hook_name = getattr(cache, "__qualname__", type(cache).__qualname__) if name is None else name
    clear = cast("Callable[[], object] | None", getattr(cache, "cache_clear", None))
    if clear is None and not isinstance(cache, type):
        clear = cast("Callable[[], object] | None", getattr(cache, "clear", None))
    if clear is None:
        msg = f"clear_on_restore: {cache!r} is no cache, with clear(), nor a function that has one, with cache_clear()."
        raise TypeError(msg)
    hooks.after_restore(name=hook_name, priority=Priority.CREDENTIALS)(clear)
    return cache
