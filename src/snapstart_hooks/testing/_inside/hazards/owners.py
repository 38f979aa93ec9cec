"""Names objects as a reader of the application would: ``app.client.pool``."""

from __future__ import annotations

import gc
import os
import sys
import tracemalloc
from collections import deque
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = (
    "HERE",
    "application_modules",
    "instances",
    "is_standard",
    "made_at",
    "members",
    "named_far",
    "names_of",
    "nearest_names",
    "walk",
)

HERE: Final = f"{os.getcwd()}/"
"""The folder of the function's code; the function may leave it."""

_LIMIT: Final = 40_000
"""Objects that are visited at most, which takes a fraction of a second."""
_PART: Final = 100
"""Members of one container that are visited at most."""

_LEAVES: Final = (str, bytes, bytearray, int, float, complex, type(None), CodeType, FrameType, ModuleType)
_OURS: Final = (
    "_snapstart_inside",
    "snapstart_hooks",
    "snapshot_restore_py",
    "awslambdaric",
    "__main__",
    "__mp_main__",
)


def is_standard(module: object) -> bool:
    """Whether that is the name of one of Python's own; what calls itself a module's name may be anything."""
    return isinstance(module, str) and module.partition(".")[0] in sys.stdlib_module_names


def is_library(file: str | None) -> bool:
    """Whether a file belongs to Python or to an installed package, not to the application."""
    if file is None:
        return True
    return "/site-packages/" in file or "/dist-packages/" in file or file.startswith(_STANDARD)


_STANDARD = f"{sys.base_prefix}/lib/python"


def application_modules() -> Iterator[ModuleType]:
    """Those that are neither Python's, nor of an installed package, nor ours."""
    for name, module in _modules():
        if not is_standard(name) and not is_library(getattr(module, "__file__", None)):
            yield module


def instances(kinds: Iterable[type]) -> list[object]:
    """All objects of these classes that the collector knows; none is asked, for a lazy proxy would load what it is."""
    wanted = tuple(kinds)
    return [each for each in gc.get_objects() if issubclass(type(each), wanted)]


def names_of(targets: Iterable[object]) -> dict[int, str]:
    """What each of them is called, by its ``id``; those that no module holds are missing.

    The application's names come first, then those of libraries, then Python's.
    """
    wanted = {id(target) for target in targets}
    names: dict[int, str] = {}
    if wanted:
        for name, member, _ in walk():
            if id(member) in wanted:
                wanted.discard(id(member))
                names[id(member)] = name
                if not wanted:
                    break
    return names


def walk(ranks: int = 3) -> Iterator[tuple[str, object, object]]:
    """What modules hold, with its name and holder: the application's first, then libraries', then Python's."""
    modules = [(_far(named), named) for named in _modules()]
    seen = {id(modules)}
    waiting: deque[tuple[str, object]] = deque()
    for rank in range(ranks):
        waiting.extend(named for far, named in modules if far == rank)
        while waiting and len(seen) < _LIMIT:
            path, holder = waiting.popleft()
            known_as_its_holder = _is_door(type(holder))
            for inner, member in members(holder):
                name = "" if known_as_its_holder else inner
                if issubclass(type(member), _LEAVES):
                    yield path + name, member, holder
                elif id(member) not in seen:
                    seen.add(id(member))
                    yield path + name, member, holder
                    waiting.append((path + name, member))


def nearest_names(targets: Sequence[object], depth: int = 4) -> dict[int, str]:
    """The name of each object, or of the nearest one with a name that refers to it; some may be missing."""
    names = names_of(targets)
    above: dict[int, list[object]] = {}
    for target in targets:
        near, seen = [target], {id(above), id(targets)}
        found = above.setdefault(id(target), [])
        for _ in range(depth if id(target) not in names else 0):
            seen.update(map(id, near), (id(near), id(found)))
            referrers = gc.get_referrers(*near)
            seen.add(id(referrers))
            near = [
                each
                for each in referrers
                if id(each) not in seen and not issubclass(type(each), (FrameType, ModuleType, type, deque))
            ][:_PART]
            found += near
            if not near:
                break
    further = names_of(each for some in above.values() for each in some)
    for target, some in above.items():
        if target not in names:
            nearest = next((further[id(each)] for each in some if id(each) in further), None)
            if nearest is not None:
                names[target] = nearest
    return names


