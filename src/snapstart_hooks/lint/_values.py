"""The facts about values and functions that following a file collects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable

    from snapstart_hooks.lint._rules import Rule

__all__ = ("NOTHING", "Does", "Frame", "Origin", "Value")


@dataclass(eq=False, slots=True)
class Origin:
    """A call whose result or effect lasts."""

    node: ast.expr
    path: str  # the callable
    rule: Rule | None = None  # None: no error by itself, but by what is called on it
    what: str = ""  # its source, and the call that led to it
    on: frozenset[Origin] = frozenset()  # the objects it was called on
    ended: bool = False  # closed or stopped before the snapshot


@dataclass(frozen=True, slots=True)
class Value:
    """The facts about a value.

    Attributes:
        path: The callable that made the value, or where it was imported from; ``""`` if unknown.  A path of the file
            itself begins with a dot, one of another module of the project with ``@``.
        origins: The calls from which the value comes.
        names: The names of the module that refer to the value; names of other modules are ``file:name``.
    """

    path: str = ""
    origins: frozenset[Origin] = frozenset()
    names: frozenset[str] = frozenset()

    def __or__(self, other: Value) -> Value:
        return Value(self.path or other.path, self.origins | other.origins, self.names | other.names)


NOTHING: Final = Value()


@dataclass(slots=True)
class Does:
    """What a function does when it is called.

    Attributes:
        touches: What the function does to names of the module: ``=`` binds a name, ``.=`` stores into its object,
            ``()`` passes it as an argument, ``own`` calls a method of a class of the file, any other word calls the
            method of that name.  A package is ``package:``.
        reads: The names of the module that the function reads.
        calls: The functions of the file that the function names.
        draws: The calls that draw from the generator of a module, each with its path.
        loops: The calls that run an event loop.
    """

    touches: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    reads: set[str] = field(default_factory=set[str])
    calls: set[str] = field(default_factory=set[str])
    draws: list[tuple[ast.Call, str]] = field(default_factory=list["tuple[ast.Call, str]"])
    loops: list[ast.Call] = field(default_factory=list["ast.Call"])

    def touch(self, names: Iterable[str], how: str) -> None:
        """Record that something is done to names."""
        for name in names:
            self.touches.setdefault(name, set()).add(how)


@dataclass(slots=True)
class Frame:
    """The context of the code that is followed."""

    scope: dict[str, Value]  # the names that it binds
    prefix: str = "."  # how the paths of what it defines begin
    function: str = ""  # the function it is in; "" at the top
    does: Does | None = None  # what that does, if it is read for later; None for what runs before the snapshot
    root: ast.expr | None = None  # the call in the module that led here
    hook: bool = False  # whether a before_snapshot hook did
    outer: Frame | None = None  # where else names are looked for
    globals: set[str] = field(default_factory=set[str])
    branch: bool = False  # whether this may not run
    stored: set[Origin] = field(default_factory=set[Origin])  # in `self`
    returned: Value = NOTHING
    depth: int = 0  # how many calls led here
