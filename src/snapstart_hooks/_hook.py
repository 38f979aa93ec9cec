"""`Hook` and `Phase`: what one hook is."""

from __future__ import annotations

import functools
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Final, cast

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

from snapstart_hooks._callables import examine, place, site, title

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ("Hook", "Phase", "ProviderInfo", "check_options", "normalise")

OF_LIBRARIES: Final = -100
"""The priority of hooks that installed libraries ship, unless they say otherwise."""

OF_THE_APPLICATION: Final = 0
"""The priority of hooks that the application registers, unless it says otherwise."""


_LONG: Final = 200
"""Characters of a value that a message shows."""


class Phase(StrEnum):
    """The two moments at which hooks run."""

    BEFORE_SNAPSHOT = "before_snapshot"
    """Once, when the version is published, before the memory image is taken."""
    AFTER_RESTORE = "after_restore"
    """In every environment that is resumed from the image, before its first invocation."""


class ProviderInfo:
    """Who ships a hook: the installed distribution and its entry point.

    Attributes:
        name: ``<distribution>:<entry point>``, or the name given to `Registry.include`.
        distribution: The distribution's name as installed; ``""`` if included by hand.
        version: Its version; ``None`` if unknown.
        entry_point: The entry point's name; ``""`` if included by hand.
        value: The object reference that the entry point gives, ``module`` or ``module:attribute``.
    """

    __slots__ = ("distribution", "entry_point", "key", "name", "value", "version")

    def __init__(
        self,
        name: str,
        *,
        distribution: str = "",
        version: str | None = None,
        entry_point: str = "",
        value: str = "",
    ) -> None:
        self.name: Final = name
        self.distribution: Final = distribution
        self.version: Final = version
        self.entry_point: Final = entry_point
        self.value: Final = value
        # Where ties are broken: never by the order of directory listings.
        self.key: Final = (normalise(distribution or name), entry_point)

    @override
    def __str__(self) -> str:
        if not self.distribution:
            return self.name
        entry_point = f", entry point {self.entry_point!r}" if self.entry_point else ""
        return f"{self.distribution} {self.version or '(unknown version)'}{entry_point}"

    @override
    def __repr__(self) -> str:
        return f"<ProviderInfo {self.name}>"


class Hook:
    """One function that runs in one phase, with its arguments and options.

    Attributes:
        phase: When it runs.
        func: The callable as it was registered.
        args: Positional arguments that it is called with.
        kwargs: Keyword arguments that it is called with.
        name: Given, else its provider's name, else ``module.qualname``.
        priority: Its place in the restore order; lower comes back earlier.
        after: Names of hooks, providers or distributions that come back before it.
        timeout: Seconds that it may take; ``None`` for no limit of its own.
        required: Whether its failure fails the phase.
        concurrent: Whether it may overlap neighbours of equal priority.
        provider: Who ships it; ``None`` for the application.
        location: ``file:line`` of its code, or of its registration if it has none.
        is_async: Whether a call is known to give a coroutine.
        position: The tie-breaker among hooks of one provider, or of the application.
        call: Runs it: `func` with its arguments bound.
    """

    __slots__ = (
        "_given_name",
        "_given_priority",
        "after",
        "args",
        "call",
        "concurrent",
        "func",
        "is_async",
        "kwargs",
        "location",
        "name",
        "phase",
        "position",
        "priority",
        "provider",
        "required",
        "timeout",
    )

    def __init__(  # type: ignore[explicit-any]  # any parameters: `examine` holds args against them
        self,
        phase: Phase,
        func: Callable[..., object],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
        *,
        priority: int | None = None,
        name: str | None = None,
        after: Sequence[str] = (),
        timeout: float | None = None,
        required: bool = True,
        concurrent: bool = False,
        provider: ProviderInfo | None = None,
        position: int = 0,
        registered_at: str = "",
    ) -> None:
        kwargs = dict(kwargs) if kwargs else {}
        location = place(func) or registered_at or site()
        is_async = examine(func, args, kwargs, phase=phase.value, where=location)
        check_options(
            lambda: f"{title(func)} ({location})",
            priority=priority,
            name=name,
            after=after,
            timeout=timeout,
            required=required,
            concurrent=concurrent,
        )
        self.phase: Final = phase
        self.func: Final = func
        self.args: Final = args
        self.kwargs: Final[Mapping[str, object]] = kwargs
        self._given_name: Final = name
        self._given_priority: Final = priority
        self.name: Final = name or (provider.name if provider else title(func))
        default = OF_LIBRARIES if provider else OF_THE_APPLICATION
        self.priority: Final[int] = default if priority is None else int(priority)
        self.after: Final = tuple(after)
        self.timeout: Final = timeout
        self.required: Final = required
        self.concurrent: Final = concurrent
        self.provider: Final = provider
        self.location: Final = location
        self.is_async: Final = is_async
        self.position: int = position  # a registry sets it when it takes the hook
        self.call: Final[Callable[[], object]] = functools.partial(func, *args, **kwargs) if args or kwargs else func

    def shipped_by(self, provider: ProviderInfo) -> Hook:
        """The same hook as one of `provider`: what it did not choose itself, name and priority, follows that."""
        return Hook(
            self.phase,
            self.func,
            self.args,
            self.kwargs,
            priority=self._given_priority,
            name=self._given_name,
            after=self.after,
            timeout=self.timeout,
            required=self.required,
            concurrent=self.concurrent,
            provider=provider,
            registered_at=self.location,
        )

    @property
    def source(self) -> str:
        """Who ships it and where it is, for people: ``acme-driver 1.2, entry point 'pool' (pool.py:12)``."""
        return f"{self.provider or 'application'} ({self.location})"

    @override
    def __str__(self) -> str:
        """For messages: ``orders.db (app.py:12)``, ``acme-driver:pool 1.2 (pool.py:12)``."""
        shipped = ""
        if self.provider is not None:
            shipped = f" of {self.provider.name}" if self.name != self.provider.name else ""
            shipped += f" {self.provider.version}" if self.provider.version else ""
        return f"{self.name}{shipped} ({self.location})"

    @override
    def __repr__(self) -> str:
        return f"<Hook {self.phase.value} {self.name} priority={self.priority} from {self.source}>"


