"""The tables as one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks._measure import Table

COLUMNS = 2
OURS, OTHERS = "#c2410c", "#94a3b8"


def draw(tables: Sequence[Table], file: Path) -> None:
    """One panel for each table: its last column but the ratios, ours in colour."""
    rows = -(-len(tables) // COLUMNS)
    figure, panels = plt.subplots(rows, COLUMNS, figsize=(13, 3.2 * rows), squeeze=False, layout="constrained")
    for panel in panels.flat[len(tables) :]:
        panel.set_axis_off()
    for panel, table in zip(panels.flat, tables, strict=False):
        column = 0 if table.columns[0] in {"time", "restore", "instructions"} else min(1, len(table.columns) - 1)
        names = [row.name for row in table.rows][::-1]
        values = [row.values[column] for row in table.rows][::-1]
        bars = panel.barh(
            names, values, color=[OURS if name.startswith("snapstart_hooks") else OTHERS for name in names]
        )
        panel.bar_label(bars, labels=[f" {value:,.3g}" for value in values])
        panel.set_title(f"{table.title}: {table.columns[column]}, {table.unit}", loc="left", fontsize=10)
        panel.spines[["top", "right"]].set_visible(False)
        panel.margins(x=0.15)
    figure.savefig(file, dpi=110)
