"""Adds hooks for SnapStart to the sources of a released library: ``python apply.py redis redis-8.1.0/``.

What is added is in a folder for each library: the module ``_snapstart.py``, and in
``patch.toml`` the entry points and the few lines elsewhere.  Where those go is told by
the names of classes and functions, so nothing of the library has to be repeated here.
"""

from __future__ import annotations

import argparse
import ast
import shutil
import textwrap
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final, NotRequired, TypedDict, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HERE: Final = Path(__file__).resolve().parent
LIBRARIES: Final = sorted(file.parent.name for file in HERE.glob("*/patch.toml"))


class Edit(TypedDict):
    """Some lines, and where they go: after what stands there already, or before it."""

    file: str
    lines: str
    at_start_of: NotRequired[str]
    at_end_of: NotRequired[str]


class Patch(TypedDict):
    """What ``patch.toml`` holds."""

    requirement: str
    sha256: str
    module: str
    entry_points: dict[str, str]
    edits: NotRequired[list[Edit]]


class PatchError(Exception):
    """The sources are not those that the patch was written for; the message says what is missing."""


def apply(library: str, sources: Path) -> None:
    """Add the hooks of `library` to its unpacked sdist.

    Raises:
        PatchError: They do not fit, or have been added already.
    """
    patch = cast("Patch", tomllib.loads((HERE / library / "patch.toml").read_text()))
    module, project = sources / patch["module"], sources / "pyproject.toml"
    if not module.parent.is_dir() or not project.is_file():
        msg = f"{sources} does not hold the sources of {patch['requirement']}: {patch['module']} has no place there"
        raise PatchError(msg)
    if module.exists():
        msg = f"{module} is there already"
        raise PatchError(msg)
    for edit in patch.get("edits", ()):
        file = sources / edit["file"]
        file.write_text(edited(file.read_text(), edit))
    shutil.copy(HERE / library / module.name, module)
    table = [f'{name} = "{value}"' for name, value in patch["entry_points"].items()]
    with project.open("a") as text:
        text.write("\n".join(("", '[project.entry-points."snapstart.hooks"]', *table, "")))


def edited(text: str, edit: Edit) -> str:
    """`text` with the lines of `edit` in their place.

    At the start of a class they follow its docstring, at that of a module the imports.

    Raises:
        PatchError: There is no such place.
    """
    start = edit.get("at_start_of")
    place = edit["at_end_of"] if start is None else start
    module = ast.parse(text)
    body: Sequence[ast.stmt] = module.body
    for name in filter(None, place.split(".")):
        body = _body_of(body, name, edit)
    lines = text.splitlines(keepends=True)
    new = textwrap.indent(edit["lines"].strip("\n"), " " * body[0].col_offset) + "\n"
    if start is None:
        row = _end(body[-1:])
    elif not start:
        row = _end([line for line in body if isinstance(line, ast.Import | ast.ImportFrom)][-1:])
    elif _is_docstring(body[0]):
        row, new = _end(body[:1]), f"\n{new}"
    else:
        row, new = body[0].lineno - 1, f"{new}\n"
        while lines[row - 1].lstrip().startswith("#"):
            row -= 1
    return "".join((*lines[:row], new, *lines[row:]))


def _body_of(body: Iterable[ast.stmt], name: str, edit: Edit) -> list[ast.stmt]:
    for found in body:
        if isinstance(found, ast.ClassDef | ast.FunctionDef) and found.name == name:
            return found.body
    msg = f"{edit['file']} has no {name!r}, where {edit['lines'].strip().splitlines()[0]!r} belongs"
    raise PatchError(msg)


def _end(statements: Sequence[ast.stmt]) -> int:
    return max((statement.end_lineno or 0 for statement in statements), default=0)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Add hooks for SnapStart to the unpacked sdist of a library.")
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("sources", type=Path, help="the folder that holds its pyproject.toml")
    arguments = parser.parse_args()
    try:
        apply(arguments.library, arguments.sources)
    except PatchError as error:
        parser.exit(1, f"{error}\n")
