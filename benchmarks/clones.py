"""What restoring a small function in clones takes: the whole command, from the shell and back."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Final, Literal

from benchmarks._measure import Row, Table, in_turns
from snapstart_hooks.testing import CloneUnsupported, clones

FUNCTION = """\
import random
import uuid

INSTANCE = str(uuid.uuid4())


def lambda_handler(event, context):
    return {"order": random.getrandbits(64), "instance": INSTANCE, "safe": str(uuid.uuid4())}
"""
BACKENDS: Final[tuple[Literal["criu", "namespace", "fork"], ...]] = ("criu", "namespace", "fork")
COMMAND = (sys.executable, "-m", "snapstart_hooks", "run", "app.lambda_handler", "--clones", "3", "--json")
FOUND = 4
"""The command's exit code if it finds the hazards that are there."""


def measure(folder: str, backend: str, spent: list[float]) -> float:
    """Seconds of the command; what the processors spent on it, which another load does not change much, is added."""
    begun, before = time.perf_counter(), os.times()
    done = subprocess.run([*COMMAND, "--backend", backend], cwd=folder, capture_output=True, check=False)
    seconds, after = time.perf_counter() - begun, os.times()
    spent.append(after.children_user + after.children_system - before.children_user - before.children_system)
    if done.returncode != FOUND:
        raise RuntimeError(done.stderr.decode())
    return seconds


def usable(folder: str) -> list[str]:
    """The backends that work here."""
    found: list[str] = []
    for backend in BACKENDS:
        with contextlib.suppress(CloneUnsupported):
            clones(1, "app.lambda_handler", task_root=folder, backend=backend)
            found.append(backend)
    return found


def run(*, quick: bool) -> list[Table]:
    """Take the snapshot of a function, restore it in three clones, and compare them with two other starts."""
    spent: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "app.py").write_text(FUNCTION, encoding="utf-8")
        contenders = {name: partial(measure, folder, name, spent.setdefault(name, [])) for name in usable(folder)}
        seconds = in_turns(contenders, 3 if quick else 11)
    rows = tuple(Row(name, (value, statistics.median(spent[name]))) for name, value in seconds.items())
    note = f"Median of the rounds, on {os.cpu_count()} processors with a load of {os.getloadavg()[0]:.1f}."
    return [Table("`snapstart-hooks run --clones 3`", "s", ("time", "of the processors"), rows, note)]
