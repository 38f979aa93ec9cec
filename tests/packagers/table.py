"""The table of the packagers in the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

__all__ = ("CELLS", "PAGE", "rows", "table", "written")

PAGE: Final = Path(__file__).parents[2] / "docs" / "packaging.md"
CELLS: Final = {True: "yes", False: "**no**", None: "n/a"}
HEAD: Final = "| packager | by itself | with `freeze` | why |\n|---|---|---|---|\n"


def table(outcomes: dict[str, tuple[bool | None, bool | None, str]]) -> str:
    """The table that says what happened."""
    lines = [
        f"| {name} | {CELLS[bare]} | {CELLS[frozen]} | {why} |\n" for name, (bare, frozen, why) in outcomes.items()
    ]
    return HEAD + "".join(lines)


def rows(page: str) -> dict[str, list[str]]:
    """What the table on a page says, by packager."""
    found = page.partition(HEAD)[2].partition("\n\n")[0]
    split = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in found.splitlines()]
    return {name: rest for name, *rest in split}


def written(page: str, new: str) -> str:
    """A page with another table."""
    return re.sub(re.escape(HEAD) + r"(?:\|.*\n)*", lambda _: new, page)
