"""Runs the hooks of a file: those before the snapshot as part of the initialisation, then those after the restore."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from snapstart_hooks.lint import _calls, _functions
from snapstart_hooks.lint._hooks import AFTER, BEFORE
from snapstart_hooks.lint._sources import Site
from snapstart_hooks.lint._values import NOTHING, Arguments, Bound, Frame, Function, Instance, Moment, Value

if TYPE_CHECKING:
    from snapstart_hooks.lint._machine import Machine

__all__ = ("run_hooks",)


def run_hooks(machine: Machine) -> None:
    """Run the before_snapshot hooks as part of the initialisation, then those after the restore."""
    hooks = [one for one in machine.record.registrations if not one.in_handler]
    for hook in reversed([one for one in hooks if one.phase == BEFORE]):
        _run_hook(machine, hook.target, hook.arguments, hook.node, Moment.INIT)
    for target, node in _provided(machine, BEFORE):
        _run_hook(machine, target, Arguments(), node, Moment.INIT)
    for hook in [one for one in hooks if one.phase == AFTER]:
        _run_hook(machine, hook.target, hook.arguments, hook.node, Moment.RESTORE)
    for target, node in _provided(machine, AFTER):
        _run_hook(machine, target, Arguments(), node, Moment.RESTORE)


def _provided(machine: Machine, phase: str) -> list[tuple[Value, ast.expr]]:
    """The functions of a provider module or of a provider object, which carry the phase's name."""
    found: list[tuple[Value, ast.expr]] = []
    registered = {thing for one in machine.record.registrations for thing in one.target.things}
    place = ast.Name(phase, ast.Load())
    value = machine.module.scope.get(phase)
    if value is not None and not registered.intersection(value.things):
        found.append((value, place))
    objects = [thing for held in machine.module.scope.values.values() for thing in held.things]
    for thing in objects:
        if isinstance(thing, Instance) and thing.kind.find(phase) is not None:
            method = machine.attribute(Value(things=(thing,)), phase, place, machine.module)
            found.append((method, place))
    return found


def _run_hook(machine: Machine, target: Value, given: Arguments, node: ast.expr, moment: Moment) -> None:
    stage = Frame(machine.module, moment, hook=True)
    for thing in target.things:
        function = thing
        receiver: list[Value] = []
        if isinstance(thing, Bound) and thing.function is not None:
            function = thing.function
            receiver = [] if thing.receiver is NOTHING else [thing.receiver]
            machine.record.hook_calls.update(one for one in thing.receiver.things if isinstance(one, Instance))
        if isinstance(function, Function) and not function.generator:
            machine.record.hook_calls.add(function)
            arguments = Arguments([*receiver, *given.values], given.keywords, given.open)
            if function not in machine.running:
                _functions.enter(machine, function, arguments, moment, root=None, hook=True)
        else:
            _calls.apply(machine, Site(Value(things=(thing,)), given, node, stage))
    if target.paths and not target.things:
        _calls.apply(machine, Site(Value(target.paths), given, node, stage))
