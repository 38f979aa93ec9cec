"""All of a registry that changes, in one piece: what it holds, and what its phases left.

`Registry` is the public face of it; the rooms that discover, run and drive work on it.
"""

from __future__ import annotations

import threading
from itertools import count
from types import MethodType
from typing import TYPE_CHECKING, Final

from ._foreign import is_a
from ._hook import normalise
from .errors import SnapstartHooksError, UnknownHookError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._engine import PhaseRun
    from ._hook import Hook, ProviderInfo
    from ._instances import Each
    from ._report import HookObserver, PhaseReport
    from ._settings import Names, Settings

__all__ = ("Included", "State")

_versions: Final = count(1)
"""Each change of any registry has a number of its own, so that no two states can be mistaken for each other."""


class State:
    """What a registry holds.

    Every change is made under `lock`, and whole.  Whoever works with hooks compares
    `version`: it is another one after every change, here or in a registry that is included.

    Attributes:
        lock: Held while something changes, never while code of others runs.
        hooks: Those of the application, as registered.
        each: Those that become one for each live object.
        included: The providers, by name.
        deferred: Providers that are loaded once their package is imported: what names it until then, and what loads
            and includes them.
        disable: What the settings leave out, also of the hooks for live objects.
        warnings: What the last discovery found to be misspelt, and the like.
        skipped: What the last discovery left out, and why.
        adopt: Called before hooks are added or planned: takes over what was registered elsewhere.
        settings: As the last before_snapshot phase read them.
        running: The phase that runs.
        observers: Who is told of every phase; each in an entry of its own, so that one can be taken out.
        switched_on: Who is told because the settings say so.
        last_report: Of the latest phase.
        snapshot_at: When the latest before_snapshot phase ended well, in seconds of wall time.
        restored_at: When the latest after_restore phase began, likewise.
        generation: How often that was.
    """

    __slots__ = (
        "_adopted",
        "_live",
        "_order",
        "_parts",
        "_removed",
        "_structure",
        "_version",
        "adopt",
        "deferred",
        "disable",
        "each",
        "generation",
        "hooks",
        "included",
        "last_report",
        "lock",
        "observers",
        "restored_at",
        "running",
        "settings",
        "skipped",
        "snapshot_at",
        "switched_on",
        "warnings",
    )

    def __init__(self, adopt: Callable[[State], None] | None = None) -> None:
        self.lock: Final = threading.RLock()
        self.hooks: Final[list[Hook]] = []
        self.each: Final[list[Each]] = []
        self.included: Final[dict[str, Included]] = {}
        self.deferred: list[tuple[Callable[[], str], Callable[[], None]]] = []
        self.disable: Names | None = None
        self.warnings: tuple[str, ...] = ()
        self.skipped: tuple[str, ...] = ()
        self.adopt: Callable[[State], None] | None = adopt
        self.settings: Settings | None = None
        self.running: PhaseRun | None = None
        self.observers: tuple[tuple[HookObserver], ...] = ()
        self.switched_on: tuple[HookObserver, ...] = ()
        self.last_report: PhaseReport | None = None
        self.snapshot_at: float | None = None
        self.restored_at: float | None = None
        self.generation = 0
        self._live: list[Hook] = []  # of `each`, as far as objects live
        self._removed: Final[set[Hook]] = set()
        self._adopted: Final[list[Hook]] = []
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
        """Take a hook as the application's next one.

        Args:
            hook: The hook.
            adopted: Whether it was registered elsewhere: then it is none, if a provider ships the same function.
        """
        with self.lock:
            if adopted:
                if any(_same(hook, each) for included in self.included.values() for each in included.hooks()):
                    return
                self._adopted.append(hook)
            self.hooks.append(hook)
            self._version = next(_versions)

    def collect(self) -> None:
        """Take over what was registered elsewhere until now."""
        if self.adopt is not None:
            with self.lock:
                self.adopt(self)

    def include(self, included: Included, *, again: bool = False) -> None:
        """Take a provider's hooks.

        Args:
            included: The provider.
            again: If one of this name is there already, that is right.

        Raises:
            ProviderError: The name is taken, or the provider is a registry that this one is part of.
        """
        from ._provider import refusal

        with self.lock:
            if included.info.name in self.included:
                if again:
                    return
                raise refusal(included.info, f"a provider named {included.info.name!r} is included already")
            if included.state is not None and included.state().contains(self):
                raise refusal(included.info, "this registry is part of it, so it cannot be part of this registry")
            self.included[included.info.name] = included
            if self._adopted:  # what is registered elsewhere, too, runs once
                shipped = included.hooks()
                for hook in [hook for hook in self._adopted if any(_same(hook, each) for each in shipped)]:
                    _without(self._adopted, hook)
                    _without(self.hooks, hook)
            if included.state is not None:
                self._parts = (*self._parts, included.state)
            self.changed()

    def remove(self, hook: Hook) -> None:
        """Take a hook out.

        Raises:
            UnknownHookError: It is not here.
        """
        with self.lock:
            found = _without(self.hooks, hook) or any(each.remove(hook) for each in self.included.values())
            if _without(self._live, hook):
                self._removed.add(hook)
                found = True
            if not found:
                msg = f"{hook!r} is not in this registry. Give one of `registry.hooks`."
                raise UnknownHookError(msg)
            self.changed()

    def refresh(self) -> list[Exception]:
        """Look which objects live, for the hooks that are for each of them; give what cannot be had."""
        errors: list[Exception] = []
        live = _living(self.each, self._removed, self.disable, errors)
        changed = _differ(live, self._live)
        self._live = live
        for included in tuple(self.included.values()):
            changed |= included.refresh(self.disable, errors)
        if changed:
            with self.lock:
                self.changed()
        return errors

    def awaken(self) -> list[Exception]:
        """Load the providers whose package was imported meanwhile; give what cannot be used."""
        errors: list[Exception] = []
        due = [deferred for deferred in self.deferred if not deferred[0]()]
        for deferred in due:
            self.deferred.remove(deferred)
            try:
                deferred[1]()
            except SnapstartHooksError as error:
                errors.append(error)
        return errors + self.refresh() if due else errors

    def changed(self) -> None:
        """What was planned until now is void: something else than a further hook of the application."""
        self._version = self._structure = next(_versions)

    def contains(self, other: State) -> bool:
        """Whether `other` is this state, or that of a registry that is included."""
        return self is other or any(part().contains(other) for part in self._parts)

    # Ask.

    @property
    def version(self) -> int:
        """Another number after every change."""
        return max(self._version, *(part().version for part in self._parts)) if self._parts else self._version

    @property
    def structure(self) -> int:
        """Another number after every change but that a hook of the application was appended."""
        return max(self._structure, *(part().version for part in self._parts)) if self._parts else self._structure

    def all_hooks(self) -> tuple[Hook, ...]:
        """All hooks of both phases: own ones as registered, then each provider's."""
        with self.lock:
            return (
                *self.hooks,
                *self._live,
                *(hook for included in self.included.values() for hook in included.hooks()),
            )

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
    """A provider's hooks: fixed ones of a module or object, or those that a registry has now.

    Attributes:
        info: Who ships them.
        state: Gives the registry's state; ``None`` if it is no registry.
    """

    __slots__ = ("_copies", "_each", "_fixed", "_removed", "info", "state")

    def __init__(
        self,
        info: ProviderInfo,
        *,
        hooks: Sequence[Hook] = (),
        each: Sequence[Each] = (),
        state: Callable[[], State] | None = None,
    ) -> None:
        self.info: Final = info
        self.state: Final = state
        self._each: Final = each
        self._fixed: Final = list(hooks)
        self._copies: Final[dict[Hook, Hook]] = {}
        self._removed: Final[set[Hook]] = set()

    def refresh(self, disable: Names | None, errors: list[Exception]) -> bool:
        """Look which objects live; tell whether that changed anything here."""
        if self.state is not None:
            self.state().disable = disable
            errors += self.state().refresh()
            return False  # its own version tells
        if not self._each:
            return False
        from ._provider import refusal

        faults: list[Exception] = []
        live = _living(self._each, self._removed, disable, faults)
        errors += [refusal(self.info, str(fault)) for fault in faults]
        changed = _differ(live, self._fixed)
        self._fixed[:] = live
        return changed

    def hooks(self) -> list[Hook]:
        """They, in their own order."""
        if self.state is None:
            return self._fixed
        shipped: list[Hook] = []
        for theirs in self.state().all_hooks():
            ours = self._copies.get(theirs)
            if ours is None:
                ours = self._copies[theirs] = theirs.shipped_by(self.info)
            if ours not in self._removed:
                shipped.append(ours)
        return shipped

    def remove(self, hook: Hook) -> bool:
        """Take one out; tell whether it was here."""
        if _without(self._fixed, hook):
            self._removed.add(hook)
            return True
        if self.state is not None and any(hook is each for each in self.hooks()):
            self._removed.add(hook)
            return True
        return False


