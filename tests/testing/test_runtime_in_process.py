"""A function run through the real runtime in this process: answers, errors, and nothing left changed."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from testing.clone_helpers import write_function

from snapstart_hooks.testing import ClonesFailed, RunOutcome, run_in_process
from snapstart_hooks.testing._fresh_registry import fresh_registry

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _own_hooks() -> Iterator[None]:
    """Each test has hooks and a module ``app`` of its own."""
    with fresh_registry():
        yield
    sys.modules.pop("app", None)


def state() -> list[object]:
    """What a run may not change."""
    root = logging.getLogger()
    streams = sys.stdout, sys.stderr
    return [dict(os.environ), list(sys.path), *streams, list(root.handlers), root.level, Path.cwd(), _converter()]


def _converter() -> object:
    return logging.Formatter.converter


def run(tmp_path: Path, source: str, *events: object, **options: object) -> RunOutcome:
    write_function(tmp_path, source)
    before = state()
    try:
        return run_in_process("app.handler", events or ({},), task_root=tmp_path, **options)  # type: ignore[arg-type]
    finally:
        assert state() == before


WITH_HOOKS = """\
    import snapshot_restore_py, logging
    from snapstart_hooks import after_restore, before_snapshot
    snapshot_restore_py.register_before_snapshot(print, "AWS's, before")
    @before_snapshot
    def close(): print("close")
    @after_restore
    def open(): print("open")
    snapshot_restore_py.register_before_snapshot(print, "AWS's, last")
    snapshot_restore_py.register_after_restore(print, "AWS's, after")
    def handler(event, context):
        logging.warning("told")
        return event["n"] + 1
