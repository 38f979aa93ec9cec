"""Every exception that `snapstart_hooks` raises.

All of them derive from `SnapstartHooksError`, and where a builtin exception
means the same (``TypeError``, ``ValueError``, ...) from that one too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._compat import override

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._report import PhaseReport

__all__ = (
    "AuditError",
    "BudgetExceeded",
    "DiscoveryError",
    "HandlerError",
    "HookExited",
    "HookOptionError",
    "HookOrderError",
    "HookSignatureError",
    "HookTimeout",
    "HooksFailed",
    "NetworkRefusedError",
    "PhaseError",
    "PrimingError",
    "ProviderError",
    "ResourceError",
    "SettingsError",
    "SnapstartHooksError",
    "UnknownHookError",
)


class SnapstartHooksError(Exception):
    """The base of every exception of this package."""


class HookSignatureError(SnapstartHooksError, TypeError):
    """What was registered cannot be called as a hook.

    It is not callable, needs arguments that it was not given, or is a
    generator function, whose body a plain call would never run.
    """


class HookOptionError(SnapstartHooksError, ValueError):
    """An option of a hook has the wrong type or an impossible value."""


class HookOrderError(SnapstartHooksError, ValueError):
    """The ``after=`` edges of some hooks form a cycle.

    Attributes:
        cycle: The names along the cycle; the first comes again at the end.
    """

    def __init__(self, message: str, cycle: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.cycle: tuple[str, ...] = cycle


class SettingsError(SnapstartHooksError, ValueError):
    """A ``SNAPSTART_HOOKS_*`` environment variable cannot be understood."""


class PhaseError(SnapstartHooksError, RuntimeError):
    """A phase was started, or a registry changed, when it could not be."""


class UnknownHookError(SnapstartHooksError, ValueError):
    """A hook is to be removed that the registry does not hold."""


class ResourceError(SnapstartHooksError, RuntimeError):
    """A resource cannot be used so, or could not be built or closed when nobody asked for it.

    The latter is raised at its next use, once; what went wrong is the ``__cause__``.
    """


class AuditError(SnapstartHooksError):
    """The snapshot would contain what is wrong after a restore, and ``SNAPSTART_HOOKS_AUDIT`` is ``error``."""


class PrimingError(SnapstartHooksError):
    """The handler failed when it was called before the snapshot, or had an effect that was forbidden."""


class NetworkRefusedError(SnapstartHooksError, ConnectionRefusedError):
    """A connection or a look-up was wanted while the function is primed without network."""


class HandlerError(SnapstartHooksError, ImportError):
    """``SNAPSTART_HOOKS_HANDLER`` is missing or names no handler.

    An ``ImportError``, so that the Lambda runtime reports it as
    ``Runtime.ImportModuleError`` with its message.
    """


class ProviderError(SnapstartHooksError):
    """An installed distribution declares hooks that cannot be used.

    Attributes:
        provider: The provider's name, ``<distribution>:<entry point>``.
        distribution: The distribution's name as it is installed.
        version: Its version; ``None`` where its metadata does not tell.
        entry_point: The name on the left of the ``=``.
        value: The object reference on the right of the ``=``.
    """

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        distribution: str = "",
        version: str | None = None,
        entry_point: str = "",
        value: str = "",
    ) -> None:
        super().__init__(message)
        self.provider: str = provider
        self.distribution: str = distribution
        self.version: str | None = version
        self.entry_point: str = entry_point
        self.value: str = value


class HookTimeout(SnapstartHooksError, TimeoutError):
    """A hook used more time than its ``timeout`` or the phase's budget."""


class HookExited(SnapstartHooksError):
    """A hook tried to end the process, or raised no ordinary exception.

    ``SystemExit``, ``GeneratorExit`` and other exceptions that are no
    ``Exception`` are the ``__cause__``.  They fail the hook like any other
    error: a hook must not end a process that others still have hooks in.
    """


class DiscoveryError(SnapstartHooksError, ExceptionGroup[ProviderError]):
    """Some installed providers of hooks could not be loaded.

    The inner exceptions are `ProviderError`, one for each.
    """

    @override
    def derive(self, excs: Sequence[ProviderError], /) -> DiscoveryError:  # type: ignore[override]  # PEP 654 lets a subclass narrow what it holds
        return DiscoveryError(self.message, excs)

    @override
    def __str__(self) -> str:
        # What the group says already names each: no "(2 sub-exceptions)".
        return str(self.args[0])


class HooksFailed(SnapstartHooksError, ExceptionGroup[Exception]):
    """Required hooks of a phase failed; all others were run nevertheless.

    Attributes:
        report: What every hook of the phase did.
    """

    report: PhaseReport

    @override
    def derive(self, excs: Sequence[Exception], /) -> HooksFailed:  # type: ignore[override]  # as above
        derived = type(self)(self.message, excs)
        derived.report = self.report
        return derived

    @override
    def __str__(self) -> str:
        return str(self.args[0])


class BudgetExceeded(HooksFailed):
    """A phase ran out of time before its required hooks were done.

    Which one says the `report`: ``after_restore`` has ``SNAPSTART_HOOKS_BUDGET``,
    ``before_snapshot`` has ``SNAPSTART_HOOKS_INIT_BUDGET``.
    """
