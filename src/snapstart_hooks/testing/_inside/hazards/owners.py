"""Names objects as a reader of the application would: ``app.client.pool``."""

from __future__ import annotations

import gc
import os
import sys
import tracemalloc
from collections import deque
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING, Final, cast

from .sighting import is_library, is_standard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ("application_modules", "made_at", "members", "named_far", "names_of", "told")

_LIMIT: Final = 100_000
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


def application_modules() -> Iterator[ModuleType]:
    """Those that are neither Python's, nor of an installed package, nor ours."""
    for name, module in _modules():
        if not is_standard(name) and not is_library(getattr(module, "__file__", None)):
            yield module


def names_of(targets: Iterable[object]) -> dict[int, str]:
    """What each of them is called, by its ``id``; those that no module holds are missing.

    The application's names come first, then those of libraries, then Python's.
    """
    wanted = {id(target) for target in targets}
    names: dict[int, str] = {}
    if not wanted:
        return names
    modules = sorted(_modules(), key=_far)
    seen = {id(wanted), id(names), id(modules)}
    waiting: deque[tuple[str, object]] = deque()
    for rank in range(3):
        waiting.extend((name, module) for name, module in modules if _far((name, module)) == rank)
        while waiting and len(seen) < _LIMIT and wanted:
            path, holder = waiting.popleft()
            for name, member in members(holder):
                if id(member) in seen or isinstance(member, _LEAVES):
                    continue
                seen.add(id(member))
                if id(member) in wanted:
                    wanted.discard(id(member))
                    names[id(member)] = path + name
                waiting.append((path + name, member))
    return names


def told(target: object, names: dict[int, str], depth: int = 4) -> str:
    """The name of an object, or of the nearest one with a name that refers to it; may be empty."""
    near = [target]
    seen = {id(near)}
    for _ in range(depth):
        for each in near:
            if id(each) in names:
                return names[id(each)]
        seen.update(map(id, near))
        near = [
            each
            for each in gc.get_referrers(*near)[:_PART]
            if id(each) not in seen and not isinstance(each, (FrameType, ModuleType))
        ]
        seen.add(id(near))
        found = names_of(near)
        if found:
            return next(iter(found.values()))
    return ""


def made_at(target: object) -> str:
    """The line that made an object, if tracemalloc runs; of the application rather than of a library."""
    trace = tracemalloc.get_object_traceback(target) if tracemalloc.is_tracing() else None
    if trace is None:
        return ""
    frames = list(trace)
    frame = next((each for each in reversed(frames) if not is_library(each.filename)), frames[-1])
    return f"{_short(frame.filename)}:{frame.lineno}"


def members(holder: object) -> Iterator[tuple[str, object]]:
    """What an object holds, and how to write that after the object's own name."""
    if isinstance(holder, dict):
        for key, value in list(cast("dict[object, object]", holder).items())[:_PART]:
            yield f"[{key!r}]" if isinstance(key, (str, int)) else "[...]", value
    elif isinstance(holder, (list, tuple)):
        for number, value in enumerate(cast("list[object]", holder)[:_PART]):
            yield f"[{number}]", value
    elif isinstance(holder, FunctionType):
        yield from ((f"({name})", cell) for name, cell in _closure(holder))
        yield from ((f"({value!r:.20})", value) for value in holder.__defaults__ or ())
        yield from _attributes(holder.__dict__)
    elif isinstance(holder, (ModuleType, type)):
        if isinstance(holder, ModuleType) or not is_standard(holder.__module__):
            yield from _attributes(vars(holder))
    elif not isinstance(holder, BuiltinFunctionType):
        yield from _of_instance(holder)


def _of_instance(holder: object) -> Iterator[tuple[str, object]]:
    known: set[int] = set()
    for name, value in _state(holder):
        known.add(id(value))
        yield name, value
    for value in gc.get_referents(holder)[:_PART]:
        if id(value) not in known and not isinstance(value, (type, dict)):
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
    for name, module in list(sys.modules.items()):
        known: object = module  # anything may lie there
        if isinstance(known, ModuleType) and name.partition(".")[0] not in _OURS:
            yield name, module


def _far(named: tuple[str, ModuleType]) -> int:
    name, module = named
    if is_standard(name):
        return 2
    return int(is_library(getattr(module, "__file__", None)))


def named_far(name: str) -> int:
    """Whose name it is: 0 the application's, 1 a library's or nobody's, 2 Python's."""
    parts = name.split(".")
    known = next((module for end in range(len(parts), 0, -1) if (module := ".".join(parts[:end])) in sys.modules), "")
    return _far((known, sys.modules[known])) if known else 1


def _short(file: str) -> str:
    return os.path.relpath(file) if file.startswith(f"{os.getcwd()}/") else file  # noqa: PTH109 - no pathlib here
