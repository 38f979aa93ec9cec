"""What an entry point may name, and how it becomes hooks.

A module or object with ``before_snapshot`` and/or ``after_restore``.  (The other
form, a `Registry`, needs no reading: its hooks are hooks already.)
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import islice
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Final, Protocol, TypedDict, TypeVar, cast
from weakref import ReferenceType

from ._callables import title
from ._decorators import HookDecorator
from ._foreign import attribute, cut, error_text, is_a, items, kind, printable, shown, tried
from ._hook import Hook, Phase, check_options, normalise
from ._instances import Each, Objects
from .errors import HookOptionError, HookSignatureError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ._hook import ProviderInfo
    from ._instances import Instance

__all__ = (
    "AfterRestoreOfEach",
    "AfterRestoreProvider",
    "BeforeSnapshotOfEach",
    "BeforeSnapshotProvider",
    "HookOptions",
    "HookProvider",
    "read",
    "refusal",
    "suspicious",
)

_OPTIONS: Final = ("priority", "after", "timeout", "required", "concurrent")

CONTRACT: Final = (
    *(phase.value for phase in Phase),
    *_OPTIONS,
    *(f"{phase.value}_{option}" for phase in Phase for option in _OPTIONS),
    "instances",
    "loop",
    "provides",
)
"""The names of a module or object that mean something to us."""

_CLOSE: Final = 0.85
"""How alike a name and one of the contract's are, from 0 to 1, if one is told as the other misspelt."""

T = TypeVar("T")

_MISSING: Final = object()

_MANY: Final = 10_000
"""Names in an ``after`` that are looked at."""


class HookOptions(TypedDict, total=False):
    """The options of a hook: what the decorators take as keyword arguments, `Hook` too, and providers as attributes.

    Attributes:
        priority: Its place in the restore order; lower comes back earlier.
        name: The name for reports, edges and settings.
        after: Names of hooks, providers, distributions or packages that come back before it.
        timeout: Seconds that it may take; ``None`` for no limit of its own.
        required: Whether its failure fails the phase.
        concurrent: Whether it may overlap neighbours of equal priority.
    """

    priority: int | None
    name: str | None
    after: tuple[str, ...] | list[str]
    timeout: float | None
    required: bool
    concurrent: bool


