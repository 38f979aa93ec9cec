"""All of a registry that changes, in one piece: what it holds, and what its phases left.

`Registry` is the public face of it; the rooms that discover, run and drive work on it.
"""

from __future__ import annotations

import threading
from itertools import count
from typing import TYPE_CHECKING, Final

from .errors import UnknownHookError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._engine import PhaseRun
    from ._hook import Hook, ProviderInfo
    from ._report import HookObserver, PhaseReport
    from ._settings import Settings

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
        included: The providers, by name.
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
        "_order",
        "_parts",
        "_structure",
        "_version",
        "adopt",
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
    )

    def __init__(self, adopt: Callable[[State], None] | None = None) -> None:
        self.lock: Final = threading.RLock()
        self.hooks: Final[list[Hook]] = []
        self.included: Final[dict[str, Included]] = {}
        self.skipped: tuple[str, ...] = ()
        self.adopt = adopt
        self.settings: Settings | None = None
        self.running: PhaseRun | None = None
        self.observers: tuple[tuple[HookObserver], ...] = ()
        self.switched_on: tuple[HookObserver, ...] = ()
        self.last_report: PhaseReport | None = None
        self.snapshot_at: float | None = None
        self.restored_at: float | None = None
        self.generation = 0
        self._order: tuple[int, list[Hook]] = (0, [])
        self._parts: tuple[Callable[[], State], ...] = ()  # of the registries that are included
        self._version = self._structure = next(_versions)

    # Change.

    def add(self, hook: Hook) -> None:
        """Take a hook as the application's next one, behind what was registered elsewhere until now."""
        self.collect()
        self.append(hook)

    def append(self, hook: Hook) -> None:
        """Take a hook as the application's next one."""
        with self.lock:
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
            if not found:
                msg = f"{hook!r} is not in this registry. Give one of `registry.hooks`."
                raise UnknownHookError(msg)
            self.changed()

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
            return (*self.hooks, *(hook for included in self.included.values() for hook in included.hooks()))

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

    __slots__ = ("_copies", "_fixed", "_removed", "info", "state")

    def __init__(
        self, info: ProviderInfo, *, hooks: Sequence[Hook] = (), state: Callable[[], State] | None = None
    ) -> None:
        self.info: Final = info
        self.state: Final = state
        self._fixed: Final = list(hooks)
        self._copies: Final[dict[Hook, Hook]] = {}
        self._removed: Final[set[Hook]] = set()

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
            return True
        if self.state is not None and any(hook is each for each in self.hooks()):
            self._removed.add(hook)
            return True
        return False


def _without(hooks: list[Hook], hook: object) -> bool:
    """Take `hook` out of `hooks`, if it is there; whoever asks may give anything, so it is not asked for equality."""
    for index, each in enumerate(hooks):
        if each is hook:
            del hooks[index]
            return True
    return False
