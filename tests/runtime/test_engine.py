"""The engine under the genuine awslambdaric: overlap, time, policy, rollback, observation, the loop."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from runtime.function import Run, run

if TYPE_CHECKING:
    from collections.abc import Mapping

FUNCTIONS = Path(__file__).parent / "engine"


def publish(kind: str, environment: Mapping[str, str] | None = None, **options: str) -> Run:
    return run(
        FUNCTIONS,
        handler="slow.handler",
        environment={"KIND": kind, **(environment or {})},
        initialization=options.get("initialization", "snap-start"),
    )


def response(ran: Run) -> dict[str, object]:
    (only,) = ran.responses
    return cast("dict[str, object]", only)


def outcomes(ran: Run) -> dict[str, str]:
    report = cast("dict[str, list[dict[str, str]]]", response(ran)["report"])
    return {result["hook"]: result["outcome"] for result in report["hooks"]}


def test_concurrent_hooks_overlap_on_threads_that_the_snapshot_holds() -> None:
    ran = publish("overlap")
    assert ran.exit_code is None, ran
    assert set(outcomes(ran).values()) == {"ok"}
    assert "snapstart_hooks" in cast("list[str]", response(ran)["threads"])


def test_a_hook_over_its_time_is_stopped_and_told_and_the_next_runs() -> None:
    ran = publish("timeout")
    assert ran.exit_code == 65
    assert ran.after_restore == ["next ran"]
    assert ran.error["errorType"] == "HooksFailed"
    assert "slow (" in ran.error["errorMessage"]
    assert "longer than its timeout of 0.1 s" in ran.error["errorMessage"]
    assert any("in slow" in entry for entry in ran.error["stackTrace"])


def test_an_optional_hook_over_its_time_is_told_in_the_log_and_the_function_answers() -> None:
    ran = publish("optional")
    assert ran.exit_code is None
    assert outcomes(ran) == {"slow": "timed out", "next": "ok"}
    (line,) = [line for line in ran.log if "after_restore: " in line]
    assert line.startswith("[WARNING]")
    assert "slow (optional) [timed out]" in line


@pytest.mark.parametrize(
    ("kind", "variable", "exit_code"),
    [("timeout", "SNAPSTART_HOOKS_OPTIONAL", None), ("optional", "SNAPSTART_HOOKS_REQUIRED", 65)],
)
def test_the_policy_can_be_changed_without_code(kind: str, variable: str, exit_code: int | None) -> None:
    assert publish(kind, {variable: "slow"}).exit_code == exit_code


def test_the_budget_ends_the_phase_with_a_precise_error_and_the_watchdog_tells_first() -> None:
    ran = publish("budget", {"SNAPSTART_HOOKS_BUDGET": "0.5"})
    assert ran.exit_code == 65
    assert ran.error["errorType"] == "BudgetExceeded"
    for told in ("Not done: hanging (", "Never started: waiting", "Done: quick"):
        assert told in ran.error["errorMessage"]
    (bark,) = [line for line in ran.log if "running now" in line]
    assert "hanging (" in bark
    assert "in hanging" in ran.printed.decode()


def test_initialisation_can_have_a_budget_too() -> None:
    ran = publish("init budget", {"SNAPSTART_HOOKS_INIT_BUDGET": "0.3"})
    assert ran.exit_code == 64
    assert ran.error["errorType"] == "BudgetExceeded"


def test_every_failed_hook_is_in_the_body_and_none_ends_the_process_early() -> None:
    ran = publish("failing")
    assert ran.exit_code == 65
    assert ran.after_restore == ["third ran"]
    message = ran.error["errorMessage"]
    assert message.startswith("after_restore: 3 of 3 hooks failed: ")
    for told in ("first (", "ConnectionError: no route to host", "second (", "LookupError: no such secret"):
        assert told in message
    assert "third (" in message
    assert "HookExited: it raised SystemExit: 0" in message
    assert len(message) < 4096
    assert any("in first" in entry for entry in ran.error["stackTrace"])
    assert not any("_engine.py" in entry for entry in ran.error["stackTrace"])


@pytest.mark.parametrize(("switch", "printed"), [("", ["closed"]), ("1", ["closed", "opened"])])
def test_rollback_is_off_on_lambda_where_the_process_ends_but_can_be_had(switch: str, printed: list[str]) -> None:
    ran = publish("rollback", {"SNAPSTART_HOOKS_ROLLBACK": switch})
    assert ran.exit_code == 64
    assert [line for line in ran.before_snapshot if line in {"closed", "opened"}] == printed


def test_metrics_are_one_line_of_json_each_in_the_functions_log() -> None:
    ran = publish("optional", {"SNAPSTART_HOOKS_EMF": "Orders"})
    metrics = [json.loads(line) for line in ran.log if "CloudWatchMetrics" in line]
    assert [metric["Phase"] for metric in metrics] == ["before_snapshot", "after_restore"]
    assert metrics[1]["FailedHooks"] == 1
    assert metrics[1]["FunctionName"] == "orders"


def test_spans_are_switched_on_before_the_snapshot() -> None:
    assert publish("optional", {"SNAPSTART_HOOKS_OTEL": "1"}).exit_code is None


def test_the_phase_line_has_fields_in_the_json_format() -> None:
    ran = publish("optional", {"AWS_LAMBDA_LOG_FORMAT": "JSON"})
    lines = [json.loads(line) for line in ran.log if "snapstart_hooks" in line]
    (line,) = [line for line in lines if line.get("snapstart_hooks", {}).get("phase") == "after_restore"]
    assert line["level"] == "WARNING"
    assert line["snapstart_hooks"]["hooks"] == 2
    assert line["snapstart_hooks"]["failed"][0]["hook"] == "slow"


def test_the_application_can_ask_what_happened() -> None:
    told = response(publish("overlap"))
    assert (told["generation"], told["age known"], told["restored"]) == (1, True, True)


def test_without_snapstart_nothing_has_happened() -> None:
    told = response(publish("failing", initialization="on-demand"))
    assert (told["generation"], told["report"]) == (0, None)
    assert told["threads"] in (["MainThread"], ["MainThread", "ThreadPoolExecutor-0_0"])


def test_an_async_pool_that_a_hook_opens_serves_the_handler(postgres: str) -> None:
    ran = run(FUNCTIONS, handler="pool.handler", environment={"DATABASE_URL": postgres}, events=[{}, {}])
    assert ran.exit_code is None, (ran.error if ran.exit_code else "", ran.stderr)
    first, second = cast("list[dict[str, int]]", ran.responses)
    assert first["now"] == second["now"] != first["before"]


def test_the_environment_of_this_process_is_not_asked() -> None:
    assert {name for name in os.environ if name.startswith("SNAPSTART_HOOKS_")} <= {"SNAPSTART_HOOKS_DISABLE"}


COUNTED = """
import sys
from awslambdaric.lambda_runtime_client import BaseLambdaRuntimeClient as Client
import snapstart_hooks

