"""``python -m benchmarks.first_answer``: measure all, print a table, and write it with a plot."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from examples.applications.servers import SERVERS
from snapstart_hooks.testing import clones
from snapstart_hooks.testing._clones import Function as Restored
from snapstart_hooks.testing.cost import METER, windows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from snapstart_hooks.testing import CloneOptions, RunOutcome

HERE: Final = Path(__file__).parent
FUNCTIONS: Final = {
    "fastapi_orders": ("FastAPI, SQLAlchemy, psycopg", "postgres"),
    "django_invoices": ("Django, PostgreSQL", "postgres"),
    "boto3_receipts": ("boto3, DynamoDB", "aws"),
    "pandas_report": ("numpy, pandas", None),
    "httpx_parcels": ("httpx, OpenTelemetry, pydantic", "http"),
}
"""Each, what it is made of, and the server that it needs."""

VARIANTS: Final = {"aws": "AWS's package", "ours": "as installed", "primed": "primed"}
WAYS: Final = ("clones", "alone")
"""In clones of a snapshot; and in a process of its own, under the same awslambdaric, that is never cloned."""


class Spent(NamedTuple):
    """Until the first answer: after_restore hooks and the answer.

    Attributes:
        cpu: Seconds of CPU: how long it takes on a machine that is shared says nothing.
        read: Bytes of memory that it reads.
        again: Bytes that a later answer reads, if nothing is loaded: what no priming can spare.
    """

    cpu: float
    read: int
    again: int


class Result(NamedTuple):
    """One measurement."""

    function: str
    variant: str
    way: str
    collected: bool
    spent: Spent


def until_first_answer(outcomes: Sequence[RunOutcome]) -> Spent:
    """The least of several restores: what else runs on this machine can only add."""
    spent: list[Spent] = []
    for outcome in outcomes:
        if outcome.failure is not None:
            msg = f"{outcome.failure}\n{outcome.stdout}{outcome.stderr}"
            raise SystemExit(msg)
        hooks, first, _ = windows(outcome)
        again = outcome.observations[METER]["answered"][-1][1][0] << 10
        spent.append(Spent(hooks.cpu + first.cpu, (hooks.read or 0) + (first.read or 0), again))
    return Spent(*map(min, zip(*spent, strict=True)))


def measured(function: str, variant: str, rounds: int, servers: Mapping[str, str]) -> list[Result]:
    """One function in one variant: in clones and alone, without a collection and with one."""
    handler = f"variants/{variant}.lambda_handler"
    plain: dict[str, object] = json.loads((HERE / "functions" / f"{function}.json").read_text())
    found: list[Result] = []
    for collected in (False, True):
        event = {**plain, "collect": True} if collected else plain
        options: CloneOptions = {
            "events": [event, event, event],
            "environment": {**servers, "BENCHMARK_FUNCTION": function},
            "task_root": HERE,
            "parallel": 1,
            "instruments": [METER],
            "backend": "namespace",
        }
        run = clones(rounds, handler, **options)
        run.check()
        found.append(Result(function, variant, "clones", collected, until_first_answer(run.clones)))
        alone = Restored(handler, None, **options)
        starts = [alone.started(0.0, {}) for _ in range(max(1, rounds // 2))]
        found.append(Result(function, variant, "alone", collected, until_first_answer(starts)))
    return found


def markdown(results: Sequence[Result]) -> str:
    """The table: what AWS's package takes, and ours as a part of that."""
    spent = {(each.function, each.variant, each.way, each.collected): each.spent for each in results}
    plain = ["AWS's package", "as installed", "primed", "a later answer"]
    head = ["", "", *plain, "with a collection: AWS's package", *plain[1:3]]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for function in dict.fromkeys(each.function for each in results):
        for way in WAYS:
            cells = [FUNCTIONS[function][0], way]
            for collected in (False, True):
                theirs = spent[function, "aws", way, collected]
                cells.append(f"{theirs.cpu * 1e3:.1f} ms, {theirs.read / 1e6:.1f} MB")
                for variant in ("ours", "primed"):
                    ours = spent[function, variant, way, collected]
                    cells.append(f"{ours.cpu / theirs.cpu:.2f} time, {ours.read / theirs.read:.2f} memory")
                if not collected:
                    cells.append(f"{theirs.again / theirs.read:.2f} memory")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(results: Sequence[Result], file: Path) -> None:
    """Memory and time until the first answer, in clones."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    functions = list(dict.fromkeys(each.function for each in results))
    spent = {(each.function, each.variant, each.collected): each.spent for each in results if each.way == "clones"}
    figure, panels = plt.subplots(2, 2, figsize=(13, 8), layout="constrained", squeeze=False)
    colours = {"aws": "#94a3b8", "ours": "#fdba74", "primed": "#c2410c"}
    for row, collected in zip(panels, (False, True), strict=True):
        for panel, unit, scale in zip(row, ("MB of memory read", "ms of CPU"), (1e-6, 1e3), strict=True):
            for shift, (variant, title) in enumerate(VARIANTS.items()):
                found = [spent[function, variant, collected] for function in functions]
                values = [(each.read if unit.startswith("MB") else each.cpu) * scale for each in found]
                places = [at + 0.27 * (shift - 1) for at in range(len(functions))]
                bars = panel.bar(places, values, 0.25, label=title, color=colours[variant])
                panel.bar_label(bars, labels=[f"{value:.3g}" for value in values], fontsize=8)
            panel.set_xticks(range(len(functions)), [FUNCTIONS[each][0].replace(", ", "\n") for each in functions])
            title = "with a garbage collection in it" if collected else "until the first answer after a restore"
            panel.set_title(f"{title}, {unit}", loc="left", fontsize=10)
            panel.spines[["top", "right"]].set_visible(False)
    panels[0][0].legend(frameon=False)
    figure.savefig(file, dpi=100)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_answer", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="FUNCTION", help=f"one of {', '.join(FUNCTIONS)}; all by default")
    parser.add_argument(
        "--rounds", type=int, default=5, help="clones for each figure (%(default)s); half as many starts"
    )
    parser.add_argument("--folder", type=Path, default=Path(".reports"), help="where table and plot go (%(default)s)")
    arguments = parser.parse_args()
    names: list[str] = arguments.names or list(FUNCTIONS)
    if unknown := set(names) - set(FUNCTIONS):
        parser.error(f"no function is called {', '.join(sorted(unknown))}")
    folder: Path = arguments.folder
    folder.mkdir(exist_ok=True)
    results: list[Result] = []
    with contextlib.ExitStack() as stack:
        servers: dict[str, str] = {}
        for needed in dict.fromkeys(FUNCTIONS[name][1] for name in names):
            if needed is not None:
                servers |= stack.enter_context(SERVERS[needed]())
        for name in names:
            for variant in VARIANTS:
                results += measured(name, variant, arguments.rounds, servers)
                figures = (f"{spent.cpu * 1e3:.1f} ms {spent.read / 1e6:.1f} MB" for *_, spent in results[-4:])
                print(f"{name}, {VARIANTS[variant]}: {', '.join(figures)}", file=sys.stderr, flush=True)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    head = f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}; load of the machine {load}"
    told = f"{head}\n\n{markdown(results)}\n"
    print(told)
    (folder / "first_answer.md").write_text(told)
    (folder / "first_answer.json").write_text(json.dumps([[*each[:4], *each.spent] for each in results], indent=2))
    draw(results, folder / "first_answer.png")
    print(f"Written to {folder}/first_answer.md, .json and .png.")


main()
