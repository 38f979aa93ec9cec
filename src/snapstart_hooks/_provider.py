"""What an entry point may name, and how it becomes hooks.

A module or object with ``before_snapshot`` and/or ``after_restore``.  (The other
form, a `Registry`, needs no reading: its hooks are hooks already.)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from types import ModuleType
from typing import TYPE_CHECKING, Final, Protocol, cast

from ._callables import title
from ._decorators import HookDecorator
from ._foreign import attribute, cut, error_text, is_a, kind
from ._hook import Hook, Phase, check_options
from .errors import HookOptionError, HookSignatureError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._hook import HookOptions, ProviderInfo

__all__ = ("AfterRestoreProvider", "BeforeSnapshotProvider", "HookProvider", "hooks_of", "refusal")

_OPTIONS: Final = ("priority", "after", "timeout", "required", "concurrent")

_MISSING: Final = object()

_MANY: Final = 10_000
"""Names in an ``after`` that are looked at."""


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
    functions = {phase: _ask(provider, phase.value, info) for phase in Phase}
    if all(func is _MISSING for func in functions.values()):
        raise refusal(info, f"{what} has neither `before_snapshot` nor `after_restore`")
    options = {name: value for name in _OPTIONS if (value := _ask(provider, name, info)) is not _MISSING}
    if "after" in options:
        options["after"] = _names(options["after"], info)
    hooks: list[Hook] = []
    try:
        check_options(lambda: what, options)
        for phase, func in functions.items():
            if is_a(func, HookDecorator) or kind(func) == HookDecorator.__name__:
                if kind(provider) == "Registry":
                    raise refusal(info, f"{what} belongs to another copy of snapstart_hooks. Install it once")
                advice = "Make `hooks = Registry()`, decorate with it, and let the entry point name that object"
                raise refusal(info, f"`{phase.value}` of {what} is the decorator of snapstart_hooks itself. {advice}")
            if func is not _MISSING:
                called = cast("Callable[[], object]", func)
                checked = cast("HookOptions", options)
                # pyrefly: ignore[open-unpacking]  # only PEP 728 lets a TypedDict say that it has no other keys
                hooks.append(Hook(phase, called, provider=info, registered_at=what, **checked))
    except (HookSignatureError, HookOptionError) as error:
        raise refusal(info, str(error)) from error
    return tuple(hooks)


def _ask(provider: object, name: str, info: ProviderInfo) -> object:
    """An attribute of a provider; `_MISSING` if it has none.

    Raises:
        ProviderError: Looking at it raises something else.
    """
    try:
        found: object = getattr(provider, name, _MISSING)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise refusal(info, f"looking at `{name}` of {_describe(provider)} raised {error_text(error)}") from error
    return found


def _names(after: object, info: ProviderInfo) -> object:
    """`after` as a tuple, if it is any sequence of a provider's own."""
    if is_a(after, str) or not issubclass(type(after), Sequence):
        return after
    try:
        return tuple(islice(cast("Sequence[object]", after), _MANY))  # it may have no end
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise refusal(info, f"going through `after` raised {error_text(error)}") from error


def refusal(info: ProviderInfo, found: str) -> ProviderError:
    """The error for a provider that cannot be used: it names all that leads to it."""
    declared = f" = {info.value!r}" if info.value else ""
    msg = f"provider {cut(info.name, 200)} ({info}{declared}): {found.rstrip('.')}."
    return ProviderError(
        msg,
        provider=info.name,
        distribution=info.distribution,
        version=info.version,
        entry_point=info.entry_point,
        value=info.value,
    )


def _describe(provider: object) -> str:
    if is_a(provider, ModuleType):
        return f"module {str(attribute(provider, '__name__'))!r}"
    if is_a(provider, type):
        return f"class {title(provider)!r}"
    return f"the {kind(provider)} object"
