"""`Registry`: holds hooks, includes providers, makes plans.

An application imports this and registers hooks while it starts; so the rooms that do the
rest are imported by the methods that need them.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

from snapstart_hooks._callables import site
from snapstart_hooks._decorators import HookDecorator
from snapstart_hooks._hook import Hook, Phase, ProviderInfo, check_options

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Sequence

    from snapstart_hooks._engine import PhaseRun
    from snapstart_hooks._plan import Plans
    from snapstart_hooks._provider import AfterRestoreProvider, BeforeSnapshotProvider
    from snapstart_hooks._report import HookObserver, PhaseReport
    from snapstart_hooks._settings import Settings

__all__ = ("Registry", "default_registry", "register_after_restore", "register_before_snapshot")

P = ParamSpec("P")
R = TypeVar("R")


class Registry:
    """Hooks, and the two phases that run them.

    Applications use `default_registry` through the functions of this package.  A library
    that wants decorators makes one of its own and lets its entry point name it.

    Registering is thread-safe and refuses what cannot be a hook before it changes
    anything.  Only one phase runs at a time.

    Attributes:
        before_snapshot: The decorator for hooks of that phase.
        before_checkpoint: The same, under the name that CRaC uses.
        after_restore: The decorator for hooks of that phase.
    """

    def __init__(self, *, allow: Collection[str] | None = None) -> None:
        """Make an empty registry.

        Args:
            allow: The only installed providers that `discover` may load, as
                ``distribution`` or ``distribution:entry point``.  Default: any may.
                ``SNAPSTART_HOOKS_ALLOW`` restricts further.

        Raises:
            HookOptionError: `allow` is one string.
        """
        if isinstance(allow, str):
            from snapstart_hooks.errors import HookOptionError

            msg = f"allow={allow!r} is not possible. Give a collection of names: allow=[{allow!r}]."
            raise HookOptionError(msg)
        self.before_snapshot: Final = HookDecorator(Phase.BEFORE_SNAPSHOT, self._add)
        self.before_checkpoint: Final = self.before_snapshot
        self.after_restore: Final = HookDecorator(Phase.AFTER_RESTORE, self._add)
        self._allow: Final = None if allow is None else frozenset(allow)
        self._lock: Final = threading.RLock()
        self._parents: Final[list[Registry]] = []
        self._state = _State()
        # The bridge to another registry of hooks: called before a hook is added, so that
        # what was registered there until now keeps its place before it.
        self._adopt: Callable[[Registry], None] | None = None

    # Declare.

    def register_before_snapshot(self, func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Callable[P, R]:
        """Register a call of `func` before the snapshot; return `func`.

        Same arguments and result as the function of this name in ``snapshot_restore_py``.

        Raises:
            HookSignatureError: The arguments do not fit `func`, or it is no possible hook.
        """
        self._add(Hook(Phase.BEFORE_SNAPSHOT, func, args, kwargs))
        return func

    def register_after_restore(self, func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Callable[P, R]:
        """Register a call of `func` after a restore; return `func`.

        Same arguments and result as the function of this name in ``snapshot_restore_py``.

        Raises:
            HookSignatureError: The arguments do not fit `func`, or it is no possible hook.
        """
        self._add(Hook(Phase.AFTER_RESTORE, func, args, kwargs))
        return func

    def include(self, provider: BeforeSnapshotProvider | AfterRestoreProvider | Registry, *, name: str) -> None:
        """Add the hooks of a provider: what discovery does with those that are installed.

        Hooks that a registry gets later are added, too.

        Args:
            provider: A module or object with ``before_snapshot`` and/or ``after_restore``, or a registry.
            name: The provider's name.

        Raises:
            ProviderError: It is no provider, contains this registry, or the name is taken.
            HookOptionError: The name is no str or empty.
        """
        check_options(lambda: f"include(...) ({site()})", name=name)
        self._include(provider, ProviderInfo(name))

    def remove(self, hook: Hook) -> None:
        """Take a hook out; if a phase runs and it has not had its turn, it is not run any more.

        Args:
            hook: One of `hooks`.

        Raises:
            UnknownHookError: It is not.
        """
        with self._lock:
            if hook in self._state.hooks:
                self._state.hooks.remove(hook)
            elif not any(included.remove(hook) for included in self._state.included.values()):
                from snapstart_hooks.errors import UnknownHookError

                msg = f"{hook!r} is not in this registry. Give one of `registry.hooks`."
                raise UnknownHookError(msg)
            self._changed()

    @property
    def hooks(self) -> tuple[Hook, ...]:
        """All hooks of both phases: own ones as registered, then each provider's."""
        with self._lock:
            state = self._state
            return (*state.hooks, *(hook for included in state.included.values() for hook in included.hooks()))

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
        from snapstart_hooks import _discovery
        from snapstart_hooks._report import logger, shortened
        from snapstart_hooks._settings import Settings
        from snapstart_hooks.errors import DiscoveryError, ProviderError

        settings = Settings()
        found = _discovery.find()
        known = [declared.info for declared in found.declared]
        if unknown := _discovery.unknown_names(known, settings.disable):
            logger.warning("SNAPSTART_HOOKS_DISABLE names providers that are not installed: %s", ", ".join(unknown))
        skipped = found.skipped
        errors: list[ProviderError] = []
        for declared in found.declared:
            info = declared.info
            reason = _discovery.excluded(info, settings.disable, self._allow, settings.allow)
            if reason:
                skipped.append(_discovery.Skipped(info.name, reason))
            elif info.name not in self._state.included:
                try:
                    self._include(declared.load(), info)
                except ProviderError as error:
                    errors.append(error)
        self._state.skipped = tuple(map(str, skipped))
        for one in skipped:
            logger.info("hooks left out: %s", one)
        if errors:
            msg = (
                f"{len(errors)} installed providers of hooks cannot be used: {shortened(list(map(str, errors)))} "
                f"To do without: SNAPSTART_HOOKS_DISABLE={','.join(error.provider for error in errors[:5])}"
            )
            raise DiscoveryError(msg, errors)
        return self.providers

    @property
    def providers(self) -> tuple[ProviderInfo, ...]:
        """The providers whose hooks this registry has."""
        return tuple(included.info for included in self._state.included.values())

    @property
    def skipped(self) -> tuple[str, ...]:
        """What the last `discover` left out, and why: disabled, not allowed, or hidden by a duplicate."""
        return self._state.skipped

    # Plan.

    def plan(self, phase: Phase) -> tuple[Hook, ...]:
        """The hooks of `phase` in the order in which they will run.

        Raises:
            HookOrderError: The ``after`` of some hooks form a cycle; it names them.
        """
        return tuple(hook for batch in self._plans().batches(Phase(phase)) for hook in batch)

    def _plans(self) -> Plans:
        """The plans of both phases as they are now; made anew only if a hook came or went since."""
        from snapstart_hooks._plan import Plans

        self._collect()
        state = self._state
        plans = state.plans
        if plans is None or plans.token is not state.token:
            # Whoever registers meanwhile changes the token, and this plan is made anew.
            plans = state.plans = Plans(state.token, self.hooks)
        return plans

    # Run.

    def run_before_snapshot(self, *, rollback: bool | None = None) -> PhaseReport:
        """Run the before_snapshot hooks, all of them, and make ready for the restore.

        May be called again: Lambda takes new snapshots of a published version later.

        Args:
            rollback: Whether, if this fails, the after_restore hooks of what was put away
                run at once. Default: ``SNAPSTART_HOOKS_ROLLBACK``, else yes unless on
                Lambda, where the process ends.

        Returns:
            What each hook did. It is also logged, as one line, and kept as `last_report`.

        Raises:
            HooksFailed: Required hooks failed.
            AuditError: ``SNAPSTART_HOOKS_AUDIT=error`` and the snapshot would contain what is wrong after a restore.
            InitBudgetExceeded: ``SNAPSTART_HOOKS_INIT_BUDGET`` was used up.
            HookOrderError: The ``after`` of some hooks form a cycle; no hook was run.
            PhaseError: A phase of this registry is running.
            SettingsError: A ``SNAPSTART_HOOKS_*`` variable cannot be understood; no hook was run.
        """
        from snapstart_hooks._phases import run_before_snapshot

        return run_before_snapshot(self, rollback=rollback)

    def run_after_restore(self) -> PhaseReport:
        """Run the after_restore hooks, all of them.

        The plan that `run_before_snapshot` left is used if nothing was registered since;
        if that was never called, as in a test, it is made now.

        Returns:
            What each hook did. It is also logged, as one line, and kept as `last_report`.

        Raises:
            HooksFailed: Required hooks failed.
            RestoreBudgetExceeded: ``SNAPSTART_HOOKS_BUDGET`` was used up.
            HookOrderError: The ``after`` of some hooks form a cycle; no hook was run.
            PhaseError: A phase of this registry is running.
        """
        from snapstart_hooks._phases import run_after_restore

        return run_after_restore(self)

    # Report.

    def add_observer(self, observer: HookObserver) -> Callable[[], None]:
        """Tell `observer` what happens in the phases from the next one on.

        Returns:
            A function that ends it.
        """
        observers = self._state.observers
        observers.append(observer)

        def undo() -> None:
            if observer in observers:
                observers.remove(observer)

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

        Raises:
            PhaseError: A phase is running.
        """
        with self._lock:
            before = self._state
            if before.running is not None:
                from snapstart_hooks.errors import PhaseError

                msg = f"the registry cannot be isolated while its {before.running.phase.value} runs"
                raise PhaseError(msg)
            self._state = _State()
        try:
            yield self
        finally:
            self._state = before

    # Inside.

    def _add(self, hook: Hook) -> None:
        with self._lock:
            self._collect()
            self._append(hook)

    def _collect(self) -> None:
        """Take over what was registered elsewhere until now."""
        if self._adopt is not None:
            with self._lock:
                self._adopt(self)

    def _append(self, hook: Hook) -> None:
        """Take a hook as the application's next one."""
        with self._lock:
            state = self._state
            state.registered += 1
            hook.position = state.registered
            state.hooks.append(hook)
            self._changed()

    def _changed(self) -> None:
        """Every plan made until now is void, here and wherever this registry is included."""
        self._state.token = object()
        running = self._state.running
        if running is not None:
            running.changed = True
        for parent in self._parents:
            parent._changed()  # noqa: SLF001 - of the same class

    def _include(self, provider: object, info: ProviderInfo) -> None:
        from snapstart_hooks._provider import hooks_of, refusal

        if isinstance(provider, Registry):
            if self in provider._lineage():  # noqa: SLF001 - of the same class
                raise refusal(info, "this registry is part of it, so it cannot be part of this registry")
            included = _Included(info, registry=provider)
        else:
            included = _Included(info, hooks=hooks_of(provider, info))
        with self._lock:
            if info.name in self._state.included:
                raise refusal(info, f"a provider named {info.name!r} is included already")
            self._state.included[info.name] = included
            if isinstance(provider, Registry):
                provider._parents.append(self)  # noqa: SLF001 - of the same class
            self._changed()

    def _lineage(self) -> set[Registry]:
        """This registry and all that are part of it."""
        parts: set[Registry] = {self}
        for included in self._state.included.values():
            if included.registry is not None:
                parts |= included.registry._lineage()  # noqa: SLF001 - of the same class
        return parts

    @override
    def __repr__(self) -> str:
        return f"<Registry with {len(self.hooks)} hooks>"


