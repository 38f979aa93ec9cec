"""What a call does and gives: hooks, the file's own functions, the catalogue's, all others."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from snapstart_hooks.lint import _catalogue, _environment, _hooks, _sources
from snapstart_hooks.lint._functions import invoke
from snapstart_hooks.lint._hooks import Registration
from snapstart_hooks.lint._record import Sight
from snapstart_hooks.lint._sources import Site
from snapstart_hooks.lint._values import (
    NOTHING,
    Arguments,
    Bound,
    Class,
    Frame,
    Function,
    Instance,
    Moment,
    Partial,
    Thing,
    Value,
    join,
)

if TYPE_CHECKING:
    from snapstart_hooks.lint._machine import Machine

__all__ = ("apply", "call", "look_at_import")

_CACHES: Final = frozenset(
    {"functools.cache", "functools.lru_cache", "functools.lru_cache()", "cachetools.cached()", "async_lru.alru_cache"}
    | {"async_lru.alru_cache()", "django.utils.functional.lru_cache", "methodtools.lru_cache()"}
)
_TRANSPARENT: Final = frozenset(
    {"functools.wraps()", "typing.final", "typing.cast()", "typing.overload", "typing.no_type_check"}
)
_NEUTRAL: Final = frozenset(
    f"builtins.{name}"
    for name in [
        "len",
        "isinstance",
        "issubclass",
        "bool",
        "type",
        "callable",
        "hasattr",
        "id",
        "any",
        "all",
        "range",
        "super",
        "delattr",
    ]
)
_WRAPPERS: Final = {f"builtins.{name}": name for name in ("staticmethod", "classmethod", "property")}
_PARTS_OF_A_DATE: Final = frozenset({"utcoffset", "tzname", "dst"})
_ENDINGS: Final = frozenset(
    [
        "close",
        "aclose",
        "closeall",
        "close_all",
        "join",
        "wait",
        "communicate",
        "terminate",
        "kill",
        "shutdown",
        "stop",
        "cancel",
        "disconnect",
        "quit",
        "dispose",
        "logout",
        "end",
        "release",
    ]
)
_SHUFFLES: Final = frozenset(
    {"random.shuffle", "random.Random().shuffle", "numpy.random.shuffle", "numpy.random.default_rng().shuffle"}
)


def call(machine: Machine, node: ast.Call, frame: Frame) -> Value:
    """Evaluate a call."""
    callee = machine.evaluate(node.func, frame)
    given = Arguments()
    for argument in node.args:
        given.values.append(machine.evaluate(argument, frame))
        given.open |= isinstance(argument, ast.Starred)
    for keyword in node.keywords:
        value = machine.evaluate(keyword.value, frame)
        given.open |= keyword.arg is None
        given.keywords[keyword.arg or "**"] = value
    result = apply(machine, Site(callee, given, node, frame))
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Constant):
        return _sources.text(node, result)  # "...".format(...), "-".join(...)
    return result


def apply(machine: Machine, site: Site) -> Value:
    """Call something, or decorate with it."""
    paths = site.callee.paths
    if paths:
        known = _registered(machine, site) or _special(machine, site)
        if known is not None:
            return known
        read = _environment.called(paths, site.given)
        if read is not None:
            return machine.read_variable(read, site.node, site.frame)
    result: Value | None = None
    for thing in site.callee.things:
        value = _call_thing(machine, thing, site)
        if value is not None:
            result = value if result is None else join(result, value)
    if result is not None and not paths:
        return result
    source = _catalogue.find(paths or (f"?.{site.name}",), site.given)
    other = _sources.matter(machine, source, site) if source is not None else _unknown(machine, site)
    return other if result is None else join(result, other)


def look_at_import(machine: Machine, node: ast.ImportFrom, module: str, name: str) -> None:
    """Note an import of hooks from a module that does not have them."""
    right = _hooks.wrong_import(module, name)
    if right is not None:
        machine.record.sights.append(Sight("SSH807", node, f"{module}\0{right}"))


def _registered(machine: Machine, site: Site) -> Value | None:
    found = _hooks.recognise(site)
    if not isinstance(found, Registration):
        return found
    machine.activity += 1
    machine.record.registrations.append(found)
    named = site.node.func if isinstance(site.node, ast.Call) else site.node
    for path in site.callee.paths if isinstance(named, ast.Attribute) else ():
        wrong = _hooks.wrong_module(path)
        if wrong is not None:
            machine.record.sights.append(Sight("SSH807", site.node, "\0".join(wrong)))
    return site.given.values[0]


def _special(machine: Machine, site: Site) -> Value | None:
    """Calls that mean something to the language or its standard library."""
    given = site.given
    first = given.values[0] if given.values else NOTHING
    functions = [thing for thing in first.things if isinstance(thing, Function)]
    path = site.callee.paths[0]
    if path in _TRANSPARENT:
        return first
    if path == "functools.partial" and given.values:
        rest = Arguments(given.values[1:], dict(given.keywords), given.open)
        return Value(origins=rest.origins, things=(Partial(first, rest),))
    if path == "asyncio.run" and site.frame.hook:
        machine.record.sights.append(Sight("SSH806", site.node, ""))
    if path in _SHUFFLES:
        _sources.shuffled(machine, site)
        return NOTHING
    if path not in _CACHES and path not in _WRAPPERS:
        return None
    for function in functions:
        function.cached |= path in _CACHES
        function.wrapper = _WRAPPERS.get(path, function.wrapper)
    return first if functions else None


# Things of the file


def _call_thing(machine: Machine, thing: Thing, site: Site) -> Value | None:
    """Call what is known; ``None`` if nothing can be said of it."""
    if isinstance(thing, Function):
        return _follow(machine, thing, [], site)
    if isinstance(thing, Class):
        return _instantiate(machine, thing, site)
    if isinstance(thing, Partial):
        before, now = thing.arguments, site.given
        both = Arguments(
            [*before.values, *now.values], {**before.keywords, **now.keywords}, open=before.open or now.open
        )
        return apply(machine, Site(thing.target, both, site.node, site.frame))
    if isinstance(thing, Bound):
        return _call_bound(machine, thing, site)
    method = thing.kind.find("__call__")
    for one in method.things if method is not None else ():
        if isinstance(one, Function):
            return _follow(machine, one, [Value(things=(thing,))], site)
    return None


def _follow(machine: Machine, function: Function, first: list[Value], site: Site) -> Value:
    if site.frame.hook:
        machine.record.hook_calls.add(function)
    given = Arguments([*first, *site.given.values], site.given.keywords, site.given.open)
    return invoke(machine, function, given, site.node, site.frame)


def _call_bound(machine: Machine, bound: Bound, site: Site) -> Value | None:
    record, receiver = machine.record, bound.receiver
    if site.frame.hook:
        machine.touch(receiver, bound.name)
        record.hook_calls.update(thing for thing in receiver.things if isinstance(thing, Instance))
        if bound.name == "cache_clear":
            record.cleared.update(thing for thing in receiver.things if isinstance(thing, Function))
    if site.frame.moment is Moment.INIT and bound.name in _ENDINGS:
        record.closed |= {origin for origin in receiver.origins if origin.source.resource}
    if bound.function is None:
        return None
    return _follow(machine, bound.function, [] if receiver is NOTHING else [receiver], site)


def _instantiate(machine: Machine, kind: Class, site: Site) -> Value:
    bases = kind.imported_bases
    value = Value(tuple(f"{path}()" for path in bases), things=(Instance(kind),))
    source = _catalogue.find(bases, site.given)
    if source is not None and source.resource and not source.effect:
        inherited = Site(Value(bases), site.given, site.node, site.frame)
        value = value.holding(_sources.matter(machine, source, inherited).origins)
    for name in ("__init__", "__post_init__"):
        method = kind.find(name)
        for function in method.things if method is not None else ():
            if isinstance(function, Function) and not function.opaque:
                given = Arguments([value, *site.given.values], site.given.keywords, site.given.open)
                invoke(machine, function, given, site.node, site.frame)
                return value
    return value.holding(site.given.origins)


# Everything else


def _unknown(machine: Machine, site: Site) -> Value:
    callee, given, frame = site.callee, site.given, site.frame
    if _catalogue.is_silent_call(site.name) or not _NEUTRAL.isdisjoint(callee.paths):
        return NOTHING
    if frame.hook:
        for value in given.all:
            machine.touch(value, "()")
        if frame.moment is Moment.RESTORE:
            machine.record.elsewhere.update(path for path in callee.paths if not path.startswith("builtins."))
    origins = _sources.keeps(site) | given.origins
    if site.name in _PARTS_OF_A_DATE or (site.name == "strftime" and _sources.names_no_moment(given)):
        origins = frozenset(one for one in origins if not one.source.clock)
    return Value(site.results, origins) if site.results or origins else NOTHING
