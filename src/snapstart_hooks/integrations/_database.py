"""What the integrations of databases share: connections in use are told of; others come back when they are restored."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from weakref import ref

from snapstart_hooks import Priority, default_registry

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterable

    from snapstart_hooks import Registry

__all__ = ("Reconnectable", "each", "reconnect_on_restore", "tell")

_logger: Final = logging.getLogger("snapstart_hooks")

T = TypeVar("T")


class Reconnectable(Protocol):
    """A connection that the same object can open again."""

    def connect(self) -> bool | None:
        """Open it again, with the settings that it was made with."""

    def close(self) -> object:
        """Close it."""


R = TypeVar("R", bound=Reconnectable)


def tell(where: str, count: int, what: str = "in use") -> None:
    """Log that connections stay open, because somebody uses them: they are dead in every clone."""
    if count:
        connections = "1 connection is" if count == 1 else f"{count} connections are"
        advice = "It stays open, and is dead after every restore: give it back before the snapshot"
        _logger.warning("%s: %s %s. %s.", where, connections, what, advice)


def reconnect_on_restore(connection: R, *, registry: Registry | None = None, name: str | None = None) -> R:
    """Close a connection before the snapshot and open the same object again after each restore.

    For one that no integration finds or that is left out by name: of PyMySQL, peewee, mysql-connector, or anything
    else with ``close()`` and a ``connect()`` that needs no arguments.

    Args:
        connection: It is held weakly.
        registry: Where the hooks go; the default registry if ``None``.
        name: The hooks' name; by default that of the connection's class.

    Returns:
        The same object.

    Raises:
        TypeError: Its ``connect`` makes a new connection, as psycopg's does: use a pool, or make it after the restore.
    """
    if isinstance(getattr(connection.connect, "__self__", None), type):
        made = f"{type(connection).__module__}.{type(connection).__qualname__}.connect"
        advice = "Use a pool, or connect in an after_restore hook"
        msg = f"{made} makes a new connection, and leaves this one as it is. {advice}."
        raise TypeError(msg)

    def close(closed: R) -> None:
        closed.close()

    def connect(closed: R) -> None:
        closed.connect()

    return each(connection, close, connect, registry=registry, name=name)


def each(
    thing: T,
    before: Callable[[T], object] | None,
    after: Callable[[T], object],
    *,
    registry: Registry | None,
    name: str | None,
    loop: AbstractEventLoop | None = None,
) -> T:
    """Register hooks for one object, which they hold weakly, with the connections; return it."""
    hooks = default_registry if registry is None else registry
    weakly = ref(thing)

    def living() -> Iterable[T]:
        alive = weakly()
        return () if alive is None else (alive,)

    def belongs(_: T) -> AbstractEventLoop | None:
        return loop

    called = type(thing).__qualname__ if name is None else name
    for phase, func in ((hooks.before_snapshot, before), (hooks.after_restore, after)):
        if func is not None:
            phase.each(living, loop=belongs, priority=Priority.CONNECTIONS, name=called)(func)
    return thing
