"""Fair numbers on a shared machine: the contenders take turns, and the median is quoted."""

from __future__ import annotations

import statistics
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ("Row", "Table", "in_turns", "python")


@dataclass(frozen=True)
class Row:
    """One contender: its values, one for each column, in the table's unit."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Table:
    """One benchmark.

    Attributes:
        title: What was measured.
        unit: Of all values.
        columns: What the values of a row belong to.
        rows: The contenders; the first is ours.
        note: What one must know to read it.
    """

    title: str
    unit: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""

    def markdown(self) -> str:
        """The table as people read it."""
        head = ["", *self.columns]
        lines = [
            f"### {self.title} ({self.unit})",
            "",
            "| " + " | ".join(head) + " |",
            "|" + " --- |" * len(head),
            *(f"| {row.name} | " + " | ".join(f"{value:,.3g}" for value in row.values) + " |" for row in self.rows),
        ]
        if self.note:
            lines += ["", self.note]
        return "\n".join(lines)


def in_turns(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of each contender's measurements; every round asks each once."""
    seen: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, measure in contenders.items():
            seen[name].append(measure())
    return {name: statistics.median(values) for name, values in seen.items()}


def python(code: str, *before: str, environment: Mapping[str, str] | None = None) -> str:
    """What a fresh interpreter prints; `before` is put in front of the command, a profiler say."""
    done = subprocess.run(
        [*before, sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout + done.stderr
