"""``python -m benchmarks``: run all, print tables, and write them with a plot to ``.reports/``."""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import asdict
from pathlib import Path

from benchmarks import (
    clones,
    discovering,
    hostile,
    imports,
    instructions,
    integrations,
    overlap,
    plot,
    resources,
    restore,
    running,
)

BENCHMARKS = {
    "imports": imports,
    "restore": restore,
    "running": running,
    "overlap": overlap,
    "discovering": discovering,
    "instructions": instructions,
    "hostile": hostile,
    "clones": clones,
    "integrations": integrations,
    "resources": resources,
}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: to see that it works, not to quote")
    parser.add_argument("--folder", type=Path, default=Path(".reports"), help="where tables and plot go (%(default)s)")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    folder: Path = arguments.folder
    folder.mkdir(exist_ok=True)
    head = f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}"
    tables = []
    print(head)
    for name in arguments.names or BENCHMARKS:
        for table in BENCHMARKS[name].run(quick=arguments.quick):
            print(f"\n{table.markdown()}", flush=True)
            tables.append(table)
    (folder / "bench.md").write_text("\n\n".join([head, *(table.markdown() for table in tables)]) + "\n")
    (folder / "bench.json").write_text(json.dumps([asdict(table) for table in tables], indent=2) + "\n")
    plot.draw(tables, folder / "bench.png")
    print(f"\nWritten to {folder}/bench.md, bench.json and bench.png.")


main()