def check_options(
    owner: Callable[[], str],
    *,
    priority: object = None,
    name: object = None,
    after: object = (),
    timeout: object = None,
    required: object = True,
    concurrent: object = False,
) -> None:
    """Refuse options of the wrong type, whoever gave them.

    Raises:
        HookOptionError: It names the `owner`, asked for only then, the option, what was found and what is wanted.
    """
    wrong: tuple[str, object, str] | None = None
    if priority is not None and (not isinstance(priority, int) or isinstance(priority, bool)):
        wrong = ("priority", priority, "an int, such as Priority.CONNECTIONS")
    elif name is not None and (not isinstance(name, str) or not name.strip()):
        wrong = ("name", name, "a str that is not empty")
    elif isinstance(after, str):
        wrong = ("after", after, f"a sequence of names: after=({after!r},)")
    elif not _are_names(after):
        wrong = ("after", after, "a tuple or list of names")
    elif timeout is not None and (
        not isinstance(timeout, (int, float)) or isinstance(timeout, bool) or not 0 < timeout < float("inf")
    ):
        wrong = ("timeout", timeout, "a number of seconds above 0, or None for no limit")
    elif not isinstance(required, bool):
        wrong = ("required", required, "True or False")
    elif not isinstance(concurrent, bool):
        wrong = ("concurrent", concurrent, "True or False")
    if wrong is not None:
        from snapstart_hooks.errors import HookOptionError

        option, value, wanted = wrong
        msg = f"{owner()}: {option}={_shown(value)} is not possible. Give {wanted}."
        raise HookOptionError(msg)


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception as broken:  # noqa: BLE001 - what it is called must not hide that it is wrong
        return f"<{type(value).__qualname__}, whose __repr__ raised {type(broken).__qualname__}>"
    return text if len(text) <= _LONG else text[: _LONG - 3] + "..."


def _are_names(after: object) -> bool:
    if not isinstance(after, (tuple, list)):
        return False
    return all(isinstance(name, str) and name for name in cast("Sequence[object]", after))


def normalise(distribution: str) -> str:
    """The one spelling of a distribution's name (https://peps.python.org/pep-0503/#normalized-names)."""
    return "-".join(part for part in distribution.lower().replace("_", "-").replace(".", "-").split("-") if part)