class _State:
    """All of a registry that changes, in one piece, so that a test can put it aside."""

    __slots__ = (
        "generation",
        "hooks",
        "included",
        "last_report",
        "observers",
        "plans",
        "registered",
        "restored_at",
        "running",
        "settings",
        "skipped",
        "snapshot_at",
        "switched_on",
        "token",
    )

    def __init__(self) -> None:
        self.hooks: list[Hook] = []
        self.registered = 0
        self.included: dict[str, _Included] = {}
        self.skipped: tuple[str, ...] = ()
        self.token = object()
        self.plans: Plans | None = None
        self.settings: Settings | None = None
        self.running: PhaseRun | None = None
        self.observers: list[HookObserver] = []
        self.switched_on: tuple[HookObserver, ...] = ()
        self.last_report: PhaseReport | None = None
        self.snapshot_at: float | None = None
        self.restored_at: float | None = None
        self.generation = 0


class _Included:
    """A provider's hooks: fixed ones of a module or object, or those that a registry has now."""

    __slots__ = ("_copies", "_fixed", "_removed", "info", "registry")

    def __init__(self, info: ProviderInfo, *, hooks: Sequence[Hook] = (), registry: Registry | None = None) -> None:
        self.info: Final = info
        self.registry: Final = registry
        self._fixed: Final = list(hooks)
        self._copies: Final[dict[Hook, Hook]] = {}
        self._removed: Final[set[Hook]] = set()

    def hooks(self) -> list[Hook]:
        if self.registry is None:
            return self._fixed
        shipped: list[Hook] = []
        for position, theirs in enumerate(self.registry.hooks):
            ours = self._copies.get(theirs)
            if ours is None:
                ours = self._copies[theirs] = theirs.shipped_by(self.info)
            ours.position = position
            if ours not in self._removed:
                shipped.append(ours)
        return shipped

    def remove(self, hook: Hook) -> bool:
        if hook in self._fixed:
            self._fixed.remove(hook)
            return True
        if hook in self.hooks():
            self._removed.add(hook)
            return True
        return False


default_registry: Final = Registry()
"""The registry that the functions of this package use, and the Lambda runtime runs."""


def register_before_snapshot(func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Callable[P, R]:
    """Register a call of `func` before the snapshot is taken; return `func`.

    A drop-in for the function of this name in ``snapshot_restore_py``: change the import.

    Raises:
        HookSignatureError: The arguments do not fit `func`, or it is no possible hook.
    """
    default_registry._add(Hook(Phase.BEFORE_SNAPSHOT, func, args, kwargs))  # noqa: SLF001
    return func


def register_after_restore(func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Callable[P, R]:
    """Register a call of `func` after a snapshot is restored; return `func`.

    A drop-in for the function of this name in ``snapshot_restore_py``: change the import.

    Raises:
        HookSignatureError: The arguments do not fit `func`, or it is no possible hook.
    """
    default_registry._add(Hook(Phase.AFTER_RESTORE, func, args, kwargs))  # noqa: SLF001
    return func
