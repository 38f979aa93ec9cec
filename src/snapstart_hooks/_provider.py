"""What an entry point may name, and how it becomes hooks.

A module or object with ``before_snapshot`` and/or ``after_restore``.  (The other
form, a `Registry`, needs no reading: its hooks are hooks already.)
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, cast

from snapstart_hooks._decorators import HookDecorator
from snapstart_hooks._hook import Hook, Phase, check_options
from snapstart_hooks.errors import HookOptionError, HookSignatureError, ProviderError

if TYPE_CHECKING:
    from snapstart_hooks._hook import ProviderInfo

__all__ = ("AfterRestoreProvider", "BeforeSnapshotProvider", "HookProvider", "hooks_of", "refusal")

_OPTIONS = ("priority", "after", "timeout", "required", "concurrent")


class BeforeSnapshotProvider(Protocol):
    """A module or object that has something to do before the snapshot.

    It may also have the attributes ``priority: int``, ``after: Sequence[str]``,
    ``timeout: float | None``, ``required: bool`` and ``concurrent: bool``; they mean
    what the options of a decorator mean, and hold for both of its hooks.
    """

    def before_snapshot(self) -> object:
        """Close, flush, forget. May be ``async``."""


class AfterRestoreProvider(Protocol):
    """A module or object that has something to do after a restore.

    The optional attributes are those of `BeforeSnapshotProvider`.
    """

    def after_restore(self) -> object:
        """Reseed, reconnect, refresh. May be ``async``."""


class HookProvider(BeforeSnapshotProvider, AfterRestoreProvider, Protocol):
    """A module or object that has something to do in both phases."""


def hooks_of(provider: object, info: ProviderInfo) -> tuple[Hook, ...]:
    """The hooks of a module or object, with its options.

    Raises:
        ProviderError: It has no hook, one that cannot be called, or an option of the wrong type.
    """
    what = _describe(provider)
    functions = [(phase, getattr(provider, phase.value)) for phase in Phase if hasattr(provider, phase.value)]
    if not functions:
        raise refusal(info, f"{what} has neither `before_snapshot` nor `after_restore`")
    for phase, func in functions:
        if isinstance(func, HookDecorator):
            advice = "Make `hooks = Registry()`, decorate with it, and let the entry point name that object"
            raise refusal(info, f"`{phase.value}` of {what} is the decorator of snapstart_hooks itself. {advice}")
    options = {name: getattr(provider, name) for name in _OPTIONS if hasattr(provider, name)}
    after = options.get("after")
    if isinstance(after, Sequence) and not isinstance(after, str):
        options["after"] = tuple(cast("Sequence[object]", after))
    try:
        check_options(lambda: what, **options)
        return tuple(
            Hook(phase, func, provider=info, position=position, registered_at=what, **options)
            for position, (phase, func) in enumerate(functions)
        )
    except (HookSignatureError, HookOptionError) as error:
        raise refusal(info, str(error)) from error


def refusal(info: ProviderInfo, found: str) -> ProviderError:
    """The error for a provider that cannot be used: it names all that leads to it."""
    declared = f" = {info.value!r}" if info.value else ""
    msg = f"provider {info.name} ({info}{declared}): {found.rstrip('.')}."
    return ProviderError(
        msg,
        provider=info.name,
        distribution=info.distribution,
        version=info.version,
        entry_point=info.entry_point,
        value=info.value,
    )


def _describe(provider: object) -> str:
    if isinstance(provider, ModuleType):
        return f"module {provider.__name__!r}"
    if isinstance(provider, type):
        return f"class {provider.__qualname__!r}"
    return f"the {type(provider).__qualname__} object"
