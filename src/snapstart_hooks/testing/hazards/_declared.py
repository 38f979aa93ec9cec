"""Hooks that are declared in modules which nobody imported."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from snapstart_hooks.testing.hazards._model import Hazard
from snapstart_hooks.testing.hazards._remedies import remedy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ("not_imported",)

_PACKAGES: Final = ("snapstart_hooks", "snapshot_restore_py")
_DECLARE: Final = (
    "before_snapshot",
    "after_restore",
    "register_before_snapshot",
    "register_after_restore",
)
_NOT_CODE: Final = ("test", "tests", "node_modules", "venv", "site-packages", "dist-packages", "__pycache__")
_LIMIT: Final = 2000
"""Files that are looked at, at most."""


def not_imported(root: Path, imported: Collection[str]) -> Iterator[Hazard]:
    """Find them by reading the sources beside the handler that were not imported.

    Args:
        root: The directory of the function's code.
        imported: The files that were imported before the snapshot.
    """
    known = {os.path.realpath(file) for file in imported}
    for _, file in zip(range(_LIMIT), _sources(root), strict=False):
        if os.path.realpath(file) not in known:
            for name, line in _hooks(file):
                where = f"{file.relative_to(root)}:{line}"
                yield Hazard(
                    "hooks-not-imported",
                    name if name.startswith(f"{file.stem}.") else f"{file.stem}.{name}",
                    "it is declared in a module that was not imported when the snapshot was taken, so it never runs",
                    where,
                    remedy("hooks-not-imported"),
                    "warning",
                )


def _sources(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(
            name for name in folders if name not in _NOT_CODE and name[0] != "." and not _is_environment(here / name)
        )
        if not any(name.endswith(".dist-info") for name in folders) or here == root:
            folders[:] = [name for name in folders if not name.endswith((".dist-info", ".egg-info"))]
            for name in sorted(files):
                if name.endswith(".py") and not name.startswith("test_") and name != "conftest.py":
                    yield here / name


def _is_environment(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").exists()


def _hooks(file: Path) -> Iterator[tuple[str, int]]:
    """The name and line of each declaration in a file."""
    try:
        source = file.read_bytes()
        if not any(package.encode() in source for package in _PACKAGES):
            return
        tree = ast.parse(source)
    except (OSError, SyntaxError, ValueError):
        return  # nobody could import it either
    modules, functions = _imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if any(_declares(each, modules, functions) for each in node.decorator_list):
                yield node.name, node.lineno
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _declares(node, modules, functions):
            yield ast.unparse(node.value), node.lineno


def _imported_names(tree: ast.Module) -> tuple[set[str], set[str]]:
    modules: set[str] = set()
    functions: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {each.asname or each.name for each in node.names if each.name in _PACKAGES}
        elif isinstance(node, ast.ImportFrom) and node.module in _PACKAGES and not node.level:
            functions |= {each.asname or each.name for each in node.names if each.name in _DECLARE}
    return modules, functions


def _declares(node: ast.AST, modules: Collection[str], functions: Collection[str]) -> bool:
    match node:
        case ast.Expr(value=ast.Call() as call):
            return _declares(call, modules, functions)
        case ast.Call(func=function):
            return _declares(function, modules, functions)
        case ast.Name(id=name):
            return name in functions
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            return module in modules and name in _DECLARE
        case _:
            return False
