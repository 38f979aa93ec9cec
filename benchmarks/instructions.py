"""Machine instructions, which do not depend on what else the machine does: counted by Callgrind."""

from __future__ import annotations

import os
import re
import shutil

from benchmarks._measure import Row, Table, python

HOOKS = 1_000
CODE = {
    "snapstart_hooks": """
from benchmarks.running import ours
registry = ours({hooks}); registry.run_before_snapshot(); phase = registry.run_after_restore""",
    "snapstart_hooks, with a budget": """
import os; os.environ["SNAPSTART_HOOKS_BUDGET"] = "100"
from benchmarks.running import ours
registry = ours({hooks}); registry.run_before_snapshot(); phase = registry.run_after_restore""",
    "AWS's loop": """
from benchmarks.running import aws, lambda_runtime_hooks_runner
aws({hooks}); phase = lambda_runtime_hooks_runner.run_after_restore""",
    "pluggy": """
from benchmarks.running import pluggys
phase = pluggys({hooks}).hook.after_restore""",
    "the bare call": """
from benchmarks.running import hook
def phase():
    for _ in range({hooks}): hook()""",
}


def count(name: str, times: int) -> int:
    """Instructions of a process that runs the phase so often."""
    code = CODE[name].format(hooks=HOOKS) + f"\nfor _ in range({times}): phase()"
    callgrind = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")
    told = python(code, *callgrind, environment={**os.environ, "PYTHONHASHSEED": "0"})
    found = re.search(r"Collected : (\d+)", told)
    if found is None:
        raise RuntimeError(told)
    return int(found[1])


def run(*, quick: bool) -> list[Table]:
    """The difference between six phases and one, for each hook."""
    if shutil.which("valgrind") is None:
        print("Not counted: valgrind is not installed (Debian: apt-get install valgrind).")
        return []
    names = [name for name in CODE if not quick or name in {"snapstart_hooks", "AWS's loop"}]
    rows = tuple(Row(name, ((count(name, 6) - count(name, 1)) / 5 / HOOKS,)) for name in names)
    return [Table(f"Running {HOOKS:,} hooks that do nothing", "instructions each", ("instructions",), rows)]
