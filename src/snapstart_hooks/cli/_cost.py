"""What a restored function costs until it answers: measured, shown as a table and as a picture."""
# matplotlib has no types for the keyword arguments that it passes on.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from snapstart_hooks.cli._errors import CommandError
from snapstart_hooks.cli._terminal import columns, count, milliseconds

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    from snapstart_hooks.cli._clones import Options
    from snapstart_hooks.testing import CostReport

__all__ = ("draw", "measured", "megabytes", "need_plots", "show")

_MANY: Final = 12
"""Names of one kind that people are shown; all are in the JSON."""

_WINDOWS: Final = (("after_restore hooks", "hooks"), ("first answer", "first"), ("second answer", "second"))
_KINDS: Final = (
    ("modules", "imported"),
    ("files", "opened"),
    ("connections", "connected with"),
    ("lookups", "looked up"),
)


def need_plots() -> None:
    """See that pictures can be drawn, before anything takes time.

    Raises:
        CommandError: They cannot.
    """
    try:
        import matplotlib as mpl
    except ImportError as error:
        msg = f"{error}. A picture needs matplotlib: pip install 'snapstart-hooks[plot]'"
        raise CommandError(msg) from error
    mpl.use("Agg")


def measured(options: Options, root: Path, events: list[object]) -> CostReport:
    """What the function costs; progress is told on standard error.

    Raises:
        CommandError: It fails, though it did not when it was restored before.
    """
    from snapstart_hooks.testing import ClonesFailed, measure_cost

    print("measuring the cost: time and memory, and then by name", file=sys.stderr)
    try:
        return measure_cost(
            options.handler,
            events=events,
            clones=max(options.clones or 0, 3),
            hooks=not options.without_hooks,
            elapsed=options.elapsed,
            dead_connections=False if options.live_connections else options.dead_connections or "reset",
            task_root=root,
            timeout=options.timeout,
            backend=options.backend,
        )
    except ClonesFailed as error:
        msg = f"--cost gives every event twice, and that fails: {error}"
        raise CommandError(msg) from error


def show(cost: CostReport, console: Console) -> None:
    """Print it for people."""
    from rich.text import Text

    console.print(
        Text(f"\ncost in {count(len(cost.run.clones), 'clone')}: median of time, least CPU and memory", style="bold")
    )
    console.print(_figures(cost))
    could = cost.before_the_snapshot
    if not could:
        console.print(Text("the first answer did nothing that the second did not", style="green"))
        return
    console.print(Text("what the first answer did and the second did not:"))
    table = columns("left", "left")
    for kind, word in _KINDS:
        if names := getattr(could, kind):
            more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
            table.add_row(Text(f"  {word}", style="dim"), Text(", ".join(names[:_MANY]) + more))
    console.print(table)
    console.print(Text("It can be done before the snapshot: see snapstart-hooks prime --help", style="yellow"))


def _figures(cost: CostReport) -> Table:
    from rich.text import Text

    table = columns("left", "right", "right", "right", "right")
    table.add_row(*(Text(title, style="dim") for title in ("", "time", "CPU", "read", "written")))
    for title, name in _WINDOWS:
        one = getattr(cost, name)
        times = milliseconds(one.seconds * 1e3), milliseconds(one.cpu * 1e3)
        table.add_row(title, *times, megabytes(one.read), megabytes(one.written))
        for hook in cost.each_hook if name == "hooks" else ():
            took = milliseconds(hook.seconds * 1e3)
            told = (f"  {hook.name}", took, "", megabytes(hook.read))
            table.add_row(*(Text(each, style="dim") for each in told))
    return table


def megabytes(number: int | None) -> str:
    """``12.3 MB``; ``?`` if it is not known."""
    return "?" if number is None else f"{number / 1e6:.2f} MB"


def draw(cost: CostReport, title: str, file: Path) -> None:
    """Draw time and memory side by side.

    Raises:
        CommandError: The file cannot be written, or its ending names no format.
    """
    from matplotlib import pyplot as plt

    figure, (times, memory) = plt.subplots(1, 2, figsize=(11, 3.2), layout="constrained")
    names = [name for name, _ in _WINDOWS][::-1]
    costs = [getattr(cost, name) for _, name in _WINDOWS][::-1]
    for panel, values, unit in (
        (times, [one.seconds * 1e3 for one in costs], "ms"),
        (memory, [(one.read or 0) / 1e6 for one in costs], "MB of memory read"),
    ):
        bars = panel.barh(names, values, color=["#94a3b8", "#c2410c", "#94a3b8"])
        panel.bar_label(bars, labels=[f" {value:,.3g}" for value in values])
        panel.set_title(unit, loc="left", fontsize=10)
        panel.spines[["top", "right"]].set_visible(False)
        panel.margins(x=0.2)
    memory.set_yticklabels([])
    figure.suptitle(f"{title}: the first answer after a restore", x=0.01, ha="left", fontsize=11)
    try:
        figure.savefig(file, dpi=110)
    except (OSError, ValueError) as error:
        msg = f"--plot {file}: {error}"
        raise CommandError(msg) from error
    finally:
        plt.close(figure)
