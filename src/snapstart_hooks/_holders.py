"""Which global variable keeps a connection open, and where it is assigned: for a developer who has to close it.

Asked at publish only, and only if there is a connection to tell of.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
from collections import deque
from types import CodeType, FrameType, ModuleType
from typing import TYPE_CHECKING, Final, cast

from ._foreign import is_a, kind, printable, special, tried

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Collection

__all__ = ("holders",)

_LIMIT: Final = 50_000
"""Objects that are looked at, at most: a fraction of a second."""

_ELSEWHERE: Final = (CodeType, FrameType, ModuleType, str, bytes, int)
"""What leads to no connection, or to all that another module knows."""

_LIBRARIES: Final = (os.path.dirname(os.__file__), os.path.dirname(__file__), "/var/runtime/")  # noqa: PTH120
_INSTALLED: Final = ("/site-packages/", "/dist-packages/")


def holders(fds: Collection[int]) -> dict[int, str]:
    """For each file descriptor of a connection the nearest global that refers to what has it.

    The application's come before those of libraries.  What only a running function holds, or
    what is compiled and does not tell its descriptor, is missing.

    Returns:
        The variable, what has the descriptor, and the line, as
        ``app.orders (a psycopg.Connection), /var/task/app.py:12``.
    """
    found: dict[int, str] = {}
    modules = [module for module in list(sys.modules.values()) if is_a(module, ModuleType)]
    for own in (True, False):
        _search([module for module in modules if _is_own(module) is own], set(fds) - set(found), found)
    return found


def _search(modules: list[ModuleType], wanted: set[int], found: dict[int, str]) -> None:
    """Go from the globals of `modules` to what they refer to, the nearest first, until all is found."""
    seen = {id(_globals(module)) for module in [*sys.modules.values()] if is_a(module, ModuleType)}
    near = deque[tuple[object, tuple[ModuleType, str]]](
        (value, (module, name))
        for module in modules
        for name, value in [*_globals(module).items()]
        if not str(name).startswith("__")
    )
    end = len(seen) + _LIMIT
    while near and wanted and len(seen) < end:
        each, root = near.popleft()
        if id(each) in seen or issubclass(type(each), _ELSEWHERE):
            continue
        seen.add(id(each))
        fd = _descriptor(each)
        if fd in wanted:
            wanted.discard(fd)
            found[fd] = _told(root, each)
        near.extend((referent, root) for referent in gc.get_referents(each))


def _globals(module: ModuleType) -> dict[str, object]:
    """Of the real type: a subclass may make anything of ``__dict__``."""
    found: dict[str, object] = vars(ModuleType)["__dict__"].__get__(module)
    return found


def _descriptor(thing: object) -> int:
    """The file descriptor of a socket, a transport, or whatever has one; -1 if it has none."""
    if is_a(thing, socket.socket):
        return socket.socket.fileno(thing)
    if is_a(thing, type):
        return -1
    value: object = None
    if special(thing, "fileno") is not None:  # a connection of a driver that is compiled
        value, _ = tried(lambda: cast("socket.socket", thing).fileno())
    elif special(thing, "get_extra_info") is not None:  # a transport, of uvloop too
        value, _ = tried(lambda: cast("asyncio.BaseTransport", thing).get_extra_info("socket").fileno())
    return int.__index__(value) if is_a(value, int) else -1


def _is_own(module: ModuleType) -> bool:
    """Whether a module is of the application, as far as its place tells."""
    file = _globals(module).get("__file__")
    return is_a(file, str) and not file.startswith(_LIBRARIES) and not any(part in file for part in _INSTALLED)


def _told(root: tuple[ModuleType, str], thing: object) -> str:
    value: object = _globals(root[0])[root[1]]
    # Others may have imported the same object: where it is assigned, it can be closed.
    everywhere = [
        (module, name)
        for module in [*sys.modules.values()]
        if is_a(module, ModuleType)
        for name, each in [*_globals(module).items()]
        if each is value
    ]
    assigned = ((place, line) for place in [root, *everywhere] if (line := _line(*place)))
    (module, name), line = next(assigned, (root, 0))
    through = "" if value is thing else f" → {_class(thing)}"
    file = _globals(module).get("__file__")
    where = f", {file}:{line}" if line else ""
    return printable(f"{module.__name__}.{name} ({_class(value)}{through}){where}")


def _class(thing: object) -> str:
    module = type.__dict__["__module__"].__get__(type(thing))
    return kind(thing) if module == "builtins" else f"{module}.{kind(thing)}"


def _line(module: ModuleType, name: str) -> int:
    """The line on which a module assigns a global, last; 0 if its source tells none."""
    import ast
    import linecache

    file = _globals(module).get("__file__")
    source = "".join(linecache.getlines(file, _globals(module))) if is_a(file, str) else ""
    tree, _ = tried(lambda: ast.parse(source))
    if tree is None:
        return 0
    local = {
        id(inner)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda))
        and not any(isinstance(each, ast.Global) and name in each.names for each in ast.walk(function))
        for inner in ast.walk(function)
    }
    return max(
        (
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name
            if id(node) not in local
        ),
        default=0,
    )
