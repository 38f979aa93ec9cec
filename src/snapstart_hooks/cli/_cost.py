"""The time and memory that a restored function takes until it answers: measured, printed and drawn."""
# matplotlib has no types for the keyword arguments that it forwards.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from snapstart_hooks.cli._errors import INVOCATION, CommandError
from snapstart_hooks.cli._terminal import count, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from snapstart_hooks.cli._clones import Options
    from snapstart_hooks.cli._console import Cell, ReportConsole
    from snapstart_hooks.testing import CostReport

__all__ = ("draw", "measure", "megabytes", "need_matplotlib", "show")

_SHOWN: Final = 12
"""The largest number of names of one kind that are printed; the JSON document has all."""

_WINDOWS: Final = (("after_restore hooks", "hooks"), ("first answer", "first"), ("second answer", "second"))
_KINDS: Final = (
    ("modules", "imported"),
    ("files", "opened"),
    ("connections", "connected with"),
    ("lookups", "looked up"),
)


def need_matplotlib() -> None:
    """Check that pictures can be drawn, before anything takes time.

    Raises:
        CommandError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
    except ImportError as error:
        msg = f"{error}. --plot draws with matplotlib: pip install 'snapstart-hooks[plot]'"
        raise CommandError(msg) from error
    mpl.use("Agg")


def measure(options: Options, root: Path, events: list[object]) -> CostReport:
    """Measure what the function takes after a restore; progress goes to standard error.

    Raises:
        CommandError: The function fails, though it did not when it was restored before.
    """
    from snapstart_hooks.testing import ClonesFailed, measure_cost

    print("measuring the cost: first time and memory, then what is imported and opened", file=sys.stderr)
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
        msg = f"--cost passes each event to the handler twice, and that fails: {error}"
        raise CommandError(msg, INVOCATION) from error


def show(cost: CostReport, console: ReportConsole) -> None:
    """Print the cost for people."""
    clones = count(len(cost.run.clones), "clone")
    console.say((f"\ncost in {clones}: median of time, least CPU and memory", "bold"))
    titles = [(title, "dim") for title in ("", "time", "CPU", "read", "written")]
    console.table([titles, *_rows(cost)], "lrrrr")
    avoidable = cost.before_the_snapshot
    if not avoidable:
        console.say(("the first answer did nothing that the second did not", "green"))
        return
    console.say("what the first answer did and the second did not:")
    rows: list[tuple[Cell, Cell]] = []
    for kind, word in _KINDS:
        if names := getattr(avoidable, kind):
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            rows.append(((f"  {word}", "dim"), ", ".join(names[:_SHOWN]) + more))
    console.table(rows, "ll")
    console.say(("To do that before the snapshot, see snapstart-hooks prime --help", "yellow"))


def _rows(cost: CostReport) -> Iterator[list[Cell]]:
    for title, name in _WINDOWS:
        one = getattr(cost, name)
        times = milliseconds(one.seconds * 1e3), milliseconds(one.cpu * 1e3)
        yield [title, *times, megabytes(one.read), megabytes(one.written)]
        for hook in cost.each_hook if name == "hooks" else ():
            texts = f"  {hook.name}", milliseconds(hook.seconds * 1e3), "", megabytes(hook.read), ""
            yield [(text, "dim") for text in texts]


def megabytes(number: int | None) -> str:
    """Write bytes as megabytes, ``12.30 MB``; ``?`` if the number is not known."""
    return "?" if number is None else f"{number / 1e6:.2f} MB"


def draw(cost: CostReport, title: str, file: Path) -> None:
    """Draw time and memory side by side.

    Raises:
        CommandError: The file cannot be written, or its suffix is not that of a format.
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
