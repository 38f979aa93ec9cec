"""What repeats in clones, what does not, what cures it, and how to ask."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from testing.clone_functions import draw_all, made_before, nothing
from testing.clone_helpers import namespace_only, possible, write_function
from testing.clone_only_probe import draw

from snapstart_hooks.testing import CloneRun, ClonesFailed, Progress, Target, clones

if TYPE_CHECKING:
    from pathlib import Path

REPEATS = ("random", "Random", "tempfile", "clock_seq", "ssl")
DIFFERS = ("uuid4", "secrets", "urandom")
DRAW = Target(draw_all, init=made_before)

needs_namespace = pytest.fixture(name="namespace")(namespace_only)


def drawn(run: CloneRun, what: str) -> list[object]:
    return [response[what] for response in run.responses]


def test_state_in_memory_repeats_and_what_asks_the_kernel_does_not(namespace: None) -> None:
    run = clones(4, DRAW)
    for what in REPEATS:
        assert len(set(drawn(run, what))) == 1, what
    for what in DIFFERS:
        assert len(set(drawn(run, what))) == 4, what


def test_what_the_function_itself_imports_is_in_the_snapshot(namespace: None) -> None:
    first, second = clones(2, draw).responses
    assert first == second


def test_every_clone_has_the_same_pid_as_its_snapshot(namespace: None) -> None:
    assert drawn(clones(3, DRAW, backend="namespace"), "pid") == [1, 1, 1]


def test_fork_hides_what_a_restore_does_and_says_so() -> None:
    run = clones(3, DRAW, backend="fork")
    assert len(set(drawn(run, "random"))) == 3
    assert len(set(drawn(run, "tempfile"))) == 3
    assert len(set(drawn(run, "ssl"))) == 3
    assert len(set(drawn(run, "pid"))) == 3
    assert len(set(drawn(run, "Random"))) == 1  # nobody's at-fork handler knows of it
    assert run.backend == "fork"
    assert "random" in run.limits[0]


REPAIRED = """\
    import os, random, ssl, tempfile, uuid
    from snapshot_restore_py import register_after_restore
    random.random(); ssl.RAND_bytes(8); next(tempfile._get_candidate_names())
    own = random.Random()

    @register_after_restore
    def reseed():
        random.seed()
        own.seed()
        ssl.RAND_add(os.urandom(48), 48.0)
        tempfile._name_sequence = None

    def handler(event, context):
        names = next(tempfile._get_candidate_names())
        return [random.random(), own.random(), ssl.RAND_bytes(8).hex(), names, event["n"]]
