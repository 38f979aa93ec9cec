"""All of a registry that changes, in one piece: what it holds, and what its phases left.

`Registry` is the public face of it; the rooms that discover, run and drive work on it.
"""

from __future__ import annotations

import gc
import threading
from itertools import count
from types import MethodType
from typing import TYPE_CHECKING, Final

from ._foreign import is_a
from ._hook import normalise, refusal
from .errors import SnapstartHooksError, UnknownHookError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._discovery import Skipped
    from ._engine import PhaseRun
    from ._hook import Hook, ProviderInfo
    from ._instances import Each
    from ._report import HookObserver, PhaseReport
    from ._settings import Names, Settings

_versions: Final = count(1)
"""Each change of any registry has a number of its own, so that no two states can be mistaken for each other."""

_FROZEN: Final = gc.get_freeze_count()
"""How many objects the garbage collector never looked at: Python 3.12 has some from the start."""


class State:
    """What a registry holds.

    Every change is made under `lock`, and whole.  Whoever works with hooks compares
    `version`: it is another one after every change, here or in a registry that is included.
    """

    def __init__(self, adopt: Callable[[State], None] | None = None) -> None:
        self.lock: Final = threading.RLock()  # held while something changes, never while code of others runs
        self.hooks: Final[list[Hook]] = []  # those of the application, as registered
        self.each: Final[list[Each]] = []  # what becomes a hook for each live object, whoever ships it
        self.included: Final[dict[str, Included]] = {}  # the providers, by name
        # Providers that are loaded once their package is imported: what names it until then, and what includes them.
        self.deferred: list[tuple[Callable[[], str], Callable[[], None]]] = []
        self.disable: Names | None = None  # what the settings leave out, also of the hooks for live objects
        self.warnings: tuple[str, ...] = ()  # what the last discovery found to be misspelt, and the like
        self.skipped: tuple[Skipped, ...] = ()  # what it left out, and why
        self.adopt: Callable[[State], None] | None = adopt  # takes over what was registered elsewhere
        self.settings: Settings | None = None  # as the last before_snapshot phase read them
        self.prepared: PhaseRun | None = None  # after_restore, as the last before_snapshot phase left it ready
        self.running: PhaseRun | None = None
        self.observers: Final[dict[object, HookObserver]] = {}  # each under a key of its own
        self.switched_on: tuple[HookObserver, ...] = ()  # those that the settings name
        self.last_report: PhaseReport | None = None
        self.snapshot_at: float | None = None  # when the latest before_snapshot ended well: wall time, in seconds
        self.restored_at: float | None = None  # when the latest after_restore began
        self.generation = 0  # how often that was
        self._live: list[Hook] = []  # of `each`, as far as objects live
        self._removed: Final[set[Hook]] = set()  # of those that are not the application's
        self._adopted: set[Hook] = set()  # of `hooks`, those that were registered elsewhere
        self._order: tuple[int, list[Hook]] = (0, [])
        self._parts: tuple[Callable[[], State], ...] = ()  # of the registries that are included
        self._version: int = next(_versions)
        self._structure: int = self._version

    # Change.

    def add(self, hook: Hook) -> None:
        """Take a hook as the application's next one, behind what was registered elsewhere until now."""
        self.collect()
        self.append(hook)

    def append(self, hook: Hook, *, adopted: bool = False) -> None:
        """Take a hook as the application's next one; one that is `adopted` is none if a provider ships it, too."""
        with self.lock:
            if adopted:
                if any(_same(hook, each) for each in self._shipped()):
                    return
                self._adopted.add(hook)
            self.hooks.append(hook)
            self._version = next(_versions)

    def collect(self) -> None:
        """Take over what was registered elsewhere until now, before hooks are added or planned."""
        if self.adopt is not None:
            with self.lock:
                self.adopt(self)

    def include(self, included: Included, *, again: bool = False) -> None:
        """Take what a provider ships; it is right that it is there already if it may be so `again`.

        Raises:
            ProviderError: The name is taken, or the provider is a registry that this one is part of.
        """
        info, theirs = included.info, included.state
        with self.lock:
            if info.name in self.included:
                if again:
                    return
                raise refusal(info, f"a provider named {info.name!r} is included already")
            if theirs is not None:
                if theirs().contains(self):
                    raise refusal(info, "this registry is part of it, so it cannot be part of this registry")
                self._parts = (*self._parts, theirs)
            self.included[info.name] = included
            self.each.extend(included.each)
            if self._adopted:  # what is registered elsewhere, too, runs once
                twice = {hook for hook in self._adopted if any(_same(hook, each) for each in included.hooks())}
                self._adopted -= twice
                self.hooks[:] = [hook for hook in self.hooks if hook not in twice]
            self.changed()

    def remove(self, hook: Hook) -> None:
        """Take a hook out.

        Raises:
            UnknownHookError: It is not here.
        """
        with self.lock:
            if not any(hook is each for each in self.all_hooks()):
                msg = f"{hook!r} is not in this registry. Give one of `registry.hooks`."
                raise UnknownHookError(msg)
            if hook in self.hooks:
                self.hooks.remove(hook)
            else:
                self._removed.add(hook)
            self.changed()

    def refresh(self) -> list[Exception]:
        """Look which objects live, for the hooks that are for each of them; give what cannot be had."""
        frozen = gc.get_freeze_count() > _FROZEN
        if frozen:  # by a hook of this snapshot or of a former one: who looks with `gc` would not see them
            gc.unfreeze()
        errors = self._look()
        if frozen:
            gc.freeze()
        return errors

    def _look(self) -> list[Exception]:
        errors: list[Exception] = []
        live: list[Hook] = []
        for each in tuple(self.each):
            try:
                live += each.hooks()
            except SnapstartHooksError as error:
                errors.append(error)
        disable = self.disable
        if disable is not None:
            live = [hook for hook in live if not disable.named({normalise(hook.name)})]
        if live != self._live:
            with self.lock:
                self._live = live
                self.changed()
        for part in self._parts:
            part().disable = disable
            errors += part()._look()  # noqa: SLF001 - another of its kind
        return errors

    def load(self, providers: Sequence[Callable[[], None]]) -> list[Exception]:
        """Let each provider be loaded and included, whatever becomes of the others; give what cannot be used."""
        errors: list[Exception] = []
        for load in providers:
            try:
                load()
            except SnapstartHooksError as error:
                errors.append(error)
        return errors + self.refresh()

    def awaken(self) -> list[Exception]:
        """Load the providers whose package was imported meanwhile; give what cannot be used."""
        due = [deferred for deferred in self.deferred if not deferred[0]()]
        for deferred in due:
            self.deferred.remove(deferred)
        return self.load([load for _, load in due]) if due else []

    def changed(self) -> None:
        """What was planned until now is void: something else than a further hook of the application."""
        self._version = self._structure = next(_versions)

    # Ask.

    def contains(self, other: State) -> bool:
        """Whether `other` is this state, or that of a registry that is included."""
        return self is other or any(part().contains(other) for part in self._parts)

    @property
    def version(self) -> int:
        """Another number after every change."""
        return max(self._version, self.structure) if self._parts else self._version

    @property
    def structure(self) -> int:
        """Another number after every change but that a hook of the application was appended."""
        return max([self._structure, *(part().version for part in self._parts)])

    def all_hooks(self) -> tuple[Hook, ...]:
        """All hooks of both phases: own ones as registered, then each provider's."""
        with self.lock:
            return (*self.hooks, *self._shipped())

    def _shipped(self) -> list[Hook]:
        shipped = (hook for included in self.included.values() for hook in included.hooks())
        return [hook for hook in (*self._live, *shipped) if hook not in self._removed]

    def order(self) -> Sequence[Hook]:
        """The restore order of all hooks; made anew only if something changed since it was made.

        Raises:
            HookOrderError: The ``after`` of some hooks form a cycle.
        """
        from ._plan import order

        self.collect()
        with self.lock:
            version = self.version  # whoever changes something from here on makes another one
            if self._order[0] != version:
                self._order = version, order(self.all_hooks())
            return self._order[1]


