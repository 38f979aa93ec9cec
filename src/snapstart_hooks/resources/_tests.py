"""Functions for tests: another value for a while, a registry without open values, the open values."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar, cast
from weakref import WeakSet

from ._builds import Built, OpenBuilds, close, graph, raise_all, users_of
from ._scoped import RestoreScoped

if TYPE_CHECKING:
    from collections.abc import Generator

    from .. import Registry

__all__ = ("open_values", "overridden", "set_aside")

T = TypeVar("T")


def open_values(registry: Registry) -> list[tuple[str, object]]:
    """Return the name and the value of each open build of a registry."""
    with graph:
        return [(built.owner.name, built.value) for built in OpenBuilds.of(registry).open]


@contextlib.contextmanager
def overridden(scoped: RestoreScoped[T], value: T) -> Generator[T, None, None]:
    """Replace a value for the time of a ``with`` block; see `Registry.override`."""
    given = cast("object", scoped)
    if not isinstance(given, RestoreScoped):
        msg = f"override: {type(given).__qualname__!r} is no resource. Give one, or a PerRestore: not what it gives."
        raise TypeError(msg)
    stand_in = Built(cast("RestoreScoped[object]", scoped), 0, value, given=True)
    hidden = [scoped.built] if scoped.built is not None else []
    hidden += users_of(*hidden)
    for built in hidden:
        built.owner.give(None)
    scoped.give(stand_in)
    try:
        yield value
    finally:
        errors = [error for each in users_of(stand_in) for error in close(each)]
        stand_in.closed = True  # whoever began later and ends later must not give it back
        if scoped.built is stand_in:
            scoped.give(None)
        for built in hidden:
            if not built.closed and built.owner.built is None:
                built.owner.give(built)
        raise_all(errors)


@contextlib.contextmanager
def set_aside(registry: Registry) -> Generator[None, None, None]:
    """Hide the open values of a registry for the time of a ``with`` block, and close those of the block."""
    builds = OpenBuilds.of(registry)
    builds.forget()
    with graph:
        before, attached = builds.open, builds.attached
        builds.open, builds.attached = dict[Built, None](), WeakSet[object]()
        for built in before:
            built.owner.give(None)
    try:
        yield
    finally:
        errors = builds.sweep()
        with graph:
            builds.open, builds.attached = before, attached
            for built in before:
                built.owner.give(built)
        raise_all(errors)
