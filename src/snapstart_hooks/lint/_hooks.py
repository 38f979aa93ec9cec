"""Hooks as the file declares them: which calls register one, and what is wrong with it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from snapstart_hooks.lint._record import Sight
from snapstart_hooks.lint._values import Arguments, Bound, Class, Frame, Function, Moment, Partial, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from snapstart_hooks.lint._sources import Site

__all__ = (
    "AFTER",
    "BEFORE",
    "Registration",
    "faults",
    "is_handler",
    "recognise",
    "words",
    "wrong_import",
    "wrong_module",
)

BEFORE: Final = "before_snapshot"
AFTER: Final = "after_restore"

_AWS: Final = "snapshot_restore_py"
_OURS: Final = "snapstart_hooks"
_PHASES: Final = {"before_snapshot": BEFORE, "before_checkpoint": BEFORE, "after_restore": AFTER}
_REGISTER: Final = {f"register_{name}": phase for name, phase in _PHASES.items()}
_WRONG_MODULES: Final = {
    "snapshot_restore": _AWS,
    "snapstart_hooks_py": _OURS,
    "aws_lambda_powertools.utilities.snapstart": _OURS,
    "awslambdaric.bootstrap": _AWS,
    "awslambdaric": _AWS,
}
_EVENTS: Final = frozenset({"event", "_event", "evt", "events"})
_CONTEXTS: Final = frozenset({"context", "_context", "ctx", "_ctx", "lambda_context", "_"})


def words() -> frozenset[str]:
    """A file whose text has none of these words registers no hook."""
    return frozenset({_AWS, _OURS, *_WRONG_MODULES})


@dataclass(frozen=True, slots=True)
class Registration:
    """A hook that the file registers.

    Attributes:
        phase: `BEFORE` or `AFTER`.
        aws: Whether AWS's package is used, which awaits nothing.
        node: The decorator or call.
        target: What is registered.
        arguments: What it will be called with.
        argument: The expression that names it, in a call.
        decorates: The definition, for a decorator.
        moment: When the registration runs.
        enclosing: The functions around it, innermost first.
    """

    phase: str
    aws: bool
    node: ast.expr
    target: Value
    arguments: Arguments
    argument: ast.expr | None
    decorates: ast.stmt | None
    moment: Moment
    enclosing: tuple[Function, ...]

    @property
    def in_handler(self) -> bool:
        """Whether it happens in an invocation."""
        return any(is_handler(function) for function in self.enclosing)


def recognise(site: Site) -> Registration | Value | None:
    """A registration, or the decorator that a call with options returns; ``None`` for any other call."""
    given, node, frame = site.given, site.node, site.frame
    for path in site.callee.paths:
        kind = _kind(path)
        if kind is None:
            continue
        phase, aws, configured = kind
        if not given.values:
            return Value((f"{path}()",)) if configured and not given.open else None
        called = isinstance(node, ast.Call) and node.args and site.decorates is None
        return Registration(
            phase=phase,
            aws=aws,
            node=node,
            target=given.values[0],
            arguments=Arguments(given.values[1:], dict(given.keywords), given.open),
            argument=node.args[0] if isinstance(node, ast.Call) and called else None,
            decorates=site.decorates,
            moment=frame.moment,
            enclosing=tuple(_around(frame)),
        )
    return None


def _kind(path: str) -> tuple[str, bool, bool] | None:
    """The phase, whether AWS's package is meant, and whether a call without a function makes a decorator."""
    module, _, rest = path.partition(".")
    if module == _OURS:
        rest = rest.removeprefix("default_registry.").removeprefix("Registry().")
        bare = rest.removesuffix(".call").removesuffix("()")
        if rest in _REGISTER:
            return _REGISTER[rest], False, False
        if bare in _PHASES and rest in {bare, f"{bare}()", f"{bare}().call"}:
            return _PHASES[bare], False, rest == bare
        return None
    if module == _AWS:
        return (_REGISTER[rest], True, False) if rest in _REGISTER else None
    wrong, _, name = path.rpartition(".")
    if wrong in _WRONG_MODULES:
        known = {**_REGISTER, **_PHASES}
        return (known[name], True, False) if name in known else None
    return None


