"""What is seen while a file runs, for `_judge`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

    from snapstart_hooks.lint._hooks import Registration
    from snapstart_hooks.lint._values import Class, Function, Instance, Origin, Value

__all__ = ("Effect", "Record", "Sight")


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that was started and stays, whoever holds it.

    Attributes:
        origin: The call.
        on: What identifies the object that it was called on.
        within: The functions that were running.
        objects: The objects whose methods were running.
    """

    origin: Origin
    on: frozenset[Origin]
    within: frozenset[Function]
    objects: frozenset[Instance]


@dataclass(frozen=True, slots=True)
class Sight:
    """A place that breaks a rule by itself, whatever becomes of the value.

    Attributes:
        code: The rule.
        node: The place.
        subject: What the message is about.
    """

    code: str
    node: ast.expr | ast.stmt
    subject: str


@dataclass(slots=True)
class Record:
    """What was seen while the file ran.

    Attributes:
        sights: Places that break a rule by themselves.
        registrations: Hooks.
        effects: What was started.
        escapes: What was given to a call that may keep it, with that call.
        stored: What was stored in objects of other files, with the target's text.
        closed: What was closed or ended before the snapshot.
        touched: The methods that hooks call on what holds an origin.
        rebound: Names and attributes that after_restore hooks replace: the module
            (``None``), class or instance, and the name.
        cleared: Cached functions whose cache an after_restore hook clears.
        hook_calls: The functions and objects that hooks call.
        guarded: Environment variables that the file asks for before it reads them.
        seeded: Modules whose generator the file gave a seed of its own.
        fixed: Generators that the file gave a seed of its own.
        elsewhere: What after_restore hooks assign or call in other files, as dotted paths.
        cached: Cached functions and what they would return.
    """

    sights: list[Sight] = field(default_factory=list["Sight"])
    registrations: list[Registration] = field(default_factory=list["Registration"])
    effects: list[Effect] = field(default_factory=list["Effect"])
    escapes: list[tuple[Origin, ast.expr]] = field(default_factory=list["tuple[Origin, ast.expr]"])
    stored: list[tuple[Value, ast.expr]] = field(default_factory=list["tuple[Value, ast.expr]"])
    closed: set[Origin] = field(default_factory=set["Origin"])
    touched: dict[Origin, set[str]] = field(default_factory=dict["Origin", set[str]])
    rebound: set[tuple[Class | Instance | None, str]] = field(
        default_factory=set["tuple[Class | Instance | None, str]"]
    )
    cleared: set[Function] = field(default_factory=set["Function"])
    hook_calls: set[Function | Instance] = field(default_factory=set["Function | Instance"])
    guarded: set[str] = field(default_factory=set[str])
    seeded: set[str] = field(default_factory=set[str])
    fixed: set[Origin] = field(default_factory=set["Origin"])
    elsewhere: set[str] = field(default_factory=set[str])
    cached: dict[Function, Value] = field(default_factory=dict["Function", "Value"])
