"""What is known of values and functions while a file is followed."""

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
    """A call of which something is left."""

    node: ast.expr
    path: str  # what is called
    rule: Rule | None = None  # None for what only matters by what is done to it
    what: str = ""  # the call as it is written, and what led to it
    on: frozenset[Origin] = frozenset()  # what it was done to
    ended: bool = False  # closed or stopped before the snapshot


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of a value.

    Attributes:
        path: What made it, or where it was imported from; ``""`` if that is not known.  That of the file's own
            functions and classes begins with a dot, that of the project's other modules with ``@``.
        origins: The calls that it came from.
        names: The module's names through which it is reached; those of other modules as ``file:name``.
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
        touches: What it does to names of the module: ``=`` binds, ``.=`` stores in, ``()`` hands on, ``own`` calls a
            method of an own class, any other word calls that method.  A package, with a colon, stands for itself.
        reads: The names of the module that it reads.
        calls: The file's own functions that it names.
        draws: Where it draws from the generator of a module, and from which.
        loops: Where it runs an event loop.
    """

    touches: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    reads: set[str] = field(default_factory=set[str])
    calls: set[str] = field(default_factory=set[str])
    draws: list[tuple[ast.Call, str]] = field(default_factory=list["tuple[ast.Call, str]"])
    loops: list[ast.Call] = field(default_factory=list["ast.Call"])

    def touch(self, names: Iterable[str], how: str) -> None:
        """Remember what is done to names."""
        for name in names:
            self.touches.setdefault(name, set()).add(how)


@dataclass(slots=True)
class Frame:
    """Where the code stands that is followed."""

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
