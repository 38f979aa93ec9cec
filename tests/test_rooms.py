"""Which room of the package knows which; the table is in CONTRIBUTING.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[1] / "src" / "snapstart_hooks"
DESK = ("cli", "lint", "testing")

pytestmark = pytest.mark.once


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """What a file imports of the package, as parts below it."""
    here = path.relative_to(PACKAGE).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else ()
            parts = (*base, *(node.module or "").split(".")) if node.module else base
            if node.level or parts[0] == "snapstart_hooks":
                yield from ((*parts[0 if node.level else 1 :], alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            names = (alias.name.split(".") for alias in node.names)
            yield from (tuple(parts[1:]) for parts in names if parts[0] == "snapstart_hooks")


def files(room: str) -> list[Path]:
    found = sorted((PACKAGE / room).rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("room", ["integrations", "resources"])
def test_what_others_could_have_written_uses_public_names_alone(room: str) -> None:
    outside = [(path.name, parts) for path in files(room) for parts in imports(path) if parts[:1] != (room,)]
    assert outside
    assert [use for use in outside if any(part.startswith("_") and part != "__version__" for part in use[1])] == []


def test_what_runs_on_lambda_knows_nothing_of_the_desk() -> None:
    lambdas = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in DESK]
    known = {(path.name, parts[0]) for path in lambdas for parts in imports(path) if parts}
    assert ("__init__.py", "_registry") in known
    # `python -m snapstart_hooks` is the command.
    assert {use for use in known if use[1] in DESK} == {("__main__.py", "cli")}
    # Discovery alone loads integrations, by the names of entry points.
    core = {path.name for path in lambdas if path.relative_to(PACKAGE).parts[0] not in {"integrations", "resources"}}
    assert {use for use in known if use[0] in core and use[1] == "integrations"} == set()


def test_the_table_of_rooms_names_each_of_them_once() -> None:
    page = (PACKAGE.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = page.partition("## Where to change what")[2].partition("Beside the package")[0]
    rows = [line.split("|")[-2] for line in table.splitlines() if line.startswith("|")]
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    rooms = [path for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    assert sorted(named) == sorted(path.name + "/" * path.is_dir() for path in rooms)
