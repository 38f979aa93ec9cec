"""Calls of the file's own functions: parameters are bound, the body runs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from snapstart_hooks.lint._hooks import NO_RESULT
from snapstart_hooks.lint._values import FILLED, NOTHING, UNKNOWN, Arguments, Frame, Function, Moment, Value, join

if TYPE_CHECKING:
    from snapstart_hooks.lint._machine import Machine

__all__ = ("enter", "invoke", "invoke_bare")

DEEPEST: Final = 12
"""How many calls into each other are followed."""


def invoke(machine: Machine, function: Function, given: Arguments, node: ast.expr, frame: Frame) -> Value:
    """Call a function of the file from `frame`; `node` is the call."""
    unknown = Value(origins=given.origins) if given.origins else NOTHING
    if function.generator or function.opaque or frame.moment is Moment.LATER:
        return unknown
    if function in machine.running or len(machine.running) >= DEEPEST or machine.calls_left <= 0:
        return unknown
    key = _memo_key(function, given)
    if key is not None and key in machine.memo:
        return machine.memo[key]
    before = machine.activity
    result = enter(machine, function, given, frame.moment, root=frame.root or node, hook=frame.hook)
    if function.cached and frame.moment is Moment.INIT:
        function.cache = join(function.cache, result)
    if key is not None and machine.activity == before:
        machine.memo[key] = result
    return result


def _memo_key(function: Function, given: Arguments) -> tuple[Function, tuple[object, ...]] | None:
    """What tells apart calls that may differ; ``None`` if the call holds anything that matters."""
    constants: list[object] = []
    for value in given.all:
        if value.origins or value.things or value.paths or value.const is FILLED:
            return None
        if value.const is not UNKNOWN:
            constants.append(repr(value.const))
    return function, tuple(constants)


def enter(
    machine: Machine, function: Function, given: Arguments, moment: Moment, *, root: ast.expr | None, hook: bool
) -> Value:
    """Run a function's body with its parameters bound."""
    machine.visited.add(function)
    machine.calls_left -= 1
    frame = Frame(function.frame, moment, function=function, root=root, hook=hook)
    _bind(function, given, frame)
    machine.running.append(function)
    machine.selves.append(given.values[0] if function.owner is not None and given.values else NOTHING)
    if isinstance(function.node, ast.Lambda):
        frame.returns = True
        frame.result = machine.evaluate(function.node.body, frame)
    else:
        machine.block(function.node.body, frame)
    machine.running.pop()
    machine.selves.pop()
    if not frame.returns:
        return Value(const=NO_RESULT)
    return frame.result


def _bind(function: Function, given: Arguments, frame: Frame) -> None:
    arguments = function.node.args
    positional = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    for position, name in enumerate(positional):
        value = given.get(position, name) or function.defaults.get(name, NOTHING)
        frame.scope.set(name, value)
    for parameter in arguments.kwonlyargs:
        frame.scope.set(
            parameter.arg, given.keywords.get(parameter.arg) or function.defaults.get(parameter.arg, NOTHING)
        )
    if arguments.vararg is not None:
        rest = Arguments(given.values[len(positional) :])
        frame.scope.set(arguments.vararg.arg, Value(origins=rest.origins) if rest.origins else NOTHING)
    if arguments.kwarg is not None:
        known = {*positional, *(one.arg for one in arguments.kwonlyargs)}
        others = Arguments([], {name: value for name, value in given.keywords.items() if name not in known})
        frame.scope.set(arguments.kwarg.arg, Value(origins=others.origins) if others.origins else NOTHING)


def invoke_bare(machine: Machine, function: Function, moment: Moment) -> Value:
    """Run a function of which nobody knows the arguments."""
    given = Arguments()
    if function.owner is not None and function.wrapper not in {"staticmethod", "classmethod"}:
        given.values.append(Value(things=(machine.sample(function.owner),)))
    elif function.owner is not None and function.wrapper == "classmethod":
        given.values.append(Value(things=(function.owner,)))
    return enter(machine, function, given, moment, root=None, hook=False)