"""


def test_hooks_that_reseed_cure_it(namespace: None, tmp_path: Path) -> None:
    write_function(tmp_path, REPAIRED)
    cured = clones(3, "app.handler", event={"n": 7}, task_root=tmp_path).responses
    for kind in range(4):
        assert len({str(response[kind]) for response in cured}) == 3
    ill = clones(3, "app.handler", event={"n": 7}, task_root=tmp_path, hooks=False).responses
    assert ill[0] == ill[1] == ill[2]
    assert ill[0][4] == 7


def test_state_after_the_snapshot_is_each_clone_s_own(namespace: None, tmp_path: Path) -> None:
    write_function(
        tmp_path,
        """\
        calls = []
        def handler(event, context):
            calls.append(event)
            return calls
        """,
    )
    run = clones(2, "app.handler", events=[1, 2, {"three": 3}], task_root=tmp_path)
    for clone in run.clones:
        assert [invocation.response for invocation in clone.invocations] == [[1], [1, 2], [1, 2, {"three": 3}]]
        assert len({invocation.request_id for invocation in clone.invocations}) == 3


def test_no_event_stops_when_the_hooks_have_run(namespace: None, tmp_path: Path) -> None:
    write_function(
        tmp_path,
        """\
        from snapshot_restore_py import register_after_restore
        register_after_restore(print, "restored")
        def handler(event, context): raise AssertionError
        """,
    )
    run = clones(2, "app.handler", events=[], task_root=tmp_path)
    assert [clone.stdout for clone in run.clones] == ["restored\n"] * 2
    assert run.ok


def test_fifty_clones(namespace: None) -> None:
    run = clones(50, DRAW)
    assert [clone.index for clone in run.clones] == list(range(50))
    assert len(set(drawn(run, "random"))) == 1
    assert len(set(drawn(run, "uuid4"))) == 50


def test_the_last_clone_runs_alone(namespace: None, tmp_path: Path) -> None:
    """Those that count in a database at the same time come to the same number, which says nothing of a snapshot."""
    write_function(
        tmp_path,
        """\
        import time
        def handler(event, context):
            for moment in ("begun", "ended"):
                with open("moments", "a") as file:
                    file.write(f"{moment} ")
                time.sleep(0.1)
        """,
    )
    clones(3, "app.handler", task_root=tmp_path, parallel=3).check()
    moments = (tmp_path / "moments").read_text().split()
    assert (sorted(moments[:4]), moments[4:]) == (["begun", "begun", "ended", "ended"], ["begun", "ended"])


def test_this_process_is_not_affected(namespace: None) -> None:
    before = random.getstate(), list(sys.path), dict(os.environ)
    clones(1, DRAW)
    assert (random.getstate(), list(sys.path), dict(os.environ)) == before


def test_a_function_of_this_very_module_is_found_by_its_file(namespace: None) -> None:
    assert clones(2, six).responses == [6, 6]


def six() -> int:
    return 6


def test_a_function_of_a_script_is_found(namespace: None, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from snapstart_hooks.testing import clones\n"
        "def probe():\n    return __name__\n"
        "if __name__ == '__main__':\n    print(clones(1, probe).responses)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("['__snapstart_main__']\n", "")


def test_the_function_s_process_has_not_imported_this_library(namespace: None, tmp_path: Path) -> None:
    write_function(
        tmp_path,
        """\
        import sys
        def handler(event, context):
            return [name for name in sys.modules if name.startswith(("snapstart_hooks", "pytest", "time_machine"))]
        """,
    )
    assert clones(1, "app.handler", task_root=tmp_path).responses == [[]]


def test_our_own_hooks_run_and_are_reported(namespace: None, tmp_path: Path) -> None:
    write_function(
        tmp_path,
        """\
        import threading
        from snapstart_hooks import after_restore, before_snapshot
        @before_snapshot
        def disconnect(): pass
        @after_restore(concurrent=True, timeout=5)
        def one(): return threading.current_thread().name
        @after_restore(concurrent=True, timeout=5)
        def two(): pass
        def handler(event, context): return "ok"
        """,
    )
    run = clones(2, "app.handler", task_root=tmp_path)
    assert run.responses == ["ok", "ok"]
    assert run.snapshot.before_report is not None
    assert [hook["hook"] for hook in run.snapshot.before_report["hooks"]] == ["app.disconnect"]
    for clone in run.clones:
        assert clone.before_report is None
        assert clone.after_report is not None
        assert {hook["hook"]: hook["outcome"] for hook in clone.after_report["hooks"]} == {
            "app.one": "ok",
            "app.two": "ok",
        }
        assert clone.after_seconds is not None
        assert clone.after_seconds * 1000 >= clone.after_report["duration_ms"]


def test_progress_is_told(namespace: None) -> None:
    told: list[Progress] = []
    clones(2, nothing, on_progress=told.append)
    assert told == [Progress("snapshot", 0, 2), Progress("clone", 1, 2), Progress("clone", 2, 2)]


def test_a_run_can_be_written_as_json(namespace: None) -> None:
    run = clones(1, DRAW, elapsed=dt.timedelta(hours=1), backend="namespace")
    assert json.loads(json.dumps(run.to_dict()))["clones"][0]["invocations"][0]["response"]["pid"] == 1


def test_instruments_watch_from_inside(namespace: None) -> None:
    name = "testing.clone_functions:Watch"
    run = clones(2, nothing, instruments=[name])
    assert run.snapshot.observations == {name: {"snapshot": ["initialized"]}}
    seen = [clone.observations[name] for clone in run.clones]
    assert seen[0]["finished"] == seen[1]["finished"]
    assert "ZeroDivisionError" in seen[0].pop("restored failed")
    assert seen[0].keys() == {"finished"}
    assert run.ok


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"subject": lambda: 1}, "cannot be imported by the process"),
        ({"subject": [].append}, "not a function that another process can import"),
        ({"n": 0}, "must be above 0"),
        ({"timeout": 0}, "must be above 0"),
        ({"task_root": "no/such/folder"}, "is not a directory"),
        ({"backend": "vm"}, "known are 'criu', 'namespace', 'fork'"),
        ({"event": {1, 2}}, "not what JSON can hold"),
        ({"event": 1, "events": [1]}, "not both"),
        ({"dead_connections": "slow"}, "dead_connections='slow'"),
        ({"credentials": "none"}, "credentials='none'"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"n": 1, "subject": nothing, **arguments}
    with pytest.raises((TypeError, ValueError), match=message):
        clones(**given)  # type: ignore[arg-type]


def test_responses_of_a_run_that_failed_are_not_given(namespace: None) -> None:
    run = clones(2, wrong)
    with pytest.raises(ClonesFailed, match=r"clone 0: ValueError: no\nclone 1: ValueError: no"):
        _ = run.responses


def wrong() -> None:
    raise ValueError("no")


def test_what_criu_cannot_restore_is_cloned_with_namespaces_unless_it_is_asked_for(
    namespace: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    possible("criu")
    genuine = os.environ.get("SNAPSTART_HOOKS_CRIU") or shutil.which("criu")
    program = tmp_path / "criu"
    program.write_text(f'#!/bin/sh\n[ "$1" != restore ] || {{ echo "no room" >&2; exit 1; }}\nexec {genuine} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("SNAPSTART_HOOKS_CRIU", str(program))
    run = clones(2, nothing)
    run.check()
    assert run.backend == "namespace"
    assert "not made by CRIU: no room" in run.limits
    with pytest.raises(ClonesFailed, match="CRIU cannot restore the function: no room"):
        clones(1, nothing, backend="criu").check()
