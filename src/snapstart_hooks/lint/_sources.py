"""Calls that the catalogue knows: what they give, and what is seen at once."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from snapstart_hooks.lint._catalogue import Source
from snapstart_hooks.lint._record import Effect, Sight
from snapstart_hooks.lint._values import NOTHING, Arguments, Frame, Instance, Moment, Origin, Value

if TYPE_CHECKING:
    from snapstart_hooks.lint._machine import Machine

__all__ = ("Site", "keeps", "matter", "names_no_moment", "shuffled", "text")

_BUILT: Final = Source("SSH105")
_SHUFFLED: Final = Source("SSH103")
_ENTROPY: Final = frozenset({"SSH101", "SSH102", "SSH103"})
_COARSE_FORMATS: Final = frozenset({"%Y", "%y", "%Z", "%z"})
_DERIVED: Final = frozenset(
    [
        "cursor",
        "channel",
        "connect",
        "begin",
        "session",
        "open_session",
        "open_sftp",
        "execution_options",
        "start_session",
        "clone",
        "copy",
        "makefile",
        "__enter__",
        "__aenter__",
        "spawn",
        "bind",
        "getbuffer",
    ]
)
"""Methods whose result still holds the connection or generator that they are called on."""


@dataclass(frozen=True, slots=True)
class Site:
    """One call.

    Attributes:
        callee: What is called.
        given: The arguments.
        node: The call, or the decorator.
        frame: Where.
        decorates: The definition, for a decorator.
    """

    callee: Value
    given: Arguments
    node: ast.expr
    frame: Frame
    decorates: ast.stmt | None = None

    @property
    def name(self) -> str:
        """The last name of what is called; ``""`` if it has none."""
        if self.callee.paths:
            return self.callee.paths[0].rpartition(".")[2]
        target = self.node.func if isinstance(self.node, ast.Call) else self.node
        if isinstance(target, ast.Attribute):
            return target.attr
        return target.id if isinstance(target, ast.Name) else ""

    @property
    def results(self) -> tuple[str, ...]:
        """The paths of what it gives."""
        return tuple(f"{path}()" for path in self.callee.paths)

    def origin(self, source: Source) -> Origin:
        """This call as an origin."""
        function = self.frame.function
        via = function.qualname if function is not None and self.frame.root is not None else ""
        return Origin(source, self.node, self.frame.root or self.node, via)


def matter(machine: Machine, source: Source, site: Site) -> Value:
    """What a call that the catalogue knows gives."""
    machine.activity += 1
    callee, given, frame = site.callee, site.given, site.frame
    if source.seed is not None:
        return _seeded(machine, source, source.seed, site)
    if (source.code == "SSH103" and _deliberate(machine, callee)) or (source.clock and names_no_moment(given)):
        return NOTHING
    origin = site.origin(source)
    if source.effect:
        if frame.moment is Moment.INIT:
            objects = frozenset(
                thing for this in machine.selves for thing in this.things if isinstance(thing, Instance)
            )
            machine.record.effects.append(Effect(origin, callee.origins, frozenset(machine.running), objects))
        if callee.origins:  # a method such as `start`, which gives nothing
            return NOTHING
    inherited = given.origins if source.resource else frozenset[Origin]()
    return Value(site.results, keeps(site) | inherited | {origin})


def keeps(site: Site) -> frozenset[Origin]:
    """What the result of a method still holds of the object that it is called on."""
    derived = site.name in _DERIVED
    return frozenset(one for one in site.callee.origins if derived or not one.source.resource)


def names_no_moment(given: Arguments) -> bool:
    """Whether ``strftime`` is asked for the year or the zone only."""
    return len(given.values) == 1 and given.values[0].const in _COARSE_FORMATS


def shuffled(machine: Machine, site: Site) -> None:
    """``random.shuffle(target)``: the order that it has from now on is random."""
    if isinstance(site.node, ast.Call) and site.node.args and not _deliberate(machine, site.callee):
        order = Value(origins=frozenset({site.origin(_SHUFFLED)}))
        machine.absorb(site.node.args[0], order, site.frame)


def _seeded(machine: Machine, source: Source, place: tuple[int, str], site: Site) -> Value:
    """A generator that is made, or one that is given a seed."""
    seed = site.given.get(place[0], place[1], "seed")
    origins = seed.origins if seed is not None else frozenset[Origin]()
    codes = {one.source.code for one in origins}
    unseeded = seed is None or seed.const is None
    entropy = not codes.isdisjoint(_ENTROPY)
    if any(one.source.clock for one in origins) and not entropy:
        machine.record.sights.append(Sight("SSH203", site.node, ""))
        return Value(site.results)
    if source.seeds:
        if not unseeded and not entropy:
            _fixed(machine, site)
        return NOTHING
    if not codes.isdisjoint({"SSH201", "SSH202"}):
        return Value(site.results, origins)  # a generator around a generator
    if unseeded and site.given.open:
        return Value(site.results)
    code = "SSH201" if unseeded or entropy else "SSH202"
    return Value(site.results, frozenset({site.origin(Source(code, resource=True))}))


def _fixed(machine: Machine, site: Site) -> None:
    """Note that an existing generator gets a seed of the file's own."""
    if site.frame.moment is not Moment.INIT or site.frame.hook:
        return
    if site.callee.origins:
        machine.record.fixed |= site.callee.origins
        return
    machine.record.seeded.add(site.callee.paths[0].rpartition(".")[0])
    if site.frame.root is None:
        machine.record.sights.append(Sight("SSH202", site.node, ""))


def _deliberate(machine: Machine, callee: Value) -> bool:
    """Whether what is drawn follows from a seed that the file gave on purpose."""
    if any(origin.source.code == "SSH202" or origin in machine.record.fixed for origin in callee.origins):
        return True
    path = callee.paths[0]
    return any(path.startswith(f"{seeded}.") and "()" not in path for seeded in machine.record.seeded)


def text(node: ast.expr, value: Value) -> Value:
    """A text that is built from `value`: with the host or process in it, it looks like a name of the instance."""
    identities = [one for one in value.origins if one.source.identity]
    if not identities or _names_a_file(node):
        return value.without(identities)
    first = min(identities, key=lambda one: (one.node.lineno, one.node.col_offset))
    return value.without(identities).holding([Origin(_BUILT, first.node, first.root, first.via)])


def _names_a_file(node: ast.expr) -> bool:
    """Whether a text looks like a path or a file: those of a clone are its own."""
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) and ("/" in part.value or "." in part.value)
        for part in ast.walk(node)
    )
