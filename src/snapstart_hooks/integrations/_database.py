"""Helpers of the integrations for databases: a warning for connections in use, and hooks for one object."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from weakref import ref

from snapstart_hooks import Priority, default_registry

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterable

    from snapstart_hooks import Registry

__all__ = ("Reconnectable", "each", "reconnect_on_restore", "warn_in_use")

_logger: Final = logging.getLogger("snapstart_hooks")

T = TypeVar("T")


class Reconnectable(Protocol):
    """An object that can open its connection again."""

    def connect(self) -> bool | None:
        """Open the connection again, with the same settings."""

    def close(self) -> object:
        """Close the connection."""


R = TypeVar("R", bound=Reconnectable)


def warn_in_use(owner: str, count: int, state: str = "in use") -> None:
    """Log that connections stay open because they are in use: they are dead in every clone."""
    if count:
        connections = "1 connection is" if count == 1 else f"{count} connections are"
        advice = "What is in use stays open, and is dead after every restore: return it before the snapshot"
        _logger.warning("%s: %s %s. %s.", owner, connections, state, advice)


def reconnect_on_restore(connection: R, *, registry: Registry | None = None, name: str | None = None) -> R:
    """Close a connection before the snapshot and open the same object again after each restore.

    Use it for a connection of PyMySQL, peewee or mysql-connector that no integration handles, or for any other
    object with ``close()`` and a ``connect()`` that needs no arguments.

    Args:
        connection: The connection; the hooks refer to it weakly.
        registry: The registry for the hooks; ``None`` for the default registry.
        name: The name of the hooks.  Default: that of the connection's class.

    Returns:
        The same object.

    Raises:
        TypeError: The object has no such methods, or its ``connect`` creates another object, as in psycopg.
    """
    check("reconnect_on_restore", connection, "connect", "close", wanted="a connection, with close() and connect()")
    if isinstance(getattr(connection.connect, "__self__", None), type):
        method = f"{type(connection).__module__}.{type(connection).__qualname__}.connect"
        advice = "Use a pool, or connect in an after_restore hook"
        msg = f"{method} creates a new connection, and cannot open this one again. {advice}."
        raise TypeError(msg)

    def close(closed: R) -> None:
        closed.close()

    def connect(closed: R) -> None:
        closed.connect()

    return each(connection, close, connect, registry=registry, name=name)


def check(helper: str, thing: object, *names: str, wanted: str) -> None:
    """Refuse at once what a helper cannot use, which would otherwise fail in a restore.

    Raises:
        TypeError: It lacks one of the names.
    """
    lacking = [name for name in names if not hasattr(thing, name)]
    if lacking or isinstance(thing, type):
        kind = f"the class {thing.__qualname__}" if isinstance(thing, type) else f"of type {type(thing).__qualname__!r}"
        msg = f"{helper}: give {wanted}. What was given is {kind}" + f", without {', '.join(lacking)}." * bool(lacking)
        raise TypeError(msg)


def each(
    thing: T,
    before: Callable[[T], object] | None,
    after: Callable[[T], object],
    *,
    registry: Registry | None,
    name: str | None,
    loop: AbstractEventLoop | None = None,
) -> T:
    """Register hooks for one object, which they refer to weakly, at the priority of connections; return the object."""
    hooks = default_registry if registry is None else registry
    weakly = ref(thing)

    def instances() -> Iterable[T]:
        instance = weakly()
        return () if instance is None else (instance,)

    def loop_of_object(_: T) -> AbstractEventLoop | None:
        return loop

    hook_name = type(thing).__qualname__ if name is None else name
    for phase, func in ((hooks.before_snapshot, before), (hooks.after_restore, after)):
        if func is not None:
            phase.each(instances, loop=loop_of_object, priority=Priority.CONNECTIONS, name=hook_name)(func)
    return thing
