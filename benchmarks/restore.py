"""What a restore costs: from the answer to ``/restore/next`` until the first event is asked for.

Each measurement is a process of its own in which the genuine awslambdaric publishes and restores
a function. Pages are counted as the kernel does it: ``clear_refs`` forgets which were used,
``Referenced`` in ``smaps_rollup`` adds up those that were used since. In a restored machine each
of them is loaded from far away, and that, not the instructions, is what users wait for.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks._measure import Row, Table

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from runtime.runtime_api import RuntimeApi

__all__ = ("run", "sample")

SIZES = (0, 1, 100, 1_000)

CONTENDERS = {
    "snapstart_hooks": "import snapstart_hooks as hooks",
    "AWS's package": "import snapshot_restore_py as hooks",
}

FUNCTION = """
{importing}

def nothing():
    pass

for _ in range({size}):
    hooks.register_after_restore(nothing)

def handler(event, context):
    pass
"""

# The runtime's own, but for a look at the clock and the pages at both ends.
RUNTIME = """
import os, sys, time
from time import perf_counter_ns

from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient

forget = os.open("/proc/self/clear_refs", os.O_WRONLY)
used = os.open("/proc/self/smaps_rollup", os.O_RDONLY)

class Client(LambdaRuntimeClient):
    def restore_next(self):
        super().restore_next()
        time.sleep(0.2)  # all threads have come to rest, as in a machine that was frozen
        os.write(forget, b"1")
        self.since = perf_counter_ns()

    def wait_next_invocation(self):
        took = perf_counter_ns() - self.since
        (kilobytes,) = [line.split()[1] for line in os.read(used, 9999).splitlines() if line.startswith(b"Referenced:")]
        sys.stderr.write(f"[{took}, {int(kilobytes)}]")
        sys.stderr.flush()
        os._exit(0)

sys.path.insert(0, os.getcwd())
bootstrap.run("app.handler", Client(os.environ["AWS_LAMBDA_RUNTIME_API"], True))
"""


def sample(function: str) -> tuple[int, int]:
    """Restore a function once.

    Args:
        function: Its source code.

    Returns:
        Nanoseconds, and kilobytes of memory that were used.
    """
    with tempfile.TemporaryDirectory() as folder, RuntimeApi((), lambda: 0) as api:
        Path(folder, "app.py").write_text(function)
        ended = subprocess.run(
            [sys.executable, "-c", RUNTIME],
            cwd=folder,
            env={
                **os.environ,
                "AWS_EXECUTION_ENV": f"AWS_Lambda_python3.{sys.version_info.minor}",
                "AWS_LAMBDA_FUNCTION_NAME": "bench",
                "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "SNAPSTART_HOOKS_DISABLE": "*",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    try:
        took, kilobytes = json.loads(ended.stderr)
    except ValueError as error:
        raise RuntimeError(ended.stdout + ended.stderr) from error
    return took, kilobytes


def run(*, quick: bool) -> list[Table]:
    """Both contenders in turns, for no hook and more."""
    rounds = 3 if quick else 9
    seen: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for _ in range(rounds):
        for size in SIZES:
            for name, importing in CONTENDERS.items():
                function = FUNCTION.format(importing=importing, size=size)
                seen.setdefault((name, size), []).append(sample(function))
    columns = tuple(f"{size:,} hooks" for size in SIZES)
    return [
        Table(f"Restoring, hooks that do nothing: {what}", unit, columns, _rows(seen, at, per))
        for at, (what, unit, per) in enumerate((("time", "µs", 1e3), ("memory read", "MB", 1024)))
    ]


def _rows(seen: dict[tuple[str, int], list[tuple[int, int]]], at: int, per: float) -> tuple[Row, ...]:
    return tuple(
        Row(name, tuple(statistics.median(each[at] for each in seen[name, size]) / per for size in SIZES))
        for name in CONTENDERS
    )
