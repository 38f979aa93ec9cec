"""Derives the findings of a file: what the snapshot keeps, and no hook repairs."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final, TypeAlias

from snapstart_hooks.lint._catalogue import DRAWS
from snapstart_hooks.lint._hooks import AFTER, BEFORE, is_handler, nothing_done
from snapstart_hooks.lint._module import ENDS
from snapstart_hooks.lint._rules import RULES, Kind, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from snapstart_hooks.lint._hooks import Registration
    from snapstart_hooks.lint._module import Module
    from snapstart_hooks.lint._project import Around
    from snapstart_hooks.lint._values import Origin, Value

__all__ = ("Findings",)

_TOUCHED: Final = ENDS | {"=", ".=", "()", "own"}
_GLOBAL_ENDS: Final = frozenset(("seed", "flush", "force_flush", "shutdown", "close_all", "close_old_connections"))
_RENEWS: Final = re.compile(r"=|\.=|own|re(fresh|set|new|load|generate|create|init|build|fetch)|clear$|update$|rotate")
_STALE: Final = (RULES["SSH301"], RULES["SSH302"], RULES["SSH414"])

Found: TypeAlias = tuple[Rule, ast.expr | ast.stmt, str, str]
"""The rule, the place that breaks it, the code there, and its holder."""


class Findings:
    """The findings of a file, with regard to the other files of its project."""

    def __init__(self, module: Module, around: Around) -> None:
        self._module: Final = module
        self._around: Final = around
        before, self._after = module.touches(BEFORE), module.touches(AFTER)
        self._touches: Final = (before, self._after, around.touches)
        self._called: Final = set[str]().union(*(does.calls for does in module.does.values()))
        self._reads: Final = set[str]().union(*(does.reads for does in module.does.values()))
        self._handlers: Final = module.reached(path for path, code in module.functions.items() if is_handler(code))
        self._is_entry: Final = bool(self._handlers) or any("handler" in name for name in module.names)
        self._rebound: Final = {
            name
            for path, does in module.does.items()
            if path not in module.ran | module.hooks(BEFORE)
            for name, how in does.touches.items()
            if "=" in how and self._is_called(path)
        }

    def all(self) -> Iterator[Found]:  # noqa: C901 - one loop for each kind
        """Yield each finding; some places come more than once."""
        for name, value in self._module.names.items():
            for origin in self._alive(name, value):
                yield from self._kept(origin, f"`{name}`", (name,))
        for value, holder in self._module.held:
            for origin in value.origins:
                yield from self._kept(origin, holder, value.names)
        for origin in self._module.effects:
            yield from self._done(origin)
        # Or it is a program of its own, and in no snapshot; or the integrations see to it.
        if (self._is_entry or self._around.imported) and not self._around.integrated:
            yield from self._draws()
        for node, name in self._module.variables.items():
            if name not in self._module.asked:
                yield RULES["SSH401"], node, f"`{name}`", ""
        for statement, name, key in self._module.imports:
            if (
                name in self._reads
                and "=" in self._around.touches.get(key, ())
                and "=" not in self._after.get(name, ())
            ):
                yield RULES["SSH805"], statement, f"`{name}`", ""
        for one in self._module.registrations:
            yield from self._registration(one)

    # Before the snapshot

    def _alive(self, name: str, value: Value) -> Iterable[Origin]:
        """Return the origins of a name that may be read after a restore."""
        if name in self._reads:
            return value.origins
        if name.startswith("_") and not name.startswith("__"):
            return ()
        if self._is_entry and name not in self._module.read and not self._around.mentions(name):
            return [one for one in value.origins if one.rule is not RULES["SSH103"]]
        if not name.isupper() and name in self._module.read:  # `start`, for `time() - start` some lines below
            return [one for one in value.origins if one.rule not in _STALE]
        return value.origins

    def _kept(self, origin: Origin, holder: str, names: Iterable[str]) -> Iterator[Found]:
        rule = origin.rule
        if rule is not None and rule.kind is not Kind.EFFECT and not origin.ended:
            right = self._is_renewed(names) if rule.kind is Kind.VALUE else self._is_ended(origin, names)
            if not right:
                yield rule, origin.node, origin.what, holder

    def _is_renewed(self, names: Iterable[str]) -> bool:
        """Return whether a hook gives one of the names another value before it is read."""
        how = {one for name in names for touches in self._touches[1:] for one in touches.get(name, ())}
        return any(map(_RENEWS.match, how)) or not self._rebound.isdisjoint(names)

    def _is_ended(self, origin: Origin, names: Iterable[str] = ()) -> bool:
        """Return whether an object is closed, stopped or replaced, by a hook or before the snapshot."""
        things = [one.ended for one in origin.on if one.rule is None or one.rule.kind is Kind.RESOURCE]
        if any(things) and (all(things) or origin.rule is not RULES["SSH503"]):  # a session may end: its pool stays
            return True
        holders = {*names, *self._holders(origin.on | {origin})}
        touched = (touches.get(name, set()) for name in holders for touches in self._touches)
        return not self._rebound.isdisjoint(holders) or not all(map(_TOUCHED.isdisjoint, touched))

    def _holders(self, origins: frozenset[Origin]) -> set[str]:
        """Return the names that hold one of these objects."""
        held = (name for name, value in self._module.names.items() if not origins.isdisjoint(value.origins))
        return {one for name in held for one in self._module.names[name].names or (name,)}

    def _done(self, origin: Origin) -> Iterator[Found]:
        if origin.rule is None or origin.ended or self._is_ended(origin):
            return
        package = f"{origin.path.partition('.')[0]}:"
        if not all(_GLOBAL_ENDS.isdisjoint(touches.get(package, ())) for touches in self._touches):
            return
        holders = self._holders(origin.on)
        foreign = not origin.on or any(":" in name for name in holders)
        if origin.rule is not RULES["SSH503"] or foreign or holders & self._reads or self._around.imported:
            yield origin.rule, origin.node, origin.what, ""

    # Later

    def _draws(self) -> Iterator[Found]:
        for call, path in (one for does in self._module.does.values() for one in does.draws):
            package = DRAWS[path]
            seeded = any("seed" in touches.get(f"{package}:", ()) for touches in self._touches[1:])
            if not seeded and package not in self._module.seeded:
                yield RULES["SSH202"], call, f"`{ast.unparse(call.func)}()`", ""

    def _is_called(self, path: str) -> bool:
        """Return whether a function of the file seems to be called."""
        decorated = bool(getattr(self._module.functions.get(path), "decorator_list", ()))
        mentioned = not self._around.alone and self._around.mentions(path.rpartition(".")[2])
        return path in self._called | self._handlers or decorated or mentioned

    def _registration(self, one: Registration) -> Iterator[Found]:
        what = f"`{one.name}`"
        if one.within and one.within not in self._module.reached(self._module.ran):
            if one.within in self._handlers:
                yield RULES["SSH801"], one.node, what, ""
            elif not self._is_called(one.within):
                yield RULES["SSH802"], one.node, what, f"`{one.within.rpartition('.')[2]}()`"
        code = self._module.functions.get(one.target)
        why = nothing_done(code, awaited=not one.aws or self._around.adopted) if code is not None else ""
        if why:
            yield RULES["SSH803"], one.node, f"{what} {why}", ""
        for path in self._module.hooks(one.phase):
            for call in self._module.does[path].loops:
                yield RULES["SSH804"], call, f"`{ast.unparse(call.func)}()`", ""