def wrong_import(module: str, name: str) -> str | None:
    """The module that is meant by an import of hooks from one that does not have them."""
    right = _WRONG_MODULES.get(module)
    return right if right is not None and (name in _REGISTER or name in _PHASES) else None


def wrong_module(path: str) -> tuple[str, str] | None:
    """The same for ``module.name`` after ``import module``: the wrong module and the right one."""
    module, _, name = path.rpartition(".")
    right = wrong_import(module, name)
    return (module, right) if right is not None else None


def _around(frame: Frame) -> Iterator[Function]:
    where: Frame | None = frame
    while where is not None:
        if where.function is not None and not where.in_class:
            yield where.function
        where = where.parent


def is_handler(function: Function) -> bool:
    """Whether a function looks like a Lambda handler: ``(event, context)``, or by its name."""
    arguments = function.node.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    if function.owner is not None and names[:1] in (["self"], ["cls"]):
        names = names[1:]
    if function.name == "lambda_handler":
        return True
    return len(names) >= 2 and names[0] in _EVENTS and names[1] in _CONTEXTS  # noqa: PLR2004 - a pair


def faults(registrations: Sequence[Registration], *, adopted: bool) -> Iterator[Sight]:
    """What is wrong with the hooks of a file.

    Args:
        registrations: All of them.
        adopted: Whether `snapstart_hooks` is there to adopt, and await, AWS's hooks.
    """
    run_at_import = {one.node for one in registrations if one.moment is Moment.INIT}
    for one in registrations:
        if one.moment is not Moment.INIT and one.node in run_at_import:
            continue
        place = one.decorates or one.node
        if one.in_handler:
            yield Sight("SSH802", place, one.phase)
        elif one.decorates is not None and one.moment is Moment.LATER and one.enclosing:
            yield Sight("SSH803", place, f"{one.enclosing[0].qualname}()")
        yield from _target_faults(one, place, adopted=adopted)


def _target_faults(one: Registration, place: ast.expr | ast.stmt, *, adopted: bool) -> Iterator[Sight]:
    if isinstance(one.argument, ast.Call) and one.target.const == NO_RESULT:
        yield Sight("SSH808", one.argument, ast.unparse(one.argument))
        return
    for thing in one.target.things:
        function, count, names = _needed(thing, one)
        if function is None:
            continue
        if function.generator:
            yield Sight("SSH804", place, function.qualname)
        elif function.opaque:
            return
        else:
            missing = _missing(function, count, names)
            if missing and not one.arguments.open:
                yield Sight("SSH801", place, f"{function.qualname}\0{', '.join(missing)}")
            if isinstance(function.node, ast.AsyncFunctionDef) and one.aws and not adopted:
                yield Sight("SSH805", place, function.qualname)
        return


NO_RESULT: Final = "\0nothing"
"""The constant of a call of a function that has no ``return value``."""


def _needed(thing: object, one: Registration) -> tuple[Function | None, int, set[str]]:
    """The function, how many positional arguments it will get, and which named ones."""
    count, names = len(one.arguments.values), set(one.arguments.keywords)
    if isinstance(thing, Partial):
        for inner in thing.target.things:
            function, more, other = _needed(inner, one)
            return function, more + len(thing.arguments.values), other | set(thing.arguments.keywords)
        return None, 0, set()
    if isinstance(thing, Bound):
        receives = bool(thing.receiver.things)
        return thing.function, count + receives, names
    if isinstance(thing, Function):
        return thing, count, names
    if isinstance(thing, Class):
        init = thing.find("__init__")
        for inner in init.things if init is not None else ():
            if isinstance(inner, Function):
                return inner, count + 1, names
    return None, 0, set()


def _missing(function: Function, count: int, names: set[str]) -> list[str]:
    arguments = function.node.args
    positional = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    needed = [*positional[count:], *(one.arg for one in arguments.kwonlyargs)]
    return [name for name in needed if name not in function.defaults and name not in names]
