"""Finds the modules that importing a module imports, by reading their source: nothing is run."""

from __future__ import annotations

import ast
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ("closure", "located", "parsed")

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
    """Return the source file of a module; ``None`` if there is none on `path`."""
    tail = module.replace(".", "/")
    for entry in path:
        for file in (Path(entry, tail, "__init__.py"), Path(entry, f"{tail}.py")):
            if file.is_file():
                return file
    return None


def parsed(file: Path) -> ast.Module:
    """Return the syntax tree of a file; an empty one if the file cannot be parsed."""
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
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
