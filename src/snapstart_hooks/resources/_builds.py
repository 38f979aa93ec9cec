"""What has been built and is open, who was built with it, and the order in which it is closed.

A pair of hooks brackets all others of a registry: what those leave open is closed last before
the snapshot, or else first after the restore.
"""

from __future__ import annotations

import atexit
import itertools
import os
import sys
import threading
import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from ..errors import ResourceError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Event, Future, Task
    from collections.abc import Callable

    from .. import Registry
    from ._scoped import RestoreScoped

__all__ = (
    "SWEEP",
    "Built",
    "Keeper",
    "close",
    "close_async",
    "graph",
    "in_work",
    "keepers",
    "raise_all",
    "registered",
    "user",
    "users_of",
    "way",
)

SWEEP: Final = "snapstart_hooks.resources"
"""The name of the hooks that bracket all others."""

_FIRST: Final = 1 - 2**63
"""The lowest priority there is: comes back first, and so is put away last."""

_ROUNDS: Final = 8
"""How often what is opened while all is closed is closed again, before that counts as an error."""


class Built:
    """One build of a value, from its beginning on.

    Attributes:
        owner: Whose.
        value: What came of it.
        number: How many had been built when it was.
        pid: The process that built it: a fork must not close what is its parent's.
        building: Whether it is not done.
        closed: Whether it is closed, or is being closed.
        given: Whether it stands in for a value in a test, and is not ours to close.
        failed: What ended it.
        needs: What it asked for until now, while it is built.
        uses: What it got then.
        users: Those that got it while they were built: they are closed first.
        leave: Closes it; nothing has to be closed if that is ``None``.
        loop: The event loop on which it lives; this and the rest if it is async.
        task: In which it is opened and closed.
        ready: Done when it was opened, or will not be.
        end: Set when it is to be closed.
        waiting: How many wait for it to be opened.
        abandoned: Whether they all went away, so that it is opened no more.
    """

    def __init__(self, owner: RestoreScoped[object], value: object = None, *, given: bool = False) -> None:
        self.owner: Final = owner
        self.value = value
        self.number = 0
        self.pid: Final = os.getpid()
        self.building: bool = not given
        self.closed = False
        self.given: Final = given
        self.failed: BaseException | None = None
        self.needs: Final[set[RestoreScoped[object]]] = set()
        self.uses: Final[set[Built]] = set()
        self.users: Final[set[Built]] = set()
        self.leave: Callable[[], object] | None = None

    loop: AbstractEventLoop | None = None
    task: Task[None]
    ready: Future[None]
    end: Event
    waiting = 0
    abandoned = False

    @property
    def open(self) -> bool:
        """Whether there is something to close."""
        return not (self.building or self.closed or self.given)

    def used_by(self, asking: Built | None) -> None:
        """Note who got it, if that is being built."""
        if asking is not None:
            self.users.add(asking)
            asking.uses.add(self)

    def forget(self) -> None:
        """It uses nothing any more; what is open must not keep it alive."""
        for each in self.uses:
            each.users.discard(self)
        self.uses.clear()


graph: Final = threading.RLock()
"""Held while something in this room changes, never while code of others runs."""
user: Final[ContextVar[Built | None]] = ContextVar("snapstart_hooks.resources", default=None)
"""What is being built here."""
in_work: Final[set[Built]] = set()
"""What is being built anywhere.  While there is something, each use takes the long way, where it is noted."""
keepers: Final[weakref.WeakKeyDictionary[Registry, Keeper]] = weakref.WeakKeyDictionary()

_numbers: Final = itertools.count(1)


