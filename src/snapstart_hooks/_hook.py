"""`Hook`, `Phase`, `Priority`: what one hook is, and its options."""

from __future__ import annotations

import functools
import re
import threading
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final, cast

from ._callables import examine, place, site, title
from ._compat import override
from ._foreign import cut, is_a, items, printable, shown
from .errors import HookOptionError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Unpack

    from ._instances import Instance
    from ._provider import HookOptions


class Phase(StrEnum):
    """The two moments at which hooks run."""

    BEFORE_SNAPSHOT = "before_snapshot"
    """When a version is published, before the snapshot of its memory is taken."""
    AFTER_RESTORE = "after_restore"
    """In every environment that is restored from the snapshot, before its first invocation."""


class Priority(IntEnum):
    """Named priorities; any other ``int`` is allowed as well.

    After a restore hooks of lower priority run earlier, before the snapshot they run later.
    """

    ENTROPY = -400
    """Random number generators: later hooks may generate ids and keys."""
    CREDENTIALS = -300
    """Secrets, tokens, configuration: connections need them."""
    CONNECTIONS = -200
    """Databases, brokers, HTTP pools."""
    TELEMETRY = -150
    """Tracers, metrics, logs: they export over connections, and trace libraries."""
    LIBRARY = -100
    """The default for hooks of providers."""
    APPLICATION = 0
    """The default for hooks that the application registers."""
    WARMUP = 100
    """Priming: it runs first before the snapshot, while every connection is still open."""


class ProviderInfo:
    """Describes a provider of hooks: an installed distribution and its entry point.

    All text is as in the metadata, with control characters escaped, because it is logged.

    Attributes:
        name: ``<distribution>:<entry point>``, or the name given to `Registry.include`.
        distribution: The distribution's name as installed; ``""`` if included by hand.
        version: Its version; ``None`` if unknown.
        entry_point: The entry point's name; ``""`` if included by hand.
        value: The object reference that the entry point gives, ``module`` or ``module:attribute``.
        names: The names, normalised, by which ``after`` and the settings may refer to it.
        load_ns: Nanoseconds that loading it took; 0 if it was not loaded.
        key: What providers of equal priority are sorted by.
    """

    def __init__(  # noqa: D417 - as it says
        self,
        name: str,
        *,
        distribution: str = "",
        version: str | None = None,
        entry_point: str = "",
        value: str = "",
        also: Iterable[str] = (),
    ) -> None:
        """Describe a provider; the other parameters are the attributes.

        Args:
            also: More names for ``after`` and the settings, such as those of its modules.
        """
        self.name: Final = printable(name)
        self.distribution: Final = printable(distribution)
        self.version: Final = None if version is None else printable(version)
        self.entry_point: Final = printable(entry_point)
        self.value: Final = printable(value)
        self.names: frozenset[str] = frozenset(map(normalise, filter(None, (self.name, self.distribution, *also))))
        self.load_ns: int = 0
        self.key: Final = (normalise(self.distribution or self.name), self.entry_point)

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
    """A function that runs in one phase, with its arguments and options.

    Attributes:
        phase: When it runs.
        func: The callable as it was registered.
        args: Positional arguments that it is called with.
        kwargs: Keyword arguments that it is called with.
        name: The name given at registration, else that of the provider, else ``module.qualname``.
        names: Its name and those of its provider, normalised: ``after`` and the settings refer to them.
        priority: After a restore hooks of lower priority run earlier.
        after: Names of hooks, providers or distributions that run before it after a restore, as given.
        waits: The names in `after`, normalised.
        timeout: The most seconds that a call may take; ``None`` for no timeout.
        required: Whether its failure fails the phase.
        concurrent: Whether it may run at the same time as its neighbours of equal priority.
        provider: The provider it belongs to; ``None`` for the application.
        location: ``file:line`` of its code, or of its registration if it has none.
        is_async: Whether `func` is known to return a coroutine.
        instance: The live object that it is called with, for a hook of ``each``; else ``None``.
        call: Calls `func` with the arguments.
    """

    def __init__(  # type: ignore[explicit-any]  # noqa: D417 - any parameters: `examine` checks args against them
        self,
        phase: Phase,
        func: Callable[..., object],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
        *,
        provider: ProviderInfo | None = None,
        registered_at: str = "",
        instance: Instance | None = None,
        **options: Unpack[HookOptions],
    ) -> None:
        """Make a hook; the parameters are the attributes.

        Args:
            registered_at: The location, ``file:line``, of a `func` without Python code: by default the caller's.
            **options: See `HookOptions`.

        Raises:
            HookSignatureError: `func` is not callable, does not fit the arguments, or is a generator function.
            HookOptionError: An option, see `HookOptions`, has the wrong type or value.
        """
        kwargs = dict(kwargs) if kwargs is not None else {}
        location = place(func) or registered_at or site()
        given = args if instance is None else (instance, *args)
        is_async = examine(func, given, kwargs, phase=phase.value, where=location, shipped=provider is not None)
        options = read_options(lambda: f"{title(func)} ({location})", options)
        name, priority = options.get("name"), options.get("priority")
        self._options: Final = options
        self.phase: Final = phase
        self.func: Final = func
        self.args: Final = args
        self.kwargs: Final[Mapping[str, object]] = kwargs
        self.provider: Final = provider
        self.instance: Final = instance
        self.location: Final = location
        self.is_async: Final = is_async
        own = name or (provider.name if provider else title(func))
        self.name: Final = own if instance is None else f"{own}[{instance.label}]"
        default = Priority.LIBRARY if provider else Priority.APPLICATION
        self.priority: Final = int(default if priority is None else priority)
        self.after: Final = tuple(options.get("after", ()))
        self.timeout: Final = options.get("timeout")
        self.required: Final = options.get("required", True)
        self.concurrent: Final = options.get("concurrent", False)
        self.names: Final[frozenset[str]] = frozenset({normalise(self.name), *(provider.names if provider else ())})
        self.waits: Final[frozenset[str]] = frozenset(map(normalise, self.after))
        call = functools.partial(func, *args, **kwargs) if args or kwargs else func
        self.call: Final[Callable[[], object]] = call if instance is None else functools.partial(instance.give, func)

    def shipped_by(self, provider: ProviderInfo) -> Hook:
        """Copy the hook for a provider.

        Args:
            provider: It decides the name and the priority, unless they were given.
        """
        return Hook(
            self.phase,
            self.func,
            self.args,
            self.kwargs,
            provider=provider,
            registered_at=self.location,
            instance=self.instance,
            **self._options,
        )

    @property
    def source(self) -> str:
        """Provider and location, as messages show them: ``acme-driver 1.2, entry point 'pool' (pool.py:12)``."""
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


