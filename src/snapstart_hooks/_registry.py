"""`Registry`: the public face of a `State`; and the default one, that applications use."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from ._callables import site
from ._compat import override
from ._decorators import HookDecorator
from ._foreign import is_a, shown
from ._hook import Hook, Phase, ProviderInfo, normalise, read_options
from ._state import Included, State
from .errors import HookOptionError, PhaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Sequence
    from contextlib import AbstractContextManager

    from ._provider import AfterRestoreOfEach, AfterRestoreProvider, BeforeSnapshotOfEach, BeforeSnapshotProvider
    from ._report import HookObserver, PhaseReport
    from .resources import RestoreScoped

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Registry:
    """Hooks, and the two phases that run them.

    Applications use `default_registry` through the functions of this package.  A library
    that wants decorators makes one of its own and lets its entry point name it.  Registering
    is thread-safe, and refuses what cannot be a hook before it changes anything.

    Attributes:
        before_snapshot: The decorator for hooks of that phase.
        before_checkpoint: The same, under the name that CRaC uses.
        after_restore: The decorator for hooks of that phase.
        provides: Further names of the provider that it is.
    """

    def __init__(self, *, allow: Collection[str] | None = None, provides: Sequence[str] = ()) -> None:
        """Make an empty registry.

        Args:
            allow: The only installed providers that `discover` may load, as ``distribution`` or
                ``distribution:entry point``.  Default: any. ``SNAPSTART_HOOKS_ALLOW`` restricts further.
            provides: Further names for edges and settings, where an entry point names this registry.

        Raises:
            HookOptionError: `allow` or `provides` is one string, or has something else in it.
        """
        for option, names in ("allow", allow), ("provides", provides):
            if names is not None and (is_a(names, str) or not all(is_a(each, str) for each in names)):
                msg = f"{option}={shown(names)} is not possible. Give a collection of names, such as {option}=['acme']."
                raise HookOptionError(msg)
        self.provides: Final = tuple(map(str.__str__, provides))  # the methods of a subclass are anybody's code
        self.before_snapshot: Final = HookDecorator(Phase.BEFORE_SNAPSHOT, lambda: self._state)
        self.before_checkpoint: Final = self.before_snapshot
        self.after_restore: Final = HookDecorator(Phase.AFTER_RESTORE, lambda: self._state)
        self._allow: Final = None if allow is None else frozenset(map(str.__str__, allow))
        self._state = State()

    # Declare.

    def register_before_snapshot(self, func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Callable[P, R]:
        """Register a call of `func` before the snapshot; return `func`.

        Same arguments and result as the function of this name in ``snapshot_restore_py``.

        Raises:
            HookSignatureError: The arguments do not fit `func`, or it is no possible hook.
        """
        self._state.add(Hook(Phase.BEFORE_SNAPSHOT, func, args, kwargs))
        return func

    def register_after_restore(self, func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Callable[P, R]:
        """Register a call of `func` after a restore; return `func`.

        Same arguments and result as the function of this name in ``snapshot_restore_py``.

        Raises:
            HookSignatureError: The arguments do not fit `func`, or it is no possible hook.
        """
        self._state.add(Hook(Phase.AFTER_RESTORE, func, args, kwargs))
        return func

    def include(
        self,
        provider: BeforeSnapshotProvider
        | AfterRestoreProvider
        | BeforeSnapshotOfEach[T]
        | AfterRestoreOfEach[T]
        | Registry,
        *,
        name: str,
    ) -> None:
        """Add the hooks of a provider: what discovery does with those that are installed.

        Hooks that a registry gets later are added, too.

        Args:
            provider: A module or object with ``before_snapshot`` and/or ``after_restore``, or a registry.
            name: The provider's name.

        Raises:
            ProviderError: It is no provider, contains this registry, or the name is taken.
            HookOptionError: The name is no str or empty.
        """
        read_options(lambda: f"include(...) ({site()})", {"name": name})
        self._state.include(included(provider, ProviderInfo(name)))
        for error in self._state.refresh():
            raise error

    def remove(self, hook: Hook) -> None:
        """Take a hook out; if a phase runs and it has not had its turn, it is not run any more.

        Raises:
            UnknownHookError: It is none of `hooks`.
        """
        self._state.remove(hook)

    @property
    def hooks(self) -> tuple[Hook, ...]:
        """All hooks of both phases: own ones as registered, then each provider's."""
        return self._state.all_hooks()

    # Discover.

    def discover(self) -> tuple[ProviderInfo, ...]:
        """Load the hooks that installed distributions declare as ``snapstart.hooks``.

        Providers that are included already are not loaded again.

        Returns:
            All providers of this registry.

        Raises:
            DiscoveryError: Some cannot be used; it names each. The others are included.
            SettingsError: ``SNAPSTART_HOOKS_DISABLE`` or another variable cannot be understood.
        """
        later().discover(self._state, self._allow, included)
        return self.providers

    @property
    def providers(self) -> tuple[ProviderInfo, ...]:
        """The providers whose hooks this registry has."""
        return tuple(each.info for each in tuple(self._state.included.values()))

    @property
    def skipped(self) -> tuple[str, ...]:
        """What the last `discover` left out, and why: disabled, not allowed, or hidden by a duplicate."""
        return tuple(map(str, self._state.skipped))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the last `discover` found that is probably a mistake: names that are close to one of the contract's."""
        return self._state.warnings

    # Plan.

    def plan(self, phase: Phase) -> tuple[Hook, ...]:
        """The hooks of `phase` in the order in which they will run.

        Raises:
            HookOrderError: The ``after`` of some hooks form a cycle; it names them.
        """
        from ._plan import of_phase

        return of_phase(Phase(phase), self._state.order())

    # Run.

    def run_before_snapshot(self, *, rollback: bool | None = None) -> PhaseReport:
        """Run the before_snapshot hooks, all of them, and make ready for the restore.

        May be called again: Lambda takes new snapshots of a published version later.

        Args:
            rollback: Whether, if this fails, the after_restore hooks of what was put away run at once.
                Default: ``SNAPSTART_HOOKS_ROLLBACK``, else yes unless on Lambda, where the process ends.

        Returns:
            What each hook did. It is also logged, as one line, and kept as `last_report`.

        Raises:
            HooksFailed: Required hooks failed.
            AuditError: ``SNAPSTART_HOOKS_AUDIT=error`` and the snapshot would contain what is wrong after a restore.
            BudgetExceeded: ``SNAPSTART_HOOKS_INIT_BUDGET`` was used up.
            HookOrderError: The ``after`` of some hooks form a cycle; no hook was run.
            PhaseError: A phase of this registry is running.
            SettingsError: A ``SNAPSTART_HOOKS_*`` variable cannot be understood; no hook was run.
        """
        return later().run_before_snapshot(self._state, rollback)

    def run_after_restore(self) -> PhaseReport:
        """Run the after_restore hooks, all of them.

        The plan that `run_before_snapshot` left is used if nothing was registered since;
        if that was never called, as in a test, it is made now.

        Returns:
            What each hook did. It is also logged, as one line, and kept as `last_report`.

        Raises:
            HooksFailed: Required hooks failed.
            BudgetExceeded: ``SNAPSTART_HOOKS_BUDGET`` was used up.
            HookOrderError: The ``after`` of some hooks form a cycle; no hook was run.
            PhaseError: A phase of this registry is running.
        """
        return later().run_after_restore(self._state)

    # Report.

    def add_observer(self, observer: HookObserver) -> Callable[[], None]:
        """Tell `observer` what happens in the phases from the next one on.

        Returns:
            A function that ends it.
        """
        observers, key = self._state.observers, object()  # the same one may be added several times
        observers[key] = observer

        def undo() -> None:
            observers.pop(key, None)

        return undo

    @property
    def last_report(self) -> PhaseReport | None:
        """What the latest phase did; ``None`` if none has run."""
        return self._state.last_report

    @property
    def generation(self) -> int:
        """How many times this process was restored: a value cached under another number is stale."""
        return self._state.generation

    @property
    def restored_at(self) -> float | None:
        """When the latest restore began, in seconds of wall time since the epoch; ``None`` if there was none."""
        return self._state.restored_at

    @property
    def snapshot_age(self) -> float | None:
        """Seconds of wall time from the snapshot to the latest restore; ``None`` without either.

        Of wall time, because in a restored environment the monotonic clock has not advanced.
        """
        state = self._state
        if state.restored_at is None or state.snapshot_at is None:
            return None
        return max(state.restored_at - state.snapshot_at, 0.0)

    @contextmanager
    def isolated(self) -> Generator[Registry, None, None]:
        """Make the registry as good as new inside a ``with`` block, and as it was behind it; for tests.

        Nor is any of its resources open inside it, and its generation is 0.

        Raises:
            PhaseError: A phase is running.
        """
        from .resources._tests import set_aside

        before = self._state
        with before.lock:
            if before.running is not None:
                msg = f"the registry cannot be isolated while its {before.running.phase.value} runs"
                raise PhaseError(msg)
            self._state = State(before.adopt)
        try:
            with set_aside(self):
                yield self
        finally:
            before.changed()  # for the registries that include this one
            self._state = before

    @override
    def __repr__(self) -> str:
        return f"<Registry with {len(self.hooks)} hooks>"

    # The last one: its name is that of the decorator.
    def override(self, scoped: RestoreScoped[T], value: T) -> AbstractContextManager[T]:
        """Let something of `snapstart_hooks.resources` be `value` inside a ``with`` block; for tests.

        What was built with it is built anew, with `value`, inside the block, and closed at its end.
        Restores inside the block leave `value` as it is.  Of the whole process: other threads see it, too.

        Args:
            scoped: The resource.
            value: What it gives.
        """
        from .resources._tests import overridden

        return overridden(scoped, value)


class _Later:
    """What is needed at publish and at restore only, imported when it is."""

    def __init__(self) -> None:
        from ._discovery import discover
        from ._phases import run_after_restore, run_before_snapshot
        from ._provider import read

        self.discover: Final = discover
        self.read: Final = read
        self.run_before_snapshot: Final = run_before_snapshot
        self.run_after_restore: Final = run_after_restore


later: Final = functools.cache(_Later)
"""Once, and then kept: `sys.modules` may hold the rooms of another copy of this package by then."""


def state_of(registry: Registry) -> State:
    """What a registry holds, for the rooms that discover, run and drive."""
    return registry._state  # noqa: SLF001 - of this room


def included(provider: object, info: ProviderInfo) -> Included:
    """What `provider` ships.

    Raises:
        ProviderError: It is neither a registry, nor a module or object with hooks.
    """
    if is_a(provider, Registry):
        info.names |= frozenset(map(normalise, provider.provides))
        return Included(info, state=lambda: state_of(provider))
    return later().read(provider, info)


default_registry: Final = Registry()
"""The registry that the functions of this package use, and the Lambda runtime runs."""
