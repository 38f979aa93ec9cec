"""Hostile inputs tried, and those that broke no promise, by kind: all of ``tests/hostile.py``."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import warnings
from pathlib import Path

from benchmarks._measure import Row, Table

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from hostile import KINDS


def run(*, quick: bool) -> list[Table]:
    """Try all; with `quick` every fifth."""
    rows: list[Row] = []
    # As for the tests: what this package ships itself is not hostile, and is not to be counted.
    os.environ["SNAPSTART_HOOKS_DISABLE"] = "snapstart-hooks"
    logging.disable(logging.CRITICAL)
    try:
        for kind, cases in KINDS.items():
            chosen = list(cases().values())[:: 5 if quick else 1]
            survived = sum(map(_survived, chosen))
            rows.append(Row(kind, (len(chosen), survived)))
    finally:
        logging.disable(logging.NOTSET)
        del os.environ["SNAPSTART_HOOKS_DISABLE"]
    tried, survived = (sum(int(row.values[at]) for row in rows) for at in (0, 1))
    return [Table("Hostile inputs", "cases", ("tried", "survived"), (*rows, Row("all", (tried, survived))))]


def _survived(case: object) -> bool:
    assert callable(case)  # noqa: S101 - they are typed so where they are listed
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            case()
        except BaseException:  # noqa: BLE001 - that is what is counted
            return False
    return True
