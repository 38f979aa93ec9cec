"""From what happened to what is wrong: who holds which origin when the snapshot is taken, and which hook mends it."""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from snapstart_hooks.lint import _environment, _hooks
from snapstart_hooks.lint._rules import rule
from snapstart_hooks.lint._values import Bound, Class, Function, Instance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from snapstart_hooks.lint._machine import Machine
    from snapstart_hooks.lint._record import Effect
    from snapstart_hooks.lint._source import Source
    from snapstart_hooks.lint._values import Origin, Thing, Value

__all__ = ("Verdict", "judge")

_SEEDING: Final = frozenset({"seed", "manual_seed", "reseed", "setstate", "set_state", "seed_instance", "=", "()"})
_CONNECTING: Final = frozenset(
    [
        "close",
        "aclose",
        "closeall",
        "close_all",
        "dispose",
        "disconnect",
        "disconnect_all",
        "reconnect",
        "connect",
        "ping",
        "reset",
        "open",
        "drain",
        "check",
        "expire_connections",
        "terminate",
        "shutdown",
        "stop",
        "quit",
        "clear",
        "invalidate",
        "logout",
        "end",
        "=",
        "()",
    ]
)
_STARTING: Final = frozenset(
    [
        "stop",
        "shutdown",
        "join",
        "cancel",
        "terminate",
        "kill",
        "close",
        "start",
        "wait",
        "restart",
        "pause",
        "resume",
        "=",
        "()",
    ]
)
_CURES: Final = {"2": _SEEDING, "4": _CONNECTING | {"refresh"}, "5": _CONNECTING, "6": _STARTING, "": _STARTING}
_RENEWS: Final = re.compile(
    r"re(fresh|set|new|load|generate|create|init|build|fetch)|clear$|update$|rotate|invalidate|^set_"
)
"""Methods that renew what an object holds."""

