"""What the hooks that come with this package cost: a function that uses nothing, and one with 500,000 objects."""

from __future__ import annotations

import os
from functools import partial

from benchmarks._measure import Row, Table, in_turns, python

OFF = {"SNAPSTART_HOOKS_DISABLE": "snapstart-hooks"}
APPLICATIONS = {
    "nothing imported": "",
    "six libraries, 500,000 objects": """
import logging.handlers, random, sqlite3, ssl, tempfile, uuid
class Thing: ...
kept = [[{n: n}, [n], Thing()] for n in range(125_000)]
generators = [random.Random() for _ in range(10)]
ssl.RAND_bytes(8)""",
}
CODE = """
import gc
from time import process_time as now
import snapstart_hooks
{application}
gc.collect()
registry = snapstart_hooks.Registry()
found = now(); registry.discover()
begun = now(); registry.run_before_snapshot()
taken = now(); registry.run_after_restore()
print("took", (taken - {begin}) * 1e3, (now() - taken) * 1e3)"""


def measure(application: str, which: int, begin: str, environment: dict[str, str]) -> float:
    """Milliseconds of CPU time before the snapshot, or after the restore."""
    code = CODE.format(application=APPLICATIONS[application], begin=begin)
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    printed = python(code, environment={**compiled, **environment})
    (line,) = (line for line in printed.splitlines() if line.startswith("took "))
    return float(line.split()[1 + which])


def run(*, quick: bool) -> list[Table]:
    """What they add to both phases."""
    rows = []
    for application in APPLICATIONS:
        values: list[float] = []
        for which, begin in ((0, "found"), (1, "begun")):
            contenders = {
                "with": partial(measure, application, which, begin, {}),
                "without": partial(measure, application, which, begin, OFF),
            }
            took = in_turns(contenders, 3 if quick else 15)
            values += [took["with"], took["without"], took["with"] - took["without"]]
        rows.append(Row(application, tuple(values)))
    columns = ("publish, with them", "without", "their cost", "restore, with them", "without", "their cost")
    note = (
        "CPU time in a process of its own. Publish: discovery and all before_snapshot hooks. Each piece of code runs "
        "for the first time. `random` is used by each function: what asks Lambda for the restore imports it, as does "
        "discovery up to Python 3.13."
    )
    return [Table("Integrations", "ms", columns, tuple(rows), note)]