class Keeper:
    """What is open of one registry, and the hooks that bracket all others.

    Attributes:
        open: In the order in which it was built.
        caches: What empties those that are not empty.
    """

    def __init__(self) -> None:
        self.open: list[Built] = []
        self.caches: list[Callable[[], None]] = []
        self._hooks: Final = (self._last, self._first)

    @classmethod
    def of(cls, registry: Registry) -> Keeper:
        """The one of `registry`."""
        with graph:
            if registry not in keepers:
                keepers[registry] = cls()
            return keepers[registry]

    def attach(self, registry: Registry) -> None:
        """Register the two hooks; again, if the registry was emptied for a test."""
        last, first = self._hooks
        if not registered(registry, first):
            registry.before_snapshot(priority=_FIRST, name=SWEEP)(last)
            registry.after_restore(priority=_FIRST, name=SWEEP, required=False)(first)

    def _last(self) -> None:
        """Close what is still open, or was opened while the others were closed."""
        raise_all(self.sweep())

    def _first(self) -> None:
        """Close what was opened between the hooks of the two phases; mostly there is nothing."""
        if self.open or self.caches:
            raise_all(self.sweep())

    def sweep(self) -> list[Exception]:
        """Close all, the latest first; give what went wrong."""
        self.forget()
        errors: list[Exception] = []
        for _ in range(_ROUNDS):
            if not self.open:
                return errors
            for built in reversed(tuple(self.open)):
                errors += close(built)
        names = ", ".join(dict.fromkeys(built.owner.name for built in self.open))
        return [*errors, ResourceError(f"closing these opens them again, without end: {names}")]

    def forget(self) -> None:
        """Empty the caches."""
        with graph:
            caches = tuple(self.caches)
            self.caches.clear()
        for clear in caches:
            clear()

    def opened(self, built: Built) -> None:
        """Note it."""
        if not self.open or built.loop is not None:
            atexit.unregister(_at_exit)  # later than the loop on which it lives, so that it runs earlier
            atexit.register(_at_exit)
        built.number = next(_numbers)
        self.open.append(built)

    def closed(self, built: Built) -> None:
        """Note it."""
        with graph:
            built.closed = True
            built.forget()
            if built in self.open:
                self.open.remove(built)


def registered(registry: Registry, func: object) -> bool:
    """Whether `func` is one of its hooks."""
    return any(hook.func is func for hook in registry.hooks)


def raise_all(errors: list[Exception]) -> None:
    """Raise one as it is, several as a group."""
    if len(errors) > 1:
        msg = f"{len(errors)} resources could not be closed"
        raise ExceptionGroup(msg, errors)
    for error in errors:
        raise error


def users_of(built: Built) -> list[Built]:
    """What was built with it and is open; the latest first."""
    with graph:
        return sorted((each for each in built.users if each.open), key=lambda each: -each.number)


def close(built: Built) -> list[Exception]:
    """Close it, and before it whatever was built with it; give what went wrong."""
    errors: list[Exception] = []
    while users := users_of(built):
        for each in users:
            errors += close(each)
    error = built.owner.close_one(built)
    return errors if error is None else [*errors, error]


async def close_async(built: Built) -> list[Exception]:
    """The same inside an event loop, waiting for what lives on it."""
    errors: list[Exception] = []
    while users := users_of(built):
        for each in users:
            errors += await close_async(each)
    error = await built.owner.close_here(built)
    return errors if error is None else [*errors, error]


def way(start: RestoreScoped[object], end: RestoreScoped[object]) -> list[RestoreScoped[object]]:
    """How `start`, as far as it is being built, comes to need `end`; empty if it does not."""
    ways = [[start]]
    seen = {start}
    for each in ways:
        if each[-1] is end:
            return each
        pending = each[-1].pending
        for needed in pending.needs - seen if pending is not None else ():
            seen.add(needed)
            ways.append([*each, needed])
    return []


def _at_exit() -> None:
    every = [built for keeper in tuple(keepers.values()) for built in keeper.open if built.pid == os.getpid()]
    for built in sorted(every, key=lambda built: -built.number):
        for error in close(built):
            sys.excepthook(type(error), error, error.__traceback__)  # nobody is left to raise it to
