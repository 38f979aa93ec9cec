"""Hooks that are declared in modules which nobody imported."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from snapstart_hooks.testing.hazards._model import Hazard
from snapstart_hooks.testing.hazards._remedies import remedy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

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
    sources = [file for _, file in zip(range(_LIMIT), _sources(root), strict=False)]
    others = _of_other_functions([file for file in sources if os.path.realpath(file) not in known])
    for file in sources:
        if os.path.realpath(file) not in known and file not in others:
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


def _of_other_functions(files: Sequence[Path]) -> set[Path]:
    """Those that define a Lambda handler themselves, and what those import."""
    trees = {file: tree for file in files if (tree := _parsed(file)) is not None}
    found = [file for file, tree in trees.items() if any(map(_is_handler, tree.body))]
    for file in found:  # grows
        wanted = {name for node in ast.walk(trees[file]) for name in _modules(node)}
        found += [other for other in trees if other not in found and wanted & {other.stem, other.parent.name}]
    return set(found)


def _is_handler(node: ast.AST) -> bool:
    """Whether it is a function of an event and a context."""
    return isinstance(node, ast.FunctionDef) and [each.arg for each in node.args.args][1:] in (
        ["context"],
        ["_context"],
    )


def _modules(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (each.name.rpartition(".")[2] for each in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield (node.module or "").rpartition(".")[2]
        yield from (each.name for each in node.names)


def _parsed(file: Path) -> ast.Module | None:
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None  # nobody could import it either


def _is_environment(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").exists()


def _hooks(file: Path) -> Iterator[tuple[str, int]]:
    """The name and line of each declaration in a file."""
    tree = _parsed(file)
    if tree is None:
        return
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