class BeforeSnapshotProvider(Protocol):
    """A module or object that has something to do before the snapshot.

    It may also have the attributes ``priority: int``, ``after: Sequence[str]``,
    ``timeout: float | None``, ``required: bool`` and ``concurrent: bool``; they mean
    what the options of a decorator mean, and hold for both of its hooks.  With the
    name of a phase in front, as ``after_restore_priority``, for one alone.  Further
    ones are ``instances``, ``loop`` and ``provides``.
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


class BeforeSnapshotOfEach(Protocol[T]):
    """A module or object that has something to do before the snapshot, for each of its live objects.

    The optional attributes are those of `BeforeSnapshotProvider`, and ``loop``.
    """

    def instances(self) -> Iterable[T]:
        """The objects that live now."""
        ...

    def before_snapshot(self, one: T, /) -> object:
        """Close, flush, forget this one. May be ``async``."""


class AfterRestoreOfEach(Protocol[T]):
    """A module or object that has something to do after a restore, for each of its live objects.

    The optional attributes are those of `BeforeSnapshotProvider`, and ``loop``.
    """

    def instances(self) -> Iterable[T]:
        """The objects that live now."""
        ...

    def after_restore(self, one: T, /) -> object:
        """Reseed, reconnect, refresh this one. May be ``async``."""


def read(provider: object, info: ProviderInfo) -> tuple[list[Hook], list[Each]]:
    """The hooks of a module or object, with its options; or what makes one for each of its live objects.

    Raises:
        ProviderError: It has no hook, one that cannot be called, or an attribute of the wrong type.
    """
    what = _describe(provider)
    functions = {phase: _ask(provider, phase.value, info) for phase in Phase}
    if all(func is _MISSING for func in functions.values()):
        raise refusal(info, f"{what} has neither `before_snapshot` nor `after_restore`{_meant(provider)}")
    info.names |= {normalise(name) for name in _provided(provider, info)}
    hooks: list[Hook] = []
    each: list[Each] = []
    try:
        objects = _objects(provider, info)
        for phase, func in functions.items():
            if kind(func).rpartition(".")[2] == HookDecorator.__name__:
                if not is_a(func, HookDecorator):
                    raise refusal(info, f"{what} belongs to another copy of snapstart_hooks. Install it once")
                advice = "Make `hooks = Registry()`, decorate with it, and let the entry point name that object"
                raise refusal(info, f"`{phase.value}` of {what} is the decorator of snapstart_hooks itself. {advice}")
            if func is _MISSING:
                continue
            make = _maker(phase, func, _options(provider, phase, info), info, what)
            if objects is None:
                hooks.append(make(None))
            else:
                each.append(Each(objects, make))
    except (HookSignatureError, HookOptionError) as error:
        advice = " Name an object: an instance of it, or the module" if is_a(provider, type) else ""
        raise refusal(info, f"{error}{advice}") from error
    return hooks, each


def _maker(
    phase: Phase, func: object, options: HookOptions, info: ProviderInfo, what: str
) -> Callable[[Instance | None], Hook]:
    def make(instance: Instance | None) -> Hook:
        called = cast("Callable[[], object]", func)
        # pyrefly: ignore[open-unpacking]  # only PEP 728 lets a TypedDict say that it has no other keys
        return Hook(phase, called, provider=info, registered_at=what, instance=instance, **options)

    return make


def _options(provider: object, phase: Phase, info: ProviderInfo) -> HookOptions:
    """Those of one phase: one for it alone beats the one for both."""
    options: dict[str, object] = {}
    for name in _OPTIONS:
        for given in (name, f"{phase.value}_{name}"):
            value = _ask(provider, given, info)
            if value is not _MISSING:
                options[name] = _names(value, info) if name == "after" else value
                check_options(functools.partial(_owner, given, provider), {name: options[name]})
    return cast("HookOptions", options)


def _owner(name: str, provider: object) -> str:
    return f"`{name}` of {_describe(provider)}"


def _provided(provider: object, info: ProviderInfo) -> tuple[str, ...]:
    """The further names that it gives itself."""
    given = _ask(provider, "provides", info)
    names = items(() if given is _MISSING else _names(given, info), tuple)
    if names is None or not all(is_a(name, str) for name in names):
        raise refusal(info, f"`provides` of {_describe(provider)} is {shown(given)}: it has to be a sequence of names")
    return tuple(cast("list[str]", names))


def _objects(provider: object, info: ProviderInfo) -> Objects | None:
    """Its live objects; ``None`` if its hooks are for no particular one."""
    what = _describe(provider)
    found = {name: _ask(provider, name, info) for name in ("instances", "loop")}
    for name, value in found.items():
        if value is not _MISSING and not callable(value):
            raise refusal(info, f"`{name}` of {what} is {shown(value)}: it has to be a function")
    instances, loop = found["instances"], found["loop"]
    if instances is _MISSING:
        if loop is not _MISSING:
            raise refusal(
                info, f"{what} has `loop`, but no `instances`: it says where the coroutines of each of those run"
            )
        return None
    given_loop = None if loop is _MISSING else cast("Callable[[object], object]", loop)
    return Objects(cast("Callable[[], Iterable[object]]", instances), given_loop, what)


def suspicious(provider: object, info: ProviderInfo) -> list[str]:
    """What of its public names is close to one of the contract's, and so probably misspelt."""
    import difflib

    told: list[str] = []
    for name in sorted(_own_names(provider)):
        if name in CONTRACT or name.startswith("_"):
            continue
        meant = "before_snapshot" if name == "before_checkpoint" else None
        close = [meant] if meant else difflib.get_close_matches(name, CONTRACT, 1, _CLOSE)
        if close:
            told.append(
                f"provider {info.name}: {_describe(provider)} has `{printable(name)}`. Did you mean `{close[0]}`?"
            )
    return told


def _ask(provider: object, name: str, info: ProviderInfo) -> object:
    """An attribute of a provider; `_MISSING` if it has none.

    Raises:
        ProviderError: Looking at it raises something else.
    """

    def look() -> object:
        value: object = getattr(provider, name, _MISSING)
        return value

    found, error = tried(look)
    if error is not None:
        raise refusal(info, f"looking at `{name}` of {_describe(provider)} raised {error_text(error)}") from error
    return found


def _names(after: object, info: ProviderInfo) -> object:
    """`after` as a tuple, if it is any sequence of a provider's own."""
    if is_a(after, str) or not issubclass(type(after), Sequence):
        return after
    names, error = tried(lambda: tuple(islice(cast("Sequence[object]", after), _MANY)))  # it may have no end
    if error is not None:
        raise refusal(info, f"going through `after` raised {error_text(error)}") from error
    return names


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


def _own_names(provider: object) -> list[str]:
    """The names that its author chose: not those of what a module has imported."""
    namespace = attribute(provider, "__dict__")
    if not issubclass(type(namespace), dict):
        return []
    found = [(name, value) for name, value in cast("dict[object, object]", namespace).items() if is_a(name, str)]
    if not is_a(provider, ModuleType):
        return [name for name, _ in found]
    return [
        name
        for name, value in found
        if not is_a(value, ModuleType) and attribute(value, "__module__", provider.__name__) == provider.__name__
    ]


def _meant(provider: object) -> str:
    """What its author probably meant, who named something else."""
    if is_a(provider, FunctionType):
        return f". It is a function: let the entry point name the module that it is in, {provider.__module__!r}"
    if issubclass(type(provider), ReferenceType):
        return ". It is a weak reference: name the object, or give those that come and go with `instances`"
    return ""


def _describe(provider: object) -> str:
    if is_a(provider, ModuleType):
        return f"module {str(attribute(provider, '__name__'))!r}"
    if is_a(provider, type):
        return f"class {title(provider)!r}"
    return f"the {kind(provider)} object"
