"""The genuine awslambdaric, in processes of its own, runs what was registered with us, shipped, or given to AWS."""

from __future__ import annotations

from pathlib import Path

from runtime.function import run

FUNCTIONS = Path(__file__).parent / "functions"


def test_the_hooks_of_all_origins_run_once_and_in_order(acme: Path) -> None:
    ran = run(FUNCTIONS, handler="order.handler", layers=[acme])
    assert ran.exit_code is None
    print(ran)
    assert ran.before_snapshot == [
        "AWS's, after the last",  # as `runtime/awslambdaric.py` says
        "warm-up",
        "second",
        "AWS's, between",
        "first",
        "AWS's, before our import",
        "spans flushed",
        "pool closed",
    ]
    assert ran.after_restore == [
        "span ids reseeded",
        "pool opened",
        "AWS's, before our import",
        "first",
        "AWS's, between",
        "second",
        "AWS's, after the last",
        "warm-up",
    ]
