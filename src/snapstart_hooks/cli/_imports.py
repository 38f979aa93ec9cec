"""Finds the modules that importing a module imports, by reading their source: nothing is run."""

from __future__ import annotations

import ast
import re
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ("closure", "content", "is_file", "located", "parsed")

_MANY: Final = 10_000
"""The largest number of modules that are read."""


def closure(module: str, path: Sequence[str]) -> dict[str, Path]:
    """Return the modules that importing `module` imports, with their files, as far as they are on `path`.

    Imports inside of functions, and those for type checkers alone, do not count.
    """
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting and len(found) < _MANY:
        for name in accumulate(waiting.pop().split("."), "{}.{}".format):
            file = None if name in found else located(name, path)
            if file is not None:
                found[name] = file
                package = name if file.name == "__init__.py" else name.rpartition(".")[0]
                waiting += _imported(parsed(file), package)
    return found


def located(module: str, path: Sequence[str]) -> Path | None:
    """Return the file of a module, its source if that is there; ``None`` if there is none on `path`."""
    tail = module.replace(".", "/")
    for entry in path:
        for name in (f"{tail}/__init__.py", f"{tail}.py", f"{tail}/__init__.pyc", f"{tail}.pyc"):
            if is_file(file := Path(entry, name)):
                return file
        stem = Path(entry, tail)
        if compiled := [each for each in stem.parent.glob(f"{stem.name}.*") if _COMPILED.fullmatch(each.name)]:
            return min(compiled)
    return None


_COMPILED: Final = re.compile(r"\w+(\.cpython-\d+[\w-]*|\.abi3)?\.(so|pyd)")


def is_file(file: Path) -> bool:
    """Return whether this is a file, not a folder, a pipe or a link in a circle; ``False`` where nobody can say."""
    try:
        return file.is_file()
    except OSError:
        return False


def content(file: Path) -> bytes:
    """Return the content of a file; nothing if it is none, which could be waited for, or cannot be read."""
    try:
        return file.read_bytes() if is_file(file) else b""
    except OSError:
        return b""


def parsed(file: Path) -> ast.Module:
    """Return the syntax tree of a file; an empty one if the file cannot be parsed."""
    try:
        return ast.parse(content(file) if file.suffix == ".py" else b"")
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            steps = package.split(".")[: 1 - node.level or None] if node.level else []
            base = ".".join([*steps, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for each in node.orelse:
                yield from _imported(ast.Module([each], []), package)
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.expr)):
            yield from _imported(node, package)
