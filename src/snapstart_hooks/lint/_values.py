"""What the linter knows of a value: where it comes from, not what it is.

The linter runs a file in thought (`_machine`).  Instead of objects it computes
`Value`s: the dotted path that leads to something imported, the functions and
classes of the file that it may be, and the `Origin`s that it holds, such as a
call of ``uuid.uuid4()`` made before the snapshot.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from snapstart_hooks.lint._catalogue import Source

__all__ = (
    "FILLED",
    "MANY",
    "NOTHING",
    "UNKNOWN",
    "Arguments",
    "Bound",
    "Class",
    "Frame",
    "Function",
    "Instance",
    "Moment",
    "Origin",
    "Partial",
    "Scope",
    "Thing",
    "Value",
    "join",
)

UNKNOWN: Final = object()
"""The constant of a value that is none, or whose constant is not known."""

FILLED: Final = object()
"""The constant of a collection that is not empty: true, not ``None``, and no more is known."""

MANY: Final = 8
"""More alternatives than this are not followed."""


class Moment(Enum):
    """When code runs."""

    INIT = "init"
    """Before the snapshot: at import, or in a before_snapshot hook."""
    RESTORE = "restore"
    """In an after_restore hook, once in every clone."""
    PROBE = "probe"
    """Not known; run to learn what a cached function would return."""
    LATER = "later"
    """Not known to run before the snapshot; calls are not followed."""


class Origin:
    """One evaluation of a call that matters.

    Attributes:
        source: What the catalogue says of the call.
        node: The call.
        root: The call at module level that led to it; `node` itself if it stands there.
        via: The name of the function that it stands in, ``""`` at module level.
    """

    __slots__ = ("node", "root", "source", "via")

    def __init__(self, source: Source, node: ast.expr, root: ast.expr, via: str) -> None:
        self.source: Final = source
        self.node: Final = node
        self.root: Final = root
        self.via: Final = via


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression may evaluate to.

    Attributes:
        paths: Dotted import paths; ``()`` stands for a call: ``boto3.client().get_item``.
        origins: What it holds.
        things: What of this file it may be.
        const: Its constant, if it is one.
    """

    paths: tuple[str, ...] = ()
    origins: frozenset[Origin] = frozenset()
    things: tuple[Thing, ...] = ()
    const: object = UNKNOWN

    def holding(self, origins: Iterable[Origin]) -> Value:
        """The same value, holding these origins too."""
        more = self.origins.union(origins)
        return self if more == self.origins else Value(self.paths, more, self.things, self.const)

    def without(self, origins: Iterable[Origin]) -> Value:
        """The same value without these origins."""
        return Value(self.paths, self.origins.difference(origins), self.things, self.const)


NOTHING: Final = Value()


def join(first: Value, second: Value) -> Value:
    """Either of the two."""
    if first is second:
        return first
    if first is NOTHING or second is NOTHING:  # nothing is known of one, so its constant is not either
        known = second if first is NOTHING else first
        return known if known.const is UNKNOWN else Value(known.paths, known.origins, known.things)
    return Value(
        tuple(dict.fromkeys((*first.paths, *second.paths)))[:MANY],
        first.origins | second.origins,
        tuple(dict.fromkeys((*first.things, *second.things)))[:MANY],
        first.const if _same(first.const, second.const) else UNKNOWN,
    )


def _same(first: object, second: object) -> bool:
    return first is second or (type(first) is type(second) and first == second)


@dataclass(slots=True)
class Arguments:
    """The arguments of a call.

    Attributes:
        values: The positional ones.
        keywords: The named ones.
        open: Whether ``*args`` or ``**kwargs`` may add some.
    """

    values: list[Value] = field(default_factory=list["Value"])
    keywords: dict[str, Value] = field(default_factory=dict[str, "Value"])
    open: bool = False

    @property
    def all(self) -> Iterator[Value]:
        """All values."""
        yield from self.values
        yield from self.keywords.values()

    @property
    def origins(self) -> frozenset[Origin]:
        """What any of them holds."""
        found: frozenset[Origin] = frozenset()
        for value in self.all:
            found |= value.origins
        return found

    def get(self, position: int, *names: str) -> Value | None:
        """The argument at this position or of one of these names."""
        if 0 <= position < len(self.values):
            return self.values[position]
        return next((self.keywords[name] for name in names if name in self.keywords), None)


class Scope:
    """Names and their values, with branches that can be taken back."""

    __slots__ = ("_journals", "values")

    def __init__(self) -> None:
        self.values: Final[dict[str, Value]] = {}
        self._journals: Final[list[dict[str, Value | None]]] = []

    def get(self, name: str) -> Value | None:
        """The value of a name; ``None`` if it has none."""
        return self.values.get(name)

    def set(self, name: str, value: Value | None) -> None:
        """Bind a name, or unbind it."""
        if self._journals:
            self._journals[-1].setdefault(name, self.values.get(name))
        if value is None:
            self.values.pop(name, None)
        else:
            self.values[name] = value

    def begin(self) -> None:
        """Start a branch."""
        self._journals.append({})

    def take_back(self) -> dict[str, Value | None]:
        """Undo the branch and give what it had bound."""
        journal = self._journals.pop()
        written = {name: self.values.get(name) for name in journal}
        for name, old in journal.items():
            if old is None:
                self.values.pop(name, None)
            else:
                self.values[name] = old
        return written


