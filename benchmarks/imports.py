"""What ``import`` costs a cold start."""

from __future__ import annotations

from functools import partial

from benchmarks._measure import Row, Table, in_turns, python

RUNTIME = "import awslambdaric.bootstrap, awslambdaric.lambda_runtime_hooks_runner"
CONTENDERS = {
    "snapstart_hooks": "import snapstart_hooks",
    "snapstart_hooks, one hook registered": "from snapstart_hooks import after_restore; after_restore(lambda: None)",
    "pluggy": "import pluggy",
    "stevedore": "import stevedore",
    "importlib.metadata": "import importlib.metadata",
    "dataclasses": "import dataclasses",
    "inspect": "import inspect",
    "asyncio": "import asyncio",
}


def measure(before: str, statement: str) -> float:
    """Milliseconds of `statement` in a fresh interpreter that has run `before`."""
    clock = f"from time import perf_counter as now\n{before}\nstart = now()\n{statement}\nprint((now() - start) * 1e3)"
    return float(python(clock))


def run(*, quick: bool) -> list[Table]:
    """Import everything after what the Lambda runtime imports anyway, and alone."""
    rounds = 5 if quick else 21
    after = in_turns({name: partial(measure, RUNTIME, code) for name, code in CONTENDERS.items()}, rounds)
    aws = in_turns({"aws": partial(measure, "import awslambdaric.bootstrap", "import snapshot_restore_py")}, rounds)
    rows = [Row(name, (value, value / after["dataclasses"])) for name, value in after.items()]
    rows.append(
        Row("snapshot_restore_py (alone: the runtime imports it)", (aws["aws"], aws["aws"] / after["dataclasses"]))
    )
    note = "Each in a fresh interpreter, behind what `awslambdaric` has imported by then; median of the rounds."
    return [Table("Import", "ms", ("time", "relative to `import dataclasses`"), tuple(rows), note)]
