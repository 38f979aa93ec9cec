"""How many lines each repair takes: with hooks, and with resources.

``python -m examples.applications.lines`` prints the table that the README has.  Blank lines,
comments, docstrings and imports do not count.
"""

from __future__ import annotations

import ast
import difflib
from typing import TYPE_CHECKING

from examples.applications.planted import REPAIRED, Pair, pairs

if TYPE_CHECKING:
    from pathlib import Path


def code(folder: Path) -> list[str]:
    """The lines of all modules that count, in order."""
    return [line for file in sorted(folder.glob("*.py")) for line in _of(file.read_text(encoding="utf-8"))]


def _of(text: str) -> list[str]:
    """Parsed and written again, so that nothing depends on how long a line may be."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [each for each in body if not isinstance(each, ast.Import | ast.ImportFrom) and not _is_text(each)]
            node.body = kept or [ast.Pass()]  # type: ignore[attr-defined]
    return [line for line in ast.unparse(tree).splitlines() if line.strip() not in {"", "pass", "if TYPE_CHECKING:"}]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def repair(pair: Pair, twin: str) -> tuple[int, int]:
    """How many lines of the broken twin are changed or come to it, and by how many it becomes longer."""
    broken, repaired = (code(pair.folder / each) for each in ("broken", twin))
    found = [line for line in difflib.ndiff(broken, repaired) if line[:2] == "+ "]
    return len(found), len(repaired) - len(broken)


def table() -> str:
    """In Markdown: for each repair, the lines that it touches and those by which it makes the application longer."""
    both = [pair for pair in pairs() if set(pair.repaired) == set(REPAIRED)]
    rows = [(len(code(pair.folder / "broken")), *repair(pair, "repaired"), *repair(pair, "resources")) for pair in both]
    rows.append(tuple(map(sum, zip(*rows, strict=True))))  # type: ignore[arg-type]  # five columns, as each row
    names = [*(pair.name for pair in both), "together"]
    told = [
        f"| {name} | {lines} | {hooks}, {more:+} | {resources}, {less:+} |"
        for name, (lines, hooks, more, resources, less) in zip(names, rows, strict=True)
    ]
    return "\n".join(["| application | lines | with hooks | with resources |", "| --- | --- | --- | --- |", *told])


if __name__ == "__main__":
    print(table())