class Function:
    """A function or lambda of the file.

    Attributes:
        node: Its definition.
        frame: Where it was defined, for names that it takes from there.
        owner: The class that it is a method of.
        defaults: The values of its defaults by parameter.
        cached: Whether `functools.cache` or the like keeps what it returns.
        cache: What that cache holds after the import.
        opaque: Whether a decorator may have changed what calling it means.
        wrapper: ``staticmethod``, ``classmethod``, ``property`` or ``""``.
    """

    __slots__ = ("_generator", "cache", "cached", "defaults", "frame", "node", "opaque", "owner", "wrapper")

    def __init__(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        frame: Frame,
        *,
        defaults: Mapping[str, Value],
    ) -> None:
        self.node: Final = node
        self.frame: Final = frame
        self.owner: Class | None = None
        self.defaults: Final = defaults
        self.cached: bool = False
        self.cache: Value = NOTHING
        self.opaque: bool = False
        self.wrapper: str = ""
        self._generator: bool | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return getattr(self.node, "name", "<lambda>")

    @property
    def generator(self) -> bool:
        """Whether it contains ``yield``."""
        if self._generator is None:
            self._generator = not isinstance(self.node, ast.Lambda) and _yields(self.node.body)
        return self._generator

    @property
    def qualname(self) -> str:
        """Its name with the class's."""
        return f"{self.owner.name}.{self.name}" if self.owner else self.name


def _yields(body: Iterable[ast.stmt]) -> bool:
    queue: list[ast.AST] = list(body)
    while queue:
        part = queue.pop()
        if isinstance(part, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            queue += ast.iter_child_nodes(part)
    return False


class Class:
    """A class of the file.

    Attributes:
        name: Its name.
        bases: The values of its bases.
        attributes: What its body binds.
    """

    __slots__ = ("attributes", "bases", "name")

    def __init__(self, name: str, bases: tuple[Value, ...], attributes: dict[str, Value]) -> None:
        self.name: Final = name
        self.bases: Final = bases
        self.attributes: Final = attributes

    def find(self, name: str) -> Value | None:
        """An attribute of the class or of its bases in this file."""
        for owner in self.lineage():
            if name in owner.attributes:
                return owner.attributes[name]
        return None

    def lineage(self) -> Iterator[Class]:
        """The class and its bases in this file, nearest first."""
        seen: set[Class] = set()
        queue: list[Class] = [self]
        while queue:
            one = queue.pop(0)
            if one not in seen:
                seen.add(one)
                yield one
                queue += [thing for base in one.bases for thing in base.things if isinstance(thing, Class)]

    @property
    def imported_bases(self) -> tuple[str, ...]:
        """The import paths of what it inherits from other files."""
        return tuple(path for owner in self.lineage() for base in owner.bases for path in base.paths)


class Instance:
    """One object of a class of the file.

    Attributes:
        kind: Its class.
        attributes: What was assigned to it.
    """

    __slots__ = ("attributes", "kind")

    def __init__(self, kind: Class) -> None:
        self.kind: Final = kind
        self.attributes: Final[dict[str, Value]] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """``receiver.name``, not called yet.

    Attributes:
        receiver: The value of what stands before the dot.
        name: What stands behind it.
        function: The method, if it is one of this file.
    """

    receiver: Value
    name: str
    function: Function | None


@dataclass(frozen=True, slots=True, eq=False)
class Partial:
    """``functools.partial(target, ...)``."""

    target: Value
    arguments: Arguments


Thing: TypeAlias = Function | Class | Instance | Bound | Partial


class Frame:
    """Where a statement runs.

    Attributes:
        scope: Its names.
        parent: The frame around it, for names that it does not bind itself.
        moment: When it runs.
        function: The function that it is a call of.
        root: The call at module level that led here.
        in_class: Whether it is a class body.
        hook: Whether a hook led here.
        declared_global: The names that ``global`` declares.
        result: What the function returns.
        returns: Whether it returns a value anywhere.
    """

    __slots__ = (
        "declared_global",
        "function",
        "hook",
        "in_class",
        "moment",
        "parent",
        "result",
        "returns",
        "root",
        "scope",
    )

    def __init__(
        self,
        parent: Frame | None,
        moment: Moment,
        *,
        function: Function | None = None,
        root: ast.expr | None = None,
        in_class: bool = False,
        hook: bool = False,
    ) -> None:
        self.scope: Final = Scope()
        self.parent: Final = parent
        self.moment: Moment = moment
        self.function: Final = function
        self.root: Final = root
        self.in_class: Final = in_class
        self.hook: Final = hook
        self.declared_global: Final[set[str]] = set()
        self.result: Value = NOTHING
        self.returns: bool = False

    @property
    def decides(self) -> bool:
        """Whether constants decide conditions here: later, names may have been assigned again."""
        return self.moment is Moment.INIT and not self.hook

    @property
    def module(self) -> Frame:
        """The frame of the module."""
        frame = self
        while frame.parent is not None:
            frame = frame.parent
        return frame

    def lookup(self, name: str) -> Value | None:
        """The value of a name seen from here; ``None`` if it has none that is known."""
        if name in self.declared_global:
            return self.module.scope.get(name)
        frame: Frame | None = self
        while frame is not None:
            if not frame.in_class or frame is self:
                value = frame.scope.get(name)
                if value is not None:
                    return value
            frame = frame.parent
        return None
