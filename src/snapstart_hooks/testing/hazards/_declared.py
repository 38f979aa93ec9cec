"""Finds hooks that are declared in modules which were not imported."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from snapstart_hooks.lint._project import installed
from snapstart_hooks.testing.hazards._model import Hazard
from snapstart_hooks.testing.hazards._remedies import remedy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

__all__ = ("not_imported",)

_PACKAGES: Final = (b"snapstart_hooks", b"snapshot_restore_py")
_NOT_CODE: Final = ("test", "tests", "node_modules", "venv", "site-packages", "dist-packages", "__pycache__")
_LIMIT: Final = 2000
"""Files that are looked at, at most."""


def not_imported(root: Path, imported: Collection[str]) -> Iterator[Hazard]:
    """Find them by reading the sources beside the handler that were not imported before the snapshot."""
    known = {os.path.realpath(file) for file in imported}
    sources = [file for _, file in zip(range(_LIMIT), _sources(root), strict=False)]
    unknown = [file for file in sources if os.path.realpath(file) not in known]
    declaring = [file for file in unknown if any(word in file.read_bytes() for word in _PACKAGES)]
    others: set[Path] = _of_other_functions(unknown) if declaring else set()
    for file in declaring:
        if file not in others:
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
        theirs = installed(folder, folders)  # what a packager put beside the function's own files
        files[:] = [name for name in files if name not in theirs]
        folders[:] = sorted(
            name
            for name in folders
            if name not in {*_NOT_CODE, *theirs} and name[0] != "." and not _is_environment(here / name)
        )
        if not any(name.endswith(".dist-info") for name in folders) or here == root:
            folders[:] = [name for name in folders if not name.endswith((".dist-info", ".egg-info"))]
            for name in sorted(files):
                if name.endswith(".py") and not name.startswith("test_") and name != "conftest.py":
                    yield here / name


def _of_other_functions(files: Sequence[Path]) -> set[Path]:
    """Those that define a Lambda handler themselves, and what those import."""
    from snapstart_hooks.lint._hooks import is_handler

    trees = {file: tree for file in files if (tree := _parsed(file)) is not None}
    found = [file for file, tree in trees.items() if any(map(is_handler, tree.body))]
    for file in found:  # grows
        wanted = {name for node in ast.walk(trees[file]) for name in _modules(node)}
        found += [other for other in trees if other not in found and wanted & {other.stem, other.parent.name}]
    return set(found)


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
        return None  # it could not be imported either


def _is_environment(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").exists()


def _hooks(file: Path) -> Iterator[tuple[str, int]]:
    """The name and line of each declaration in a file, as the linter finds them."""
    from snapstart_hooks.lint import declarations

    tree = _parsed(file)
    for each in declarations(tree, str(file)) if tree is not None else ():
        yield each.name, each.node.lineno