class Included:
    """What a provider ships: hooks, or what makes some for live objects, or all that a registry has at the time.

    Attributes:
        info: Who ships them.
        each: What makes hooks for live objects.
        state: Gives the registry's state; ``None`` if it is no registry.
    """

    def __init__(
        self,
        info: ProviderInfo,
        *,
        hooks: Sequence[Hook] = (),
        each: Sequence[Each] = (),
        state: Callable[[], State] | None = None,
    ) -> None:
        self.info: Final = info
        self.each: Final = each
        self.state: Final = state
        self._hooks: Final = hooks
        self._ours: Final[dict[Hook, Hook]] = {}

    def hooks(self) -> Sequence[Hook]:
        """The hooks in their own order, but those for live objects of an object or module."""
        if self.state is None:
            return self._hooks
        theirs = self.state().all_hooks()
        for hook in theirs:
            if hook not in self._ours:
                self._ours[hook] = hook.shipped_by(self.info)
        return [self._ours[hook] for hook in theirs]


def _same(one: Hook, other: Hook) -> bool:
    """Whether both call the same function of the same object, without arguments, in the same phase."""
    if one.phase is not other.phase or one.args or one.kwargs or other.args or other.kwargs:
        return False
    if is_a(one.func, MethodType) and is_a(other.func, MethodType):
        return one.func.__self__ is other.func.__self__ and one.func.__func__ is other.func.__func__
    return one.func is other.func
