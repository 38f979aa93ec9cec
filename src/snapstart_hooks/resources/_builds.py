"""The builds of values that are open, which uses which, and the order in which they are closed.

Two hooks bracket all others of a registry: values that the others leave open are closed last before the snapshot, or
else first after the restore.
"""

from __future__ import annotations

import atexit
import contextlib
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
    "ROUNDS",
    "SWEEP",
    "Built",
    "OpenBuilds",
    "close",
    "close_async",
    "graph",
    "in_work",
    "open_builds",
    "raise_all",
    "shown",
    "user",
    "users_of",
    "way",
)

SWEEP: Final = "snapstart_hooks.resources"
"""The name of the hooks that bracket all others."""

_FIRST: Final = 1 - 2**63
"""The lowest priority: first after a restore, and so last before a snapshot."""

ROUNDS: Final = 8
"""The number of times that a value is closed and opened again before that is an error."""


class Built:
    """One build of a value, from its beginning to its end.

    Attributes:
        owner: The resource or value that is built.
        restores: How many restores its registry had seen when it began.
        value: The result.
        number: The place in the order of all builds.
        building: Whether the build is not finished.
        closed: Whether the value is closed, or is being closed.
        given: Whether the value replaces another one in a test, which must not be closed here.
        failed: The exception that ended the build.
        needs: The resources that the build has asked for.
        uses: The build that it got from each of them.
        users: The builds that use this one: they are closed first.
        leave: The function that closes the value; ``None`` if nothing has to be closed.
        loop: The event loop of an async value; the attributes from here on are those of async values.
        task: The task that opens and closes the value.
        ready: The future that is done when the value is open, or cannot be opened.
        end: The event that lets the task close the value.
        waiting: The number of callers that wait for the value.
        abandoned: Whether all of them were cancelled, so that the value is not opened.
    """

    def __init__(
        self, owner: RestoreScoped[object], restores: int, value: object = None, *, given: bool = False
    ) -> None:
        self.owner: Final = owner
        self.restores: Final = restores
        self.value = value
        self.number = 0
        self.building: bool = not given
        self.closed = False
        self.given: Final = given
        self.failed: BaseException | None = None
        self.needs: Final[set[RestoreScoped[object]]] = set()
        self.uses: Final[dict[RestoreScoped[object], Built]] = {}
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
        """Record the build that uses this one, if there is one, in place of a former value of the same resource."""
        if asking is not None:
            if (former := asking.uses.get(self.owner)) is not None:
                former.users.discard(asking)
            self.users.add(asking)
            asking.uses[self.owner] = self

    def forget(self) -> None:
        """Remove this build from the users of others, so that they do not keep it alive."""
        for each in self.uses.values():
            each.users.discard(self)
        self.uses.clear()


graph: Final = threading.RLock()
"""The lock of all records here; it is never held while other code runs."""
user: Final[ContextVar[Built | None]] = ContextVar("snapstart_hooks.resources", default=None)
"""The build that runs in this context."""
in_work: Final[set[Built]] = set()
"""All builds that run.  While there are any, each use asks for the value, which records the use."""
shown: Final[set[RestoreScoped[object]]] = set()
"""The resources that give their value unasked.  There is none while a build runs."""
open_builds: Final[weakref.WeakKeyDictionary[Registry, OpenBuilds]] = weakref.WeakKeyDictionary()

_numbers: Final = itertools.count(1)


