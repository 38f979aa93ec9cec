"""What an entry point may name, and how it becomes hooks.

A module or object with ``before_snapshot`` and/or ``after_restore``.  (The other
form, a `Registry`, needs no reading: its hooks are hooks already.)
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from itertools import islice
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Final, Protocol, TypedDict, TypeVar, cast
from weakref import ReferenceType

from ._callables import title
from ._decorators import HookDecorator
from ._foreign import attribute, error_text, is_a, items, kind, printable, shown, tried
from ._hook import OPTIONS, Hook, Phase, normalise, read_options, refusal
from ._instances import Each
from ._state import Included
from .errors import HookOptionError, HookSignatureError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._hook import ProviderInfo
    from ._instances import Instance

_OPTIONS: Final = tuple(name for name in OPTIONS if name != "name")

CONTRACT: Final = (
    *(phase.value for phase in Phase),
    *_OPTIONS,
    *(f"{phase.value}_{option}" for phase in Phase for option in _OPTIONS),
    "instances",
    "loop",
    "provides",
)
"""The attributes of a provider that have a meaning."""

_CLOSE: Final = 0.85
"""How alike a name and one of the contract's are, from 0 to 1, from which on the one is reported as misspelt."""

_MANY: Final = 10_000
"""Names in a sequence that are looked at."""

_MISSING: Final = object()

T = TypeVar("T")


class HookOptions(TypedDict, total=False):
    """Declares the options of a hook: arguments of the decorators and of `Hook`, attributes of a provider.

    Attributes:
        priority: After a restore hooks of lower priority run earlier.
        name: The name for reports, ``after`` and the settings.
        after: Names of hooks, providers, distributions or packages that run before it after a restore.
        timeout: The most seconds that a call may take; ``None`` for no timeout.
        required: Whether its failure fails the phase.
        concurrent: Whether it may run at the same time as its neighbours of equal priority.
    """

    priority: int | None
    name: str | None
    after: tuple[str, ...] | list[str]
    timeout: float | None
    required: bool
    concurrent: bool


class BeforeSnapshotProvider(Protocol):
    """A module or object with a hook that runs before the snapshot.

    It may also have the attributes ``priority: int``, ``after: Sequence[str]``,
    ``timeout: float | None``, ``required: bool`` and ``concurrent: bool``; they are
    the options of both of its hooks, see `HookOptions`.  An attribute that begins with
    the name of a phase, as ``after_restore_priority``, is an option of one hook alone.
    Further attributes are ``instances``, ``loop`` and ``provides``.
    """

    def before_snapshot(self) -> object:
        """Close, flush, forget. May be ``async``."""


class AfterRestoreProvider(Protocol):
    """A module or object with a hook that runs after a restore.

    The optional attributes are those of `BeforeSnapshotProvider`.
    """

    def after_restore(self) -> object:
        """Reseed, reconnect, refresh. May be ``async``."""


class HookProvider(BeforeSnapshotProvider, AfterRestoreProvider, Protocol):
    """A module or object that has hooks of both phases."""


class BeforeSnapshotOfEach(Protocol[T]):
    """A module or object with a hook that runs before the snapshot, once for each of its live objects.

    The optional attributes are those of `BeforeSnapshotProvider`, and ``loop``.
    """

    def instances(self) -> Iterable[T]:
        """Return the objects that are alive now."""
        ...

    def before_snapshot(self, one: T, /) -> object:
        """Close, flush, forget this one. May be ``async``.

        Args:
            one: A live object, of those that `instances` returned.
        """


class AfterRestoreOfEach(Protocol[T]):
    """A module or object with a hook that runs after a restore, once for each of its live objects.

    The optional attributes are those of `BeforeSnapshotProvider`, and ``loop``.
    """

    def instances(self) -> Iterable[T]:
        """Return the objects that are alive now."""
        ...

    def after_restore(self, one: T, /) -> object:
        """Reseed, reconnect, refresh this one. May be ``async``.

        Args:
            one: A live object, of those that `instances` returned.
        """


