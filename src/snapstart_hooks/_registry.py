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
    """A collection of hooks, and the two phases that run them.

    Applications use `default_registry` through the functions of this package.  A library that
    wants decorators makes a registry of its own, which its entry point names.  Registration is
    thread-safe, and checks a hook before it changes the registry.

    Attributes:
        before_snapshot: The decorator for hooks that run before the snapshot.
        before_checkpoint: An alias of `before_snapshot`, the name that CRaC uses.
        after_restore: The decorator for hooks that run after a restore.
        provides: Further names for ``after`` and the settings, if this registry is a provider.
    """

    def __init__(self, *, allow: Collection[str] | None = None, provides: Sequence[str] = ()) -> None:
        """Make an empty registry.

        Args:
            allow: The only installed providers that `discover` may load, as ``distribution`` or
                ``distribution:entry point``.  Default: any. ``SNAPSTART_HOOKS_ALLOW`` restricts further.
            provides: Further names for ``after`` and the settings, if an entry point names this registry.

        Raises:
            HookOptionError: `allow` or `provides` is no collection of ``str``.
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

        Args:
            func: Any callable, sync or async.
            *args: Its positional arguments.
            **kwargs: Its keyword arguments.

        Raises:
            HookSignatureError: `func` does not accept the arguments, or cannot be a hook.
        """
        self._state.add(Hook(Phase.BEFORE_SNAPSHOT, func, args, kwargs))
        return func

    def register_after_restore(self, func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Callable[P, R]:
        """Register a call of `func` after a restore; return `func`.

        Same arguments and result as the function of this name in ``snapshot_restore_py``.

        Args:
            func: Any callable, sync or async.
            *args: Its positional arguments.
            **kwargs: Its keyword arguments.

        Raises:
            HookSignatureError: `func` does not accept the arguments, or cannot be a hook.
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
        """Add the hooks of a provider, as `discover` does for installed ones.

        If it is a registry, hooks that are registered there later are added, too.

        Args:
            provider: A module or object with ``before_snapshot`` and/or ``after_restore``, or a registry.
            name: The provider's name.

        Raises:
            ProviderError: `provider` has no hooks or contains this registry, or a provider has that name already.
            HookOptionError: `name` is not a ``str``, or is empty.
        """
        read_options(lambda: f"include(...) ({site()})", {"name": name})
        self._state.include(included(provider, ProviderInfo(name)))
        for error in self._state.refresh():
            raise error

    def remove(self, hook: Hook) -> None:
        """Remove a hook; a running phase that has not begun it, or those it overlaps, will not call it.

        Args:
            hook: One of `hooks`.

        Raises:
            UnknownHookError: `hook` is not one of `hooks`.
        """
        self._state.remove(hook)

    @property
    def hooks(self) -> tuple[Hook, ...]:
        """All hooks of both phases: those of the application in the order of registration, then each provider's."""
        return self._state.all_hooks()

    # Discover.

    def discover(self) -> tuple[ProviderInfo, ...]:
        """Load the hooks that installed distributions declare as ``snapstart.hooks``.

        Providers that are included already are not loaded again.

        Returns:
            All providers of this registry.

        Raises:
            DiscoveryError: Some providers cannot be used; it names each. The others are included.
            SettingsError: A ``SNAPSTART_HOOKS_*`` variable has an impossible value.
        """
        later().discover(self._state, self._allow, included)
        return self.providers

    @property
    def providers(self) -> tuple[ProviderInfo, ...]:
        """The providers that are included."""
        return tuple(each.info for each in tuple(self._state.included.values()))

    @property
    def skipped(self) -> tuple[str, ...]:
        """The providers that the last `discover` left out, each with the reason: ``name: reason``."""
        return tuple(map(str, self._state.skipped))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of the last `discover`: probably misspelt names, and differences to the manifest."""
        return self._state.warnings

    # Plan.

    def plan(self, phase: Phase) -> tuple[Hook, ...]:
        """Return the hooks of a phase in the order in which they run.

        Args:
            phase: A `Phase`, or its value.

        Raises:
            HookOrderError: The ``after`` of some hooks form a cycle.
        """
        from ._plan import of_phase

        return of_phase(Phase(phase), self._state.order())

    # Run.

    def run_before_snapshot(self, *, rollback: bool | None = None) -> PhaseReport:
        """Run all before_snapshot hooks, and prepare the after_restore phase.

        It may be called repeatedly: Lambda takes new snapshots of a published version later.

        Args:
            rollback: Whether a failure runs the after_restore hooks of whatever has run successfully.
                Default: ``SNAPSTART_HOOKS_ROLLBACK``, else true outside of Lambda, where the process goes on.

        Returns:
            The report, which is also logged as one line and kept as `last_report`.

        Raises:
            HooksFailed: Required hooks failed.
            AuditError: ``SNAPSTART_HOOKS_AUDIT=error``, and there are open connections, threads or child processes.
            BudgetExceeded: The phase exceeded ``SNAPSTART_HOOKS_INIT_BUDGET``.
            HookOrderError: The ``after`` of some hooks form a cycle; no hook was run.
            PhaseError: A phase of this registry is running.
            SettingsError: A ``SNAPSTART_HOOKS_*`` variable has an impossible value; no hook was run.
        """
        return later().run_before_snapshot(self._state, rollback)

    def run_after_restore(self) -> PhaseReport:
        """Run all after_restore hooks.

        It uses the plan that `run_before_snapshot` has prepared, or makes one if that was not called
        or the hooks have changed since.

        Returns:
            The report, which is also kept as `last_report`, and logged as one line unless the phase
            succeeded in less than a second.

        Raises:
            HooksFailed: Required hooks failed.
            BudgetExceeded: The phase exceeded ``SNAPSTART_HOOKS_BUDGET``.
            HookOrderError: The ``after`` of some hooks form a cycle; no hook was run.
            PhaseError: A phase of this registry is running.
        """
        return later().run_after_restore(self._state)

    # Report.

    def add_observer(self, observer: HookObserver) -> Callable[[], None]:
        """Call an observer from the next phase on.

        Args:
            observer: An object with any of the methods of `HookObserver`.

        Returns:
            A function that removes the observer.
        """
        observers, key = self._state.observers, object()  # the same one may be added several times
        observers[key] = observer

        def undo() -> None:
            observers.pop(key, None)

        return undo

    @property
    def last_report(self) -> PhaseReport | None:
        """The report of the latest phase; ``None`` if none has run."""
        return self._state.last_report

    @property
    def generation(self) -> int:
        """The number of restores of this process; a value that was cached at another number is stale."""
        return self._state.generation

    @property
    def restored_at(self) -> float | None:
        """The time of the latest restore in seconds since the epoch; ``None`` if there was none."""
        return self._state.restored_at

    @property
    def snapshot_age(self) -> float | None:
        """Seconds from the snapshot to the latest restore; ``None`` if one of them has not happened.

        It is wall time: the monotonic clock does not advance between snapshot and restore.
        """
        state = self._state
        if state.restored_at is None or state.snapshot_at is None:
            return None
        return max(state.restored_at - state.snapshot_at, 0.0)

    @contextmanager
    def isolated(self) -> Generator[Registry, None, None]:
        """Empty the registry inside a ``with`` block, and restore its hooks at the end; for tests.

        Inside the block its `generation` is 0, and none of its resources is open.

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
        """Replace the value of a resource inside a ``with`` block, in all threads; for tests.

        Resources that depend on it are built anew inside the block, and closed at its end.
        Restores inside the block do not change the value.

        Args:
            scoped: The resource of `snapstart_hooks.resources`.
            value: Its value inside the block.
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