class OpenBuilds:
    """The open builds of a registry, and the hooks that bracket all others.

    Attributes:
        open: The builds, in their order.
        attached: The resources whose hooks are registered, and this object for its own.
        caches: The functions that empty the caches which are not empty.
        scoped: All resources and values of the registry.
        restores: How many restores it has seen, also as a part of another registry.
    """

    def __init__(self) -> None:
        self.open: dict[Built, None] = {}
        self.attached: weakref.WeakSet[object] = weakref.WeakSet()
        self.caches: dict[Callable[[], None], None] = {}
        self.scoped: Final[weakref.WeakSet[RestoreScoped[object]]] = weakref.WeakSet()
        self.restores = 0

    @classmethod
    def of(cls, registry: Registry) -> OpenBuilds:
        """Return the open builds of a registry."""
        with graph:
            if registry not in open_builds:
                open_builds[registry] = cls()
            return open_builds[registry]

    def attach(self, owner: object, register: Callable[[], None]) -> None:
        """Register the hooks of an owner, unless they are; again if a test has emptied the registry."""
        with graph:
            attached = owner in self.attached
            self.attached.add(owner)
        if not attached:
            register()

    def bracket(self, registry: Registry) -> None:
        """Register the two hooks."""
        last, first = self._last, self._first

        def register() -> None:
            registry.before_snapshot(priority=_FIRST, name=SWEEP)(last)
            registry.after_restore(priority=_FIRST, name=SWEEP, required=False)(first)

        self.attach(self, register)

    def _last(self) -> None:
        """Close the values that are still open, or that other hooks have opened."""
        raise_all(self.sweep())

    def _first(self) -> None:
        """Close the values that were opened between the two phases."""
        self.restores += 1
        if self.open or self.caches:
            raise_all(self.sweep())

    def sweep(self) -> list[Exception]:
        """Close all values, the latest first; return the errors."""
        self.forget()
        errors: list[Exception] = []
        for _ in range(ROUNDS):
            if not self.open:
                return errors
            for built in reversed(tuple(self.open)):
                errors += close(built)
        names = ", ".join(dict.fromkeys(built.owner.name for built in self.open))
        return [*errors, ResourceError(f"closing one of these resources opens another again and again: {names}")]

    def forget(self) -> None:
        """Empty the caches."""
        with graph:
            caches = tuple(self.caches)
            self.caches.clear()
        for clear in caches:
            clear()

    def opened(self, built: Built) -> None:
        """Record that a build is open."""
        _close_at_exit()
        built.number = next(_numbers)
        self.open[built] = None

    def closed(self, built: Built) -> None:
        """Record that a build is closed."""
        with graph:
            built.closed = True
            built.forget()
            self.open.pop(built, None)


def raise_all(errors: list[Exception]) -> None:
    """Raise one error as it is, several errors as a group."""
    if len(errors) > 1:
        msg = f"{len(errors)} resources could not be closed"
        raise ExceptionGroup(msg, errors)
    for error in errors:
        raise error


def users_of(*used: Built) -> list[Built]:
    """Return the open builds that use other ones, directly or not, the latest first."""
    with graph:
        found = {*used}
        todo = [*used]
        for each in todo:
            new = [user for user in each.users if user.open and user not in found]
            found.update(new)
            todo += new
        return sorted(todo[len(used) :], key=lambda each: -each.number)


def close(built: Built) -> list[Exception]:
    """Close a build, and its users before it; return the errors."""
    errors: list[Exception | None] = []
    while users := users_of(built):
        errors += [each.owner.close_one(each) for each in users]
    errors.append(built.owner.close_one(built))
    return [error for error in errors if error is not None]


async def close_async(built: Built) -> list[Exception]:
    """Close a build inside an event loop, and its users before it; return the errors."""
    errors: list[Exception | None] = []
    while users := users_of(built):
        errors += [await each.owner.close_here(each) for each in users]
    errors.append(await built.owner.close_here(built))
    return [error for error in errors if error is not None]


def way(start: RestoreScoped[object], end: RestoreScoped[object]) -> list[RestoreScoped[object]]:
    """Return the chain of resources through which `start` needs `end`; empty if there is none."""
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


def _close_at_exit() -> None:
    """Close what is open at exit before the handlers of others are called, such as that of an event loop."""
    global _handlers  # noqa: PLW0603 - of the process
    if atexit._ncallbacks() != _handlers:  # noqa: SLF001 - else none was registered since, and ours would become many
        atexit.register(_at_exit)
        _handlers = atexit._ncallbacks()  # noqa: SLF001


def _at_exit() -> None:
    every = [built for builds in tuple(open_builds.values()) for built in builds.open]
    for built in sorted(every, key=lambda built: -built.number):
        errors: list[BaseException] = []
        try:
            errors += close(built)
        except BaseException as error:  # noqa: BLE001 - the others are closed all the same
            errors.append(error)
        for each in errors:
            sys.excepthook(type(each), each, each.__traceback__)  # there is no caller that could catch it


_handlers = -1
"""The number of handlers of the exit when ours was registered the last time."""
_close_at_exit()  # first, so that it also runs after the handlers that are registered later


_parents: Final[list[Built]] = []
"""The values of the parent of a forked process. They are kept alive, because their finalizers might close them."""


def _in_child() -> None:
    """Leave the open values to the parent of a fork; the child opens its own when it uses them."""
    global _handlers  # noqa: PLW0603 - of the process
    _handlers = -1  # `multiprocessing` removes all
    for builds in tuple(open_builds.values()):
        shared = [built for built in builds.open if built.leave is not None or built.loop is not None]
        shared += users_of(*shared)
        _parents.extend(shared)
        for built in shared:
            built.owner.withdraw(built)
        for scoped in tuple(builds.scoped):
            scoped.forked()
    for built in in_work:
        built.building = False
    in_work.clear()
    graph.release()


with contextlib.suppress(AttributeError):  # on Windows nothing forks
    os.register_at_fork(before=graph.acquire, after_in_parent=graph.release, after_in_child=_in_child)