def read(provider: object, info: ProviderInfo) -> Included:
    """The hooks of a module or object, or what makes them for each of its live objects.

    Raises:
        ProviderError: It has no hook, one that cannot be called, or an attribute of the wrong type.
    """
    what, given = _describe(provider), _given(provider, info)
    functions = {phase: given[phase.value] for phase in Phase if phase.value in given}
    if not functions:
        raise refusal(info, f"{what} has neither `before_snapshot` nor `after_restore`{_meant(provider)}")
    for name, possible, wanted in _CHECKS:
        if name in given and not possible(given[name]):
            raise refusal(info, f"`{name}` of {what} is {shown(given[name])}: it has to be {wanted}")
    if "loop" in given and "instances" not in given:
        raise refusal(info, f"{what} has `loop`, but no `instances`: it says where the coroutines of each of those run")
    # As plain text: the methods of a subclass are anybody's code.
    info.names |= {normalise(str.__str__(name)) for name in cast("tuple[str, ...]", given.get("provides", ()))}
    try:
        makers = [_maker(phase, func, given, what, info) for phase, func in functions.items()]
        if "instances" not in given:
            return Included(info, hooks=[make(None) for make in makers])
        instances = cast("Callable[[], Iterable[object]]", given["instances"])
        loop = cast("Callable[[object], object] | None", given.get("loop"))
        return Included(info, each=[Each(instances, loop, makers, where=what, provider=info)])
    except (HookSignatureError, HookOptionError) as error:
        advice = " Name an object: an instance of it, or the module" if is_a(provider, type) else ""
        raise refusal(info, f"{error}{advice}") from error


def _given(provider: object, info: ProviderInfo) -> dict[str, object]:
    """Those attributes of the contract that it has; sequences of names as tuples."""
    given: dict[str, object] = {}
    for name in CONTRACT:
        value, error = tried(functools.partial(getattr, provider, name, _MISSING))
        if error is None and value is not _MISSING and name.endswith(("after", "provides")):
            value, error = tried(functools.partial(_names, value))
        if error is not None:
            raise refusal(info, f"looking at `{name}` of {_describe(provider)} raised {error_text(error)}") from error
        if value is not _MISSING:
            given[name] = value
    return given


def _names(given: object) -> object:
    """A sequence of any class, which may have no end, as a tuple; else what was given."""
    if is_a(given, str) or not issubclass(type(given), Sequence):
        return given
    return tuple(islice(cast("Sequence[object]", given), _MANY))


def _are_texts(value: object) -> bool:
    found = items(value, tuple)
    return found is not None and all(is_a(each, str) for each in found)


_CHECKS: Final[Sequence[tuple[str, Callable[[object], bool], str]]] = (
    ("provides", _are_texts, "a sequence of names"),
    ("instances", callable, "a function"),
    ("loop", callable, "a function"),
)
"""What the attributes that are no options have to be."""


def _maker(
    phase: Phase, func: object, given: dict[str, object], what: str, info: ProviderInfo
) -> Callable[[Instance | None], Hook]:
    """A function that makes the hook of one phase, for an object if one is given."""
    if kind(func).rpartition(".")[2] == HookDecorator.__name__:
        if not is_a(func, HookDecorator):
            raise refusal(info, f"{what} belongs to another copy of snapstart_hooks. Install it once")
        advice = "Make `hooks = Registry()`, decorate with it, and let the entry point name that object"
        raise refusal(info, f"`{phase.value}` of {what} is the decorator of snapstart_hooks itself. {advice}")
    options: HookOptions = {}
    for name in _OPTIONS:
        for attribute_name in (name, f"{phase.value}_{name}"):
            if attribute_name in given:
                owner = functools.partial("`{}` of {}".format, attribute_name, what)
                options |= read_options(owner, {name: given[attribute_name]})

    def make(instance: Instance | None) -> Hook:
        called = cast("Callable[[], object]", func)
        # pyrefly: ignore[open-unpacking]  # only PEP 728 lets a TypedDict say that it has no other keys
        return Hook(phase, called, provider=info, registered_at=what, instance=instance, **options)

    return make


def suspicious(provider: object, info: ProviderInfo) -> list[str]:
    """Warnings of public names that are similar to one of the contract, and so probably misspelt."""
    import difflib

    warnings: list[str] = []
    for name, value in sorted(vars(provider).items()):
        imported = is_a(provider, ModuleType) and getattr(value, "__module__", provider.__name__) != provider.__name__
        if name in CONTRACT or name.startswith("_") or imported or is_a(value, ModuleType):
            continue
        near = difflib.get_close_matches(name, CONTRACT, 1, _CLOSE)
        if meant := ["before_snapshot"] if name == "before_checkpoint" else near:
            found = f"{_describe(provider)} has `{printable(name)}`. Did you mean `{meant[0]}`?"
            warnings.append(f"provider {info.name}: {found}")
    return warnings


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
