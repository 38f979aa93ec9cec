"""Finding the hooks of installed distributions."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks._measure import Row, Table, in_turns, python

CODE = {
    "snapstart_hooks": """
from snapstart_hooks._discovery import find
start = now(); found = find().declared""",
    "importlib.metadata.entry_points(group=)": """
from importlib.metadata import entry_points
start = now(); found = list(entry_points(group="snapstart.hooks"))""",
    "stevedore": """
from stevedore import ExtensionManager
start = now(); found = ExtensionManager("snapstart.hooks", invoke_on_load=False).names()""",
}


def install(folder: Path, count: int) -> None:
    """Lay down so many distributions, each tenth of which ships hooks."""
    for number in range(count):
        info = folder / f"dist_{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: dist-{number}\nVersion: 1.0\n")
        group = "snapstart.hooks" if number % 10 == 0 else "console_scripts"
        (info / "entry_points.txt").write_text(f"[{group}]\nhook = dist_{number}:hook\n")
        (folder / f"dist_{number}.py").write_text("def hook(): ...\n")


def measure(folder: Path, name: str) -> float:
    """Milliseconds, in a fresh interpreter that sees these distributions only."""
    path = [str(folder), *(entry for entry in sys.path if "site-packages" not in entry)]
    site = [entry for entry in sys.path if "site-packages" in entry]
    code = f"""
import sys
from time import perf_counter as now
sys.path[:0] = {site!r}
import snapstart_hooks, stevedore
sys.path[:] = {path!r} + [p for p in sys.path if p.endswith(("/src", "\\\\src"))]
sys.path_importer_cache.clear()
{CODE[name]}
print((now() - start) * 1e3)"""
    with tempfile.TemporaryDirectory() as cache:  # stevedore keeps what it found on disk
        return float(python(code, environment={"HOME": cache, "XDG_CACHE_HOME": cache}).split()[-1])


def run(*, quick: bool) -> list[Table]:
    """Ten, a hundred, a thousand distributions."""
    sizes = (10, 100) if quick else (10, 100, 1000)
    took: dict[int, dict[str, float]] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            install(Path(name), size)
            contenders = {one: partial(measure, Path(name), one) for one in CODE}
            took[size] = in_turns(contenders, 3 if quick else 7)
    rows = tuple(Row(name, tuple(took[size][name] for size in sizes)) for name in CODE)
    note = "One distribution in ten ships hooks. Without the imports; stevedore's cache is cold, as on Lambda."
    return [Table("Discovery", "ms", tuple(f"{size:,} distributions" for size in sizes), rows, note)]
