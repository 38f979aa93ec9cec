"""Writes the table of ``docs/packaging.md``: packs a function with each packager, and runs it, twice.

``nox -s packagers -- --table``
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from packagers.matrix import PACKAGERS, Bench, Missing
from packagers.table import CELLS, PAGE, rows, table, written

_MEANT = {cell: meant for meant, cell in CELLS.items()}


def main() -> None:
    """Pack, run and write; a packager that is not to be had keeps its row."""
    page = PAGE.read_text(encoding="utf-8")
    old = rows(page)
    outcomes: dict[str, tuple[bool | None, bool | None, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for packager in PACKAGERS:
            try:
                bare, frozen = (bench.outcome(packager, frozen=frozen) for frozen in (False, True))
            except Missing as missing:
                if packager.name not in old:
                    raise
                print(f"{packager.name}: {missing} is not to be had here", file=sys.stderr)
                bare, frozen = (_MEANT[cell] for cell in old[packager.name][:2])
            outcomes[packager.name] = bare, frozen, packager.why
            print(packager.name, *outcomes[packager.name][:2], sep="  ", file=sys.stderr)
    PAGE.write_text(written(page, table(outcomes)), encoding="utf-8")


if __name__ == "__main__":
    main()