"""


def lines(outcome: RunOutcome) -> list[str]:
    return [line for line in outcome.stdout.splitlines() if not line.startswith("[")]


def test_hooks_run_around_the_snapshot_and_events_are_answered(tmp_path: Path) -> None:
    outcome = run(tmp_path, WITH_HOOKS, {"n": 1}, {"n": 2})
    assert [invocation.response for invocation in outcome.invocations] == [2, 3]
    assert outcome.response == 2
    assert lines(outcome) == ["AWS's, last", "close", "AWS's, before", "open", "AWS's, after"]
    assert "[WARNING]\t" in outcome.stdout
    assert f"{outcome.invocations[1].request_id}\ttold" in outcome.stdout
    assert outcome.exit_code == 0
    assert outcome.ok
    assert outcome.before_report is not None
    assert outcome.after_report is not None
    assert [hook["hook"] for hook in outcome.after_report["hooks"]] == ["app.open", "builtins.print"]
    assert None not in (outcome.init_seconds, outcome.before_seconds, outcome.after_seconds)


def test_the_same_handler_can_be_run_again(tmp_path: Path) -> None:
    first = lines(run(tmp_path, WITH_HOOKS, {"n": 1}))
    assert lines(run(tmp_path, WITH_HOOKS, {"n": 1})) == first
    assert lines(run(tmp_path, WITH_HOOKS, {"n": 1})) == first


def test_without_hooks(tmp_path: Path) -> None:
    outcome = run(tmp_path, WITH_HOOKS, {"n": 1}, hooks=False)
    assert lines(outcome) == []
    assert outcome.response == 2
    assert (outcome.before_report, outcome.after_report) == (None, None)


def test_a_report_of_an_earlier_run_is_not_told_again(tmp_path: Path) -> None:
    assert run(tmp_path, WITH_HOOKS, {"n": 1}).after_report is not None
    assert run(tmp_path, WITH_HOOKS, {"n": 1}, hooks=False).after_report is None


@pytest.mark.parametrize(
    ("source", "code", "kind", "message"),
    [
        ("import no_such_module", 1, "Runtime.ImportModuleError", "no_such_module"),
        ("pass", 1, "Runtime.HandlerNotFound", "'handler' missing"),
        ("def handler(:", 1, "Runtime.UserCodeSyntaxError", "Syntax error"),
        ("1 / 0", 1, "ZeroDivisionError", "division by zero"),
        (
            "import snapstart_hooks as s\n@s.before_snapshot\ndef b(): raise OSError('in use')\ndef handler(*_): pass",
            64,
            "Runtime.BeforeSnapshotError",
            "in use",
        ),
        (
            "import snapstart_hooks as s\n@s.after_restore\ndef a(): raise OSError('no route')\ndef handler(*_): pass",
            65,
            "Runtime.AfterRestoreError",
            "no route",
        ),
    ],
)
def test_exit_codes_and_error_bodies_are_the_runtime_s(
    tmp_path: Path, source: str, code: int, kind: str, message: str
) -> None:
    outcome = run(tmp_path, source)
    assert outcome.exit_code == code
    assert outcome.error is not None
    assert outcome.error.kind == kind
    assert message in outcome.error.message
    assert outcome.invocations == ()
    assert outcome.failure == str(outcome.error)
    with pytest.raises(ClonesFailed, match=message):
        _ = outcome.response


def test_a_failed_phase_is_reported(tmp_path: Path) -> None:
    source = "import snapstart_hooks as s\n@s.after_restore\ndef a(): raise OSError\ndef handler(e, c): pass"
    report = run(tmp_path, source).after_report
    assert report is not None
    assert report["hooks"][0]["outcome"] == "failed"


def test_an_invocation_that_raises_does_not_end_the_environment(tmp_path: Path) -> None:
    outcome = run(tmp_path, "def handler(event, context): return 1 / event", 0, 2, 1)
    assert [str(invocation.error) for invocation in outcome.invocations] == [
        "ZeroDivisionError: division by zero",
        "None",
        "None",
    ]
    assert outcome.failure == "event 0: ZeroDivisionError: division by zero"
    assert outcome.exit_code == 0


@pytest.mark.parametrize(("how", "code"), [("sys.exit()", 0), ("sys.exit(3)", 3), ("sys.exit('why')", 1)])
def test_a_handler_that_exits(tmp_path: Path, how: str, code: int) -> None:
    outcome = run(tmp_path, f"import sys\ndef handler(event, context): {how}", 1, 2)
    assert outcome.exit_code == code
    (invocation,) = outcome.invocations
    assert str(invocation.error) == f"Runtime.ExitError: Runtime exited with error: exit status {code}"
    assert outcome.stderr == ("why\n" if code == 1 else "")


def test_a_keyboard_interrupt_of_the_user_is_one(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "def handler(event, context): raise KeyboardInterrupt")


def test_output_can_be_let_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = run(tmp_path, "def handler(event, context): print('hello')", capture=False)
    assert (outcome.stdout, outcome.stderr) == ("", "")
    assert capsys.readouterr().out.endswith("\nhello\n")


def test_the_environment_is_that_of_the_function(tmp_path: Path) -> None:
    source = """\
        import os
        def handler(event, context):
            return os.environ["STAGE"], os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], os.getcwd(), context.function_name
    """
    outcome = run(tmp_path, source, environment={"STAGE": "test"})
    assert outcome.response == ["test", "snap-start", str(tmp_path), "app"]


def test_the_log_format_is_that_of_the_function(tmp_path: Path) -> None:
    source = "import logging\ndef handler(event, context): logging.warning('told')"
    json_lines = {"AWS_LAMBDA_LOG_FORMAT": "JSON"}
    assert '"message": "told"' in run(tmp_path, source, environment=json_lines).stdout
    assert "\ttold\n" in run(tmp_path, source).stdout


def test_time_runs_down(tmp_path: Path) -> None:
    outcome = run(tmp_path, "def handler(e, context): return context.get_remaining_time_in_millis()", timeout=7)
    assert 0 < outcome.response <= 7000


def test_wrong_arguments_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a directory"):
        run_in_process("app.handler", task_root=tmp_path / "no")
    with pytest.raises(TypeError, match="not what JSON can hold"):
        run_in_process("app.handler", [{1}])
