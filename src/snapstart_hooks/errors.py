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
    """The class from which every exception of this package is derived."""


class HookSignatureError(SnapstartHooksError, TypeError):
    """A registered object cannot be called as a hook.

    It is not callable, needs arguments that were not given, or is a generator function,
    of which a plain call runs nothing.
    """


class HookOptionError(SnapstartHooksError, ValueError):
    """An option of a hook has the wrong type or an impossible value."""


class HookOrderError(SnapstartHooksError, ValueError):
    """The ``after=`` edges of some hooks form a cycle.

    Attributes:
        cycle: The names of the hooks along the cycle; the first is repeated at the end.
    """

    def __init__(self, message: str, cycle: tuple[str, ...] = ()) -> None:
        """Make the error.

        Args:
            message: The cycle in words, with what to do.
            cycle: As the attribute.
        """
        super().__init__(message)
        self.cycle: tuple[str, ...] = cycle


class SettingsError(SnapstartHooksError, ValueError):
    """A ``SNAPSTART_HOOKS_*`` environment variable has an impossible value."""


class PhaseError(SnapstartHooksError, RuntimeError):
    """A phase is running, or an event loop is, so that the operation is not possible."""


class UnknownHookError(SnapstartHooksError, ValueError):
    """`Registry.remove` was given a hook that is not in the registry."""


class ResourceError(SnapstartHooksError, RuntimeError):
    """A resource is misused, or could not be built or closed by a hook.

    In the latter case it is raised once, at the next use; the original exception is the ``__cause__``.
    """


class AuditError(SnapstartHooksError):
    """Connections, threads or child processes would be in the snapshot, and ``SNAPSTART_HOOKS_AUDIT`` is ``error``."""


class PrimingError(SnapstartHooksError):
    """The handler failed when it was primed, or opened a connection although it was primed without network."""


class NetworkRefusedError(SnapstartHooksError, ConnectionRefusedError):
    """A connection or a DNS look-up was refused, because the function is primed without network."""


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
        version: Its version; ``None`` if the metadata has none.
        entry_point: The name on the left of the ``=``.
        value: The object reference on the right of the ``=``.
    """

    def __init__(  # noqa: D417 - as it says
        self,
        message: str,
        *,
        provider: str = "",
        distribution: str = "",
        version: str | None = None,
        entry_point: str = "",
        value: str = "",
    ) -> None:
        """Make the error; the other parameters are the attributes.

        Args:
            message: The provider and what is wrong with it.
        """
        super().__init__(message)
        self.provider: str = provider
        self.distribution: str = distribution
        self.version: str | None = version
        self.entry_point: str = entry_point
        self.value: str = value


class HookTimeout(SnapstartHooksError, TimeoutError):
    """A hook has taken longer than its ``timeout`` or the budget of the phase."""


class HookExited(SnapstartHooksError):
    """A hook raised ``SystemExit`` or another exception that is not an ``Exception``: the ``__cause__``.

    It fails the hook like any other exception, and does not end the process.
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
    """Required hooks of a phase failed; all other hooks were run.

    Attributes:
        report: The report of the phase.
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
    """A phase exceeded its budget before all required hooks had run.

    The budget is ``SNAPSTART_HOOKS_BUDGET`` for ``after_restore``, and ``SNAPSTART_HOOKS_INIT_BUDGET``
    for ``before_snapshot``.
    """