def made_at(target: object) -> str:
    """The line that made an object, if tracemalloc runs; of the application rather than of a library."""
    trace = tracemalloc.get_object_traceback(target) if tracemalloc.is_tracing() else None
    if trace is None:
        return ""
    frames = list(trace)
    frame = next((each for each in reversed(frames) if not is_library(each.filename)), frames[-1])
    return f"{_short(frame.filename)}:{frame.lineno}"


def _is_door(kind: type) -> bool:
    """Whether it is a part of a resource or its like, whose inside has no name for the user."""
    module: object = type.__getattribute__(kind, "__module__")
    return type(module) is str and f"{module}.".startswith("snapstart_hooks.resources.")


def members(holder: object) -> Iterator[tuple[str, object]]:
    """What an object holds, and how to write that after the object's own name."""
    kind = type(holder)  # not `isinstance`, for which a lazy proxy would load what it stands for
    if issubclass(kind, dict):
        for key, value in list(cast("dict[object, object]", holder).items())[:_PART]:
            yield f"[{key!r}]" if type(key) in (str, int) else "[...]", value
    elif issubclass(kind, (list, tuple)):
        for number, value in enumerate(cast("list[object]", holder)[:_PART]):
            yield f"[{number}]", value
    elif issubclass(kind, FunctionType):
        function = cast("FunctionType", holder)
        yield from ((f"({name})", cell) for name, cell in _closure(function))
        yield from ((f"({value!r:.20})", value) for value in function.__defaults__ or ())
        yield from _attributes(function.__dict__)
    elif issubclass(kind, ModuleType):
        yield from _attributes(vars(cast("ModuleType", holder)))
    elif issubclass(kind, type):
        if not is_standard(
            cast("str", type.__getattribute__(cast("type", holder), "__module__"))
        ):  # not a metaclass's own
            yield from _attributes(cast("dict[str, object]", type.__getattribute__(cast("type", holder), "__dict__")))
    elif not issubclass(kind, BuiltinFunctionType):
        yield from _of_instance(holder)


def _of_instance(holder: object) -> Iterator[tuple[str, object]]:
    known: set[int] = set()
    for name, value in _state(holder):
        known.add(id(value))
        yield name, value
    for value in gc.get_referents(holder)[:_PART]:
        if id(value) not in known and not issubclass(type(value), (type, dict)):
            yield "[...]", value


def _state(holder: object) -> Iterator[tuple[str, object]]:
    try:
        own: object = object.__getattribute__(holder, "__dict__")
    except AttributeError:
        own = None
    if isinstance(own, dict):
        yield from _attributes(cast("dict[str, object]", own))
    for kind in type(holder).__mro__:
        for name, slot in list(vars(kind).items()):
            if isinstance(slot, MemberDescriptorType):
                try:
                    yield f".{name}", slot.__get__(holder)
                except (AttributeError, TypeError):
                    continue  # nothing in it


def _attributes(values: object) -> Iterator[tuple[str, object]]:
    for name, value in list(cast("dict[object, object]", values).items()):
        yield f".{name}", value


def _closure(function: FunctionType) -> Iterator[tuple[str, object]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cast("object", cell.cell_contents)
        except ValueError:
            continue  # empty


def _modules() -> Iterator[tuple[str, ModuleType]]:
    known = cast("dict[str, object]", sys.modules)  # anything may lie there
    for name, module in list(known.items()):
        if isinstance(module, ModuleType) and name.partition(".")[0] not in _OURS:
            yield name, module


def _far(named: tuple[str, ModuleType]) -> int:
    name, module = named
    if is_standard(name):
        return 2
    return int(is_library(getattr(module, "__file__", None)))


def named_far(name: str) -> int:
    """To what a name belongs: 0 to the application, 1 to a library or nothing known, 2 to Python."""
    parts = name.split(".")
    known = next((module for end in range(len(parts), 0, -1) if (module := ".".join(parts[:end])) in sys.modules), "")
    return _far((known, sys.modules[known])) if known else 1


def _short(file: str) -> str:
    return os.path.relpath(file, HERE) if file.startswith(HERE) else file