def refusal(provider: ProviderInfo, found: str) -> ProviderError:
    """The error for a provider that cannot be used; it names distribution, version and entry point."""
    declared = f" = {provider.value!r}" if provider.value else ""
    return ProviderError(
        f"provider {cut(provider.name, 200)} ({provider}{declared}): {found.rstrip('.')}.",
        provider=provider.name,
        distribution=provider.distribution,
        version=provider.version,
        entry_point=provider.entry_point,
        value=provider.value,
    )


def _plain_int(value: object) -> int:
    if not is_a(value, int) or is_a(value, bool) or int.bit_length(value) >= 64:  # noqa: PLR2004 - a long one is no place
        raise ValueError
    return int.__index__(value)


def _plain_text(value: object) -> str:
    if not is_a(value, str) or not str.strip(value):
        raise ValueError
    return printable(value)


def _plain_names(value: object) -> tuple[str, ...]:
    names = items(value, tuple, list)
    if names is None:
        raise ValueError
    return tuple(map(_plain_text, names))


def _plain_seconds(value: object) -> float:
    plain = float.__float__(value) if is_a(value, float) else _plain_int(value)
    if not 0 < plain <= threading.TIMEOUT_MAX:
        raise ValueError
    return plain


def _plain_bool(value: object) -> bool:
    if value is not True and value is not False:
        raise ValueError
    return value


OPTIONS: Final[Mapping[str, tuple[Callable[[object], object], str]]] = {
    "priority": (lambda value: value if value is None else _plain_int(value), "an int, such as Priority.CONNECTIONS"),
    "name": (lambda value: value if value is None else _plain_text(value), "a str that is not empty"),
    "after": (_plain_names, "a tuple or list of names"),
    "timeout": (
        lambda value: value if value is None else _plain_seconds(value),
        f"a number of seconds above 0 and not above {threading.TIMEOUT_MAX:.0f}, or None for no limit",
    ),
    "required": (_plain_bool, "True or False"),
    "concurrent": (_plain_bool, "True or False"),
}
"""For each option of `HookOptions` a function that returns its plain value or raises `ValueError`, and what to give."""


def read_options(owner: Callable[[], str], options: Mapping[str, object]) -> HookOptions:
    """The options with values of plain types, for the methods of a subclass are anybody's code.

    Raises:
        HookOptionError: One has an impossible value; the message begins with `owner`.
        TypeError: There is no option of that name.
    """
    plain: dict[str, object] = {}
    for name, value in options.items():
        if name not in OPTIONS:
            msg = f"{owner()}: there is no option {name!r}. There are: {', '.join(OPTIONS)}."
            raise TypeError(msg)
        read, wanted = OPTIONS[name]
        try:
            plain[name] = read(value)
        except ValueError:
            if name == "after" and is_a(value, str):
                wanted = f"a sequence of names: after=({shown(value)},)"
            msg = f"{owner()}: {name}={shown(value)} is not possible. Give {wanted}."
            raise HookOptionError(msg) from None
    return cast("HookOptions", plain)


def normalise(name: str) -> str:
    """The normalised spelling in which names of distributions, providers and hooks are compared.

    That of https://peps.python.org/pep-0503/#normalized-names, with nothing around ``:`` and ``,``.
    """
    parts = map(str.strip, re.split("([:,])", str.strip(name)))
    return re.sub(r"[-_.]+", "-", "".join(parts)).lower()