told, ran, counting = [], [], []
EVENTS = "import", "open", "os.listdir", "socket.__new__", "_thread.start_new_thread", "_thread.start_joinable_thread"

def note(event, args):
    if counting and event in EVENTS:
        told.append(f"{event} {args[0]}")

def restored(self, ask=Client.restore_next):
    ask(self)
    counting.append("the answer is there")

def ready(self, ask=Client.wait_next_invocation):
    counting.clear()
    return ask(self)

sys.addaudithook(note)
Client.restore_next, Client.wait_next_invocation = restored, ready
for _ in range(SIZE):
    snapstart_hooks.register_after_restore(ran.append, "ran")
if CARELESS:
    snapstart_hooks.register_after_restore(__import__, "colorsys")

def handler(event, context):
    return {"ran": len(ran), "told": told}
"""


@pytest.mark.parametrize(("size", "careless"), [(0, False), (100, False), (0, True)])
def test_from_the_restore_to_the_first_event_nothing_is_imported_opened_or_started(
    size: int, careless: bool, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(f"SIZE, CARELESS = {size}, {careless}\n{COUNTED}")
    (told,) = cast("list[dict[str, object]]", run(tmp_path, counted=True).responses)
    assert told["ran"] == size
    assert bool(told["told"]) is careless, told  # what a hook does itself is seen
