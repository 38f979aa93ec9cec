"""``elapsed=``: the wall clock has moved in the clones, and nothing else has."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

import pytest
from testing.clone_helpers import namespace_only, write_function

from snapstart_hooks.testing import CloneUnsupported, clones

if TYPE_CHECKING:
    from pathlib import Path

CLOCKS = """\
    import asyncio, calendar, datetime as dt, logging, random, time, uuid
    from datetime import datetime
    from time import time as now  # by whatever name
    from snapstart_hooks import after_restore
    uuid.uuid1()
    loop = asyncio.new_event_loop()
    def wall():
        return {
            "time": time.time(),
            "by name": now(),
            "time_ns": time.time_ns() / 1e9,
            "datetime": dt.datetime.now(dt.timezone.utc).timestamp(),
            "naive": datetime.now().timestamp(),
            "gmtime": calendar.timegm(time.gmtime()),
            "localtime": time.mktime(time.localtime()),
            "clock_gettime": time.clock_gettime(time.CLOCK_REALTIME),
            "strftime": datetime.strptime(time.strftime("%Y-%m-%d %H:%M:%S"), "%Y-%m-%d %H:%M:%S").timestamp(),
        }
    def steady():
        return {
            "monotonic": time.monotonic(),
            "perf_counter": time.perf_counter(),
            "boottime": time.clock_gettime(time.CLOCK_BOOTTIME),
            "loop": loop.time(),
        }
    at_init = {**wall(), **steady()}
    day = dt.date.today()
    hook_saw = 0
    @after_restore
    def look():
        global hook_saw
        hook_saw = time.time()
    def handler(event, context):
        random.seed()  # cures `random`, and must not appear to cure uuid1
        logging.warning("now")
        return {"before": at_init, "after": {**wall(), **steady()}, "hook": hook_saw,
                "clock_seq": uuid.uuid1().clock_seq, "days": (dt.date.today() - day).days,
                "left": context.get_remaining_time_in_millis()}
"""
STEADY = ("monotonic", "perf_counter", "boottime", "loop")
DAYS = 40


@pytest.mark.parametrize("backend", ["namespace", "fork"])
def test_only_the_wall_clock_moves(tmp_path: Path, backend: str) -> None:
    if backend == "namespace":
        namespace_only()
    write_function(tmp_path, CLOCKS)
    elapsed = dt.timedelta(days=DAYS)
    run = clones(2, "app.handler", task_root=tmp_path, elapsed=elapsed, backend=backend)  # type: ignore[arg-type]
    for response in run.responses:
        moved = {clock: value - response["before"][clock] for clock, value in response["after"].items()}
        for clock in STEADY:
            assert 0 <= moved.pop(clock) < 60, clock
        for clock, by in moved.items():
            assert DAYS * 86400 - 2 <= by < DAYS * 86400 + 60, clock
        assert response["days"] in (DAYS, DAYS + 1)
        assert response["hook"] - response["before"]["time"] >= DAYS * 86400
        assert 0 < response["left"] <= 30_000
    if backend == "namespace":
        assert len({response["clock_seq"] for response in run.responses}) == 1
    year = str((dt.datetime.now(dt.UTC) + elapsed).year)
    assert all(f"\t{year}-" in clone.stdout for clone in run.clones)


def test_seconds_will_do(tmp_path: Path) -> None:
    namespace_only()
    write_function(tmp_path, "import time\ndef handler(e, c): return time.time()")
    (now,) = clones(1, "app.handler", task_root=tmp_path, elapsed=3600).responses
    assert 3590 < now - time.time() < 3610


def test_without_it_nothing_moves_and_time_machine_is_not_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespace_only()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "time_machine" else object())
    write_function(tmp_path, "import sys, time\ndef handler(e, c): return time.time(), 'time_machine' in sys.modules")
    ((now, loaded),) = clones(1, "app.handler", task_root=tmp_path).responses
    assert abs(now - time.time()) < 60
    assert not loaded
    with pytest.raises(CloneUnsupported, match=r"time-machine.*pip install 'snapstart-hooks\[testing\]'"):
        clones(1, "app.handler", task_root=tmp_path, elapsed=1)