def _living(each: Sequence[Each], removed: set[Hook], disable: Names | None, errors: list[Exception]) -> list[Hook]:
    """The hooks for the objects that live now, but those that are left out one by one."""
    live: list[Hook] = []
    for one in tuple(each):
        try:
            live += one.hooks()
        except SnapstartHooksError as error:
            errors.append(error)
    return [
        hook
        for hook in live
        if hook not in removed and not (disable is not None and disable.named({normalise(hook.name)}))
    ]


def _same(one: Hook, other: Hook) -> bool:
    """Whether both call the same function of the same object, without arguments, in the same phase."""
    if one.phase is not other.phase or one.args or one.kwargs or other.args or other.kwargs:
        return False
    if is_a(one.func, MethodType) and is_a(other.func, MethodType):
        return one.func.__self__ is other.func.__self__ and one.func.__func__ is other.func.__func__
    return one.func is other.func


def _differ(one: Sequence[Hook], other: Sequence[Hook]) -> bool:
    return len(one) != len(other) or any(a is not b for a, b in zip(one, other, strict=True))


def _without(hooks: list[Hook], hook: object) -> bool:
    """Take `hook` out of `hooks`, if it is there; whoever asks may give anything, so it is not asked for equality."""
    for index, each in enumerate(hooks):
        if each is hook:
            del hooks[index]
            return True
    return False