_ESCAPING: Final = frozenset({"SSH101", "SSH102", "SSH104"})
_CACHED: Final = frozenset(
    [
        "SSH101",
        "SSH102",
        "SSH103",
        "SSH104",
        "SSH201",
        "SSH301",
        "SSH302",
        "SSH411",
        "SSH412",
        "SSH413",
        "SSH501",
        "SSH502",
    ]
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One place that breaks a rule.

    Attributes:
        code: The rule.
        node: The place.
        what: The offending expression, quoted.
        holder: What keeps the value, quoted.
        subject: Whatever else the rule's message names.
        name: The module-level name that a hook in another file may mend; ``""`` if there is none.
        resource: Whether a method call mends it, or only an assignment.
    """

    code: str
    node: ast.expr | ast.stmt
    what: str = ""
    holder: str = ""
    subject: str = ""
    name: str = ""
    resource: bool = False


def judge(machine: Machine, source: Source) -> list[Verdict]:
    """All that is wrong with a file that was run."""
    verdicts = [
        *_sights(machine, source),
        *_hook_faults(machine),
        *_held(machine, source),
        *_effects(machine, source),
        *_cached(machine, source),
    ]
    seen: dict[tuple[str, int, int, str], Verdict] = {}
    for one in verdicts:
        seen.setdefault((one.code, one.node.lineno, one.node.col_offset, one.subject), one)
    return list(seen.values())


def _sights(machine: Machine, source: Source) -> Iterator[Verdict]:
    reads = {"SSH401", "SSH402", "SSH403", "SSH404"}
    guarded = machine.record.guarded
    if any(sight.code in reads for sight in machine.record.sights):
        guarded = guarded | _environment.tested(source.tree)
    for sight in machine.record.sights:
        code = sight.code
        if code in reads and sight.subject in guarded:
            continue  # it asks first
        what = f"`{source.expression(sight.node)}`" if isinstance(sight.node, ast.expr) else ""
        subject = sight.subject
        if code == "SSH807":
            what, _, subject = subject.partition("\0")
        yield Verdict(code, sight.node, what=what, subject=subject)


def _hook_faults(machine: Machine) -> Iterator[Verdict]:
    for fault in _hooks.faults(machine.record.registrations, adopted=machine.imports_ours):
        what, subject = "", fault.subject
        if fault.code == "SSH801":
            what, _, missing = subject.partition("\0")
            subject = ", ".join(f"`{name}`" for name in missing.split(", "))
        yield Verdict(fault.code, fault.node, what=what, subject=subject)


# What is held when the snapshot is taken


class _Holders:
    """Follows what the module holds to the origins, past everything that hooks replace."""

    def __init__(self, machine: Machine) -> None:
        self.machine: Final = machine
        self.found: Final[dict[Origin, tuple[str, str]]] = {}
        self._seen: Final[set[object]] = set()

    def walk(self) -> None:
        rebound = self.machine.record.rebound
        renewed = _renewed_by_handler(self.machine)
        for name, value in self.machine.module.scope.values.items():
            if (None, name) in rebound or name in renewed:
                continue
            self._hold(self._alive(name, value), f"`{name}`", name)

    def _alive(self, name: str, value: Value) -> Value:
        """The value without what nobody reads after the import."""
        if not value.origins or name in self._read_later:
            return value
        if name.startswith("_") and not name.startswith("__"):
            return value.without(value.origins)
        if not name.isupper() and name in self._read_now:  # `start`, for `time() - start` some lines below
            return value.without(one for one in value.origins if one.source.clock)
        return value

    @functools.cached_property
    def _read_later(self) -> set[str]:
        """The names that functions of the file read."""
        return {
            part.id
            for function in self.machine.functions
            for part in ast.walk(function.node)
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)
        }

    @functools.cached_property
    def _read_now(self) -> set[str]:
        """The names that the module body reads."""
        found: set[str] = set()
        queue: list[ast.AST] = list(self.machine.tree.body)
        while queue:
            part = queue.pop()
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
                found.add(part.id)
            if not isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                queue += ast.iter_child_nodes(part)
        return found

    def _hold(self, value: Value, label: str, name: str) -> None:
        for origin in value.origins:
            self.found.setdefault(origin, (label, name))
        for thing in value.things:
            if thing not in self._seen:
                self._seen.add(thing)
                self._follow(thing, label, name)

    def _follow(self, thing: Thing, label: str, name: str) -> None:
        if isinstance(thing, Instance):
            held, of = thing.attributes, label.strip("`")
            self._hold_attributes(held, of, (thing, thing.kind), name)
        elif isinstance(thing, Class):
            self._hold_attributes(thing.attributes, thing.name, (thing,), name)
        elif isinstance(thing, Function):
            for parameter, value in thing.defaults.items():
                self._hold(value, f"the default of `{parameter}` in `{thing.qualname}()`", "")
            if thing not in self.machine.record.cleared:
                self._hold(thing.cache, f"the cache of `{thing.qualname}()`", "")
        elif isinstance(thing, Bound):
            self._hold(thing.receiver, label, name)
        else:
            for value in thing.arguments.all:
                self._hold(value, label, name)

    def _hold_attributes(
        self, attributes: Mapping[str, Value], of: str, owners: Sequence[Instance | Class], name: str
    ) -> None:
        rebound = self.machine.record.rebound
        for attribute, value in attributes.items():
            if not any((owner, attribute) in rebound for owner in owners):
                self._hold(value, f"`{of}.{attribute}`", name)


def _held(machine: Machine, source: Source) -> Iterator[Verdict]:
    holders = _Holders(machine)
    holders.walk()
    found = holders.found
    for value, target in machine.record.stored:
        for origin in value.origins:
            found.setdefault(origin, (f"`{source.expression(target)}`", ""))
    for origin, call in machine.record.escapes:
        if origin.source.code in _ESCAPING:
            name = source.expression(call.func) if isinstance(call, ast.Call) else source.expression(call)
            found.setdefault(origin, (f"what `{name}()` was given", ""))
    verdicts: dict[tuple[object, ...], Verdict] = {}
    for origin, (holder, name) in found.items():
        code = origin.source.code
        if not code or origin.source.effect or origin in machine.record.closed or _mended(machine, origin):
            continue
        if code == "SSH201" and origin in machine.record.fixed:
            code = "SSH202"
        one = Verdict(
            code, origin.root, what=_what(origin, source), holder=holder, name=name, resource=origin.source.resource
        )
        verdicts.setdefault((holder, origin.node, code), one)  # reached many times for one holder: told once
    worst: dict[tuple[object, ...], Verdict] = {}
    for one in sorted(verdicts.values(), key=lambda verdict: (rule(verdict.code).severity.rank, verdict.code)):
        worst.setdefault((one.holder, one.node), one)  # of all that goes into one value the worst is told
    yield from worst.values()


def _mended(machine: Machine, origin: Origin) -> bool:
    methods = machine.record.touched.get(origin, set())
    if origin.source.resource:
        return not _CURES[origin.source.code[3:4]].isdisjoint(methods)
    return any(_RENEWS.search(method) for method in methods)


def _what(origin: Origin, source: Source) -> str:
    text = f"`{source.expression(origin.node)}`"
    if origin.node is origin.root:
        return text
    return (
        f"{text} in `{origin.via}()` (line {origin.node.lineno})"
        if origin.via
        else f"{text} (line {origin.node.lineno})"
    )


def _effects(machine: Machine, source: Source) -> Iterator[Verdict]:
    for effect in machine.record.effects:
        if not _effect_mended(machine, effect):
            yield Verdict(
                effect.origin.source.code,
                effect.origin.root,
                what=_what(effect.origin, source),
                holder="it",
                resource=True,
            )


def _effect_mended(machine: Machine, effect: Effect) -> bool:
    record = machine.record
    origins = effect.on | {effect.origin}
    if origins & record.closed:
        return True
    if any(not _STARTING.isdisjoint(record.touched.get(origin, ())) for origin in origins):
        return True
    return not record.hook_calls.isdisjoint(effect.within) or not record.hook_calls.isdisjoint(effect.objects)


def _cached(machine: Machine, source: Source) -> Iterator[Verdict]:
    for function, value in machine.record.cached.items():
        if function in machine.record.cleared or function.cache.origins or isinstance(function.node, ast.Lambda):
            continue
        risky = [origin for origin in value.origins if origin.source.code in _CACHED]
        if risky:
            first = min(risky, key=lambda one: (one.node.lineno, one.node.col_offset))
            yield Verdict(
                "SSH701", function.node, what=f"`{source.expression(first.node)}`", subject=f"{function.qualname}()"
            )


def _renewed_by_handler(machine: Machine) -> set[str]:
    """The globals that the handler assigns in every invocation: what they held before is never used."""
    names: set[str] = set()
    for function in machine.functions:
        if isinstance(function.node, ast.Lambda) or not _hooks.is_handler(function):
            continue
        body = function.node.body
        declared = {name for part in body if isinstance(part, ast.Global) for name in part.names}
        targets = [target for part in body if isinstance(part, ast.Assign) for target in part.targets]
        names |= declared.intersection(target.id for target in targets if isinstance(target, ast.Name))
    return names
