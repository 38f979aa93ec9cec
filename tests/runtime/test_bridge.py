"""The genuine awslambdaric runs what was registered with us, with AWS's package, or shipped by a library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from runtime.function import run, write
from typing_extensions import override

from snapstart_hooks import Registry
from snapstart_hooks.runtime.awslambdaric import connect, disconnect, is_dispatcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import SimpleNamespace

FUNCTIONS = Path(__file__).parent / "functions"


def test_hooks_of_all_origins_run_once_and_in_order(acme: Path) -> None:
    ran = run(FUNCTIONS, handler="order.handler", layers=[acme])
    assert ran.exit_code is None
    assert ran.before_snapshot == [
        "AWS's, after the last",  # run by the runtime itself, as the bridge says
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
    (before,) = (line for line in ran.log if " hook" in line and " in " in line)
    assert "before_snapshot: 7 hooks in " in before
    assert "RuntimeWarning" not in ran.stderr  # of a coroutine that nobody awaited


def test_plain_hooks_run_in_the_same_order_as_with_aws_alone(tmp_path: Path) -> None:
    source = """
        from snapshot_restore_py import register_after_restore, register_before_snapshot
        for register, name in (register_before_snapshot, "b"), (register_after_restore, "a"):
            for number in range(5):
                register(print, name, number, sep="")
        def handler(event, context): ...
    """
    theirs = run(write(tmp_path / "theirs", source))
    ours = run(write(tmp_path / "ours", source.replace("snapshot_restore_py", "snapstart_hooks")))
    assert ours.before_snapshot == theirs.before_snapshot == ["b4", "b3", "b2", "b1", "b0"]
    assert ours.after_restore == theirs.after_restore == ["a0", "a1", "a2", "a3", "a4"]


def test_hooks_of_libraries_run_where_the_application_only_imports_us(tmp_path: Path, acme: Path) -> None:
    app = write(tmp_path, "import acme_driver, snapstart_hooks\ndef handler(event, context): ...")
    ran = run(app, layers=[acme])
    assert ran.before_snapshot == ["spans flushed", "pool closed"]
    assert ran.after_restore == ["span ids reseeded", "pool opened"]


def test_what_nobody_imports_costs_nothing(tmp_path: Path, acme: Path) -> None:
    app = write(
        tmp_path,
        """
        import sys
        import snapstart_hooks
        def handler(event, context):
            loaded = sorted(name for name in sys.modules if name.startswith("acme_driver"))
            skipped = snapstart_hooks.default_registry.skipped
            return [loaded, [line for line in skipped if not line.startswith("snapstart-hooks:")]]
        """,
    )
    ran = run(app, layers=[acme])
    assert (ran.before_snapshot, ran.after_restore) == ([], [])
    why = "acme_driver is not imported, so there is nothing to reset"
    assert ran.responses == [[[], [f"acme-driver:pool: {why}", f"acme-driver:tracing: {why}"]]]


def test_what_a_before_snapshot_hook_imports_is_asked_again(tmp_path: Path, acme: Path) -> None:
    app = write(
        tmp_path,
        """
        import snapstart_hooks
        @snapstart_hooks.before_snapshot(priority=100)
        def prime(): import acme_driver
        def handler(event, context): ...
        """,
    )
    ran = run(app, layers=[acme])
    assert ran.before_snapshot == ["spans flushed", "pool closed"]
    assert ran.after_restore == ["span ids reseeded", "pool opened"]


def test_a_function_that_is_registered_with_aws_and_shipped_runs_once(tmp_path: Path, acme: Path) -> None:
    app = write(
        tmp_path,
        """
        import snapshot_restore_py
        from acme_driver import pool
        for phase in "before_snapshot", "after_restore":
            if hook := getattr(pool, phase, None):
                getattr(snapshot_restore_py, f"register_{phase}")(hook)
        import snapstart_hooks
        def handler(event, context): ...
        """,
    )
    ran = run(app, layers=[acme])
    assert ran.before_snapshot == ["spans flushed", "pool closed"]
    assert ran.after_restore == ["span ids reseeded", "pool opened"]


# Hooks that others register with AWS's package.


def test_where_nothing_is_registered_with_us_aws_own_hooks_keep_their_order(tmp_path: Path) -> None:
    app = write(
        tmp_path,
        """
        from snapshot_restore_py import register_after_restore, register_before_snapshot
        register_before_snapshot(print, "one")
        register_after_restore(print, "one")
        import snapstart_hooks
        register_before_snapshot(print, "two")
        register_after_restore(print, "two")
        def handler(event, context): ...
        """,
    )
    ran = run(app)
    assert ran.before_snapshot == ["two", "one"]
    assert ran.after_restore == ["one", "two"]
    (before,) = (line for line in ran.log if " hook" in line and " in " in line)
    assert "before_snapshot: 1 hook in " in before  # "two" lay behind the dispatcher


def test_a_hook_of_aws_that_fails_is_named_and_stops_no_other(tmp_path: Path) -> None:
    app = write(
        tmp_path,
        """
        import snapshot_restore_py
        from snapstart_hooks import after_restore
        @snapshot_restore_py.register_after_restore
        def others(): raise OSError("no route")
        @after_restore
        def own(): print("own")
        def handler(event, context): ...
        """,
    )
    ran = run(app)
    assert ran.exit_code == 65
    assert ran.after_restore == ["own"]
    assert f"app.others ({app}/app.py:4): OSError: no route" in ran.error["errorMessage"]


def test_hooks_that_running_hooks_register_run_once_in_the_same_phase() -> None:
    ran = run(FUNCTIONS, handler="late.handler")
    assert ran.before_snapshot == [
        "registers with AWS's only",
        "late, registered before ours began",
        "registers",
        "late, ours",
        "late, AWS's",
        "last",
    ]
    assert ran.after_restore == [
        "registers",
        "next",
        "registered before the snapshot",
        "late, ours",
        "late, AWS's",
    ]


def test_the_last_hooks_may_register_with_aws_alone() -> None:
    ran = run(FUNCTIONS, handler="later.handler")
    assert ran.before_snapshot == ["before", *(f"chain, {left} left" for left in (3, 2, 1, 0))]
    assert ran.after_restore == ["after", "late"]
    (before,) = (line for line in ran.log if " hook" in line and " in " in line)
    assert "before_snapshot: 5 hooks in " in before


@pytest.mark.parametrize(
    ("registered_later", "exit_code", "error_type"),
    [("", 64, "Runtime.BeforeSnapshotError"), ("after_restore(print)", 1, "Runtime.Unknown")],
)
def test_what_cannot_be_a_hook_is_refused_when_it_is_taken_over(
    tmp_path: Path, registered_later: str, exit_code: int, error_type: str
) -> None:
    app = write(
        tmp_path,
        f"""
        import snapshot_restore_py
        from snapstart_hooks import after_restore
        @snapshot_restore_py.register_after_restore
        def reconnect(client): ...
        {registered_later}
        def handler(event, context): ...
        """,
    )
    ran = run(app)
    assert (ran.exit_code, ran.paths) == (exit_code, ["init/error"])
    assert ran.requests[0].error_type == error_type
    assert ran.error["errorType"] == "HookSignatureError"
    assert f"app.reconnect ({app}/app.py:4)" in ran.error["errorMessage"]
    assert "needs the argument 'client'" in ran.error["errorMessage"]
    assert "register_after_restore(reconnect, ...)" in ran.error["errorMessage"]


# Functions of all kinds.


@pytest.mark.parametrize("initialization", ["on-demand", "provisioned-concurrency", "lambda-managed-instances"])
def test_without_snapstart_nothing_runs_and_nothing_is_looked_for(acme: Path, initialization: str) -> None:
    ran = run(FUNCTIONS, handler="elsewhere.handler", layers=[acme], initialization=initialization, counted=True)
    assert ran.paths == ["invocation/next", "invocation/1/response", "invocation/next"]
    assert ran.printed == b""
    assert ran.responses == [
        {"hooks": ["elsewhere.before", "elsewhere.after"], "providers": [], "report": None, "imported": []}
    ]


def test_many_invocations_follow_one_restore() -> None:
    events = [{"order": number} for number in range(20)]
    ran = run(FUNCTIONS, handler="order.handler", events=events)
    assert ran.responses == events
    assert ran.paths.count("restore/next") == 1
    assert ran.printed.splitlines().count(b"second") == 2  # once in each phase


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_an_async_pool_lives_on_while_the_runtime_polls_on_any_thread(version: str) -> None:
    """From `AWS_Lambda_python3.12` on the runtime waits for events on another thread."""
    ran = run(FUNCTIONS, handler="pool.handler", events=[1, 2, 3], execution_env=f"AWS_Lambda_python{version}")
    assert ran.before_snapshot == ["closing", "closed"]
    assert ran.after_restore == ["opening", "opened"]
    assert ran.responses == [{"connection": "pooled", "polls on a thread": version != "3.11"}] * 3
    assert "RuntimeWarning" not in ran.stderr


def test_after_a_restore_no_file_is_opened_and_nothing_is_imported(acme: Path) -> None:
    ran = run(FUNCTIONS, handler="restored.handler", layers=[acme], counted=True)
    assert ran.after_restore == ["span ids reseeded", "pool opened"]
    assert ran.responses == [
        {
            "noted": ["restore"],
            "imported": [],
            "ran": ["AWS's", "another", "failing", "limited", "one", "plain", "with an argument"],
        }
    ]


# The log.


@pytest.mark.parametrize("level", ["", "INFO", "DEBUG"])
def test_each_phase_writes_one_line_but_that_of_a_good_restore_has_to_be_asked_for(level: str) -> None:
    environment = {"SNAPSTART_HOOKS_ALLOW": ""} | ({"AWS_LAMBDA_LOG_LEVEL": level} if level else {})
    ran = run(FUNCTIONS, handler="later.handler", environment=environment)
    lines = [line.split("\t") for line in ran.log if "asyncio" not in line and "left out" not in line]
    assert [line[0] for line in lines] == ["[INFO]"] * (2 if level == "DEBUG" else 1)
    assert lines[0][3].startswith("before_snapshot: 5 hooks in ")
    assert all(line[3].startswith("after_restore: 2 hooks in ") for line in lines[1:])


def test_in_the_json_format_the_line_has_fields() -> None:
    environment = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "DEBUG"}
    ran = run(FUNCTIONS, handler="later.handler", environment=environment)
    entries = [cast("dict[str, object]", json.loads(line)) for line in ran.log]
    before, after = (entry for entry in entries if "snapstart_hooks" in entry)
    assert before["level"] == after["level"] == "INFO"
    assert before["logger"] == after["logger"] == "snapstart_hooks"
    assert str(before["message"]).startswith("before_snapshot: 5 hooks in ")
    fields = cast("dict[str, object]", after["snapstart_hooks"])
    assert isinstance(fields.pop("duration_ms"), float)
    assert fields == {"phase": "after_restore", "ok": True, "hooks": 2, "failed": []}


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
def test_a_log_level_that_the_user_sets_is_kept(log_format: str) -> None:
    environment = {"AWS_LAMBDA_LOG_FORMAT": log_format, "AWS_LAMBDA_LOG_LEVEL": "ERROR"}
    ran = run(FUNCTIONS, handler="later.handler", environment=environment)
    assert ran.after_restore == ["after", "late"]
    assert ran.log == []


def test_a_level_that_the_application_sets_for_our_logger_is_kept(tmp_path: Path) -> None:
    app = write(
        tmp_path,
        """
        import logging
        logging.getLogger("snapstart_hooks").setLevel(logging.ERROR)
        import snapstart_hooks
        snapstart_hooks.register_after_restore(print, "restored")
        def handler(event, context): ...
        """,
    )
    ran = run(app)
    assert ran.after_restore == ["restored"]
    assert ran.log == []


# Importing it anew, or without AWS's package.


def test_a_reload_connects_nothing_twice(tmp_path: Path) -> None:
    app = write(
        tmp_path,
        """
        import importlib, snapstart_hooks
        snapstart_hooks.register_before_snapshot(print, "one")
        snapstart_hooks.register_after_restore(print, "one")
        importlib.reload(snapstart_hooks)
        snapstart_hooks.register_before_snapshot(print, "two")
        snapstart_hooks.register_after_restore(print, "two")
        def handler(event, context): ...
        """,
    )
    ran = run(app)
    assert ran.before_snapshot == ["two", "one"]
    assert ran.after_restore == ["one", "two"]


def test_without_aws_package_the_import_warns_and_the_phases_can_be_run_by_hand() -> None:
    program = """
import sys
sys.modules["snapshot_restore_py"] = None
from snapstart_hooks import default_registry, register_after_restore
register_after_restore(print, "restored")
default_registry.run_before_snapshot()
default_registry.run_after_restore()
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout == "restored\n"
    assert "its hooks will not be run by the Lambda runtime" in ran.stderr
    assert "Install snapshot-restore-py" in ran.stderr


def test_a_hook_that_reloads_the_package_is_not_run_again(tmp_path: Path) -> None:
    app = write(
        tmp_path,
        """
        import importlib, snapstart_hooks

        @snapstart_hooks.after_restore
        @snapstart_hooks.before_snapshot
        def reload():
            print("reloading")
            importlib.reload(snapstart_hooks)

        def handler(event, context): ...
        """,
    )
    ran = run(app)
    assert ran.before_snapshot == ["reloading"]
    assert ran.after_restore == ["reloading"]


# AWS's lists themselves.


@pytest.fixture
def aws_lists() -> Iterator[tuple[list[object], list[object]]]:
    """AWS's two lists in this process, empty; what lies there now comes back."""
    import snapshot_restore_py

    lists = (snapshot_restore_py.get_before_snapshot(), snapshot_restore_py.get_after_restore())
    kept = [entries.copy() for entries in lists]
    for entries in lists:
        entries.clear()
    yield cast("tuple[list[object], list[object]]", lists)
    for entries, former in zip(lists, kept, strict=True):
        entries[:] = former


def test_connecting_again_makes_another_snapshot_possible(aws_lists: tuple[list[object], list[object]]) -> None:
    from awslambdaric import lambda_runtime_hooks_runner as runtime

    registry, ran = Registry(allow=()), list[str]()
    registry.register_before_snapshot(ran.append, "before")
    registry.register_after_restore(ran.append, "after")
    for _ in range(3):
        connect(registry)
        connect(registry)
        assert [len(entries) for entries in aws_lists] == [1, 1]
        runtime.run_before_snapshot()
        runtime.run_after_restore()
    assert ran == ["before", "after"] * 3


def test_what_another_thread_registers_meanwhile_is_taken_over_next_time(
    aws_lists: tuple[list[object], list[object]],
) -> None:
    import snapshot_restore_py

    registry, ran = Registry(), list[str]()
    connect(registry)

    class Racing:
        """Registers another hook at the moment when it is looked at."""

        def __call__(self) -> None:
            ran.append("racing")

        @override
        def __getattribute__(self, name: str) -> object:
            if not ran:
                ran.append("looked at")
                snapshot_restore_py.register_after_restore(ran.append, "meanwhile")
            return cast("object", object.__getattribute__(self, name))

    racing: Callable[[], None] = Racing()
    snapshot_restore_py.register_after_restore(racing)
    registry.register_after_restore(ran.append, "ours")
    registry.run_after_restore()
    assert ran == ["looked at", "racing", "ours", "meanwhile"]


def test_a_registry_can_be_disconnected(aws_lists: tuple[list[object], list[object]]) -> None:
    registry, other = Registry(), Registry()
    connect(registry)
    connect(other)
    disconnect(registry)
    for entries in aws_lists:
        ((dispatcher, (link,), _),) = cast("list[tuple[object, tuple[SimpleNamespace], object]]", entries)
        assert is_dispatcher(dispatcher)
        assert link.registry is other
    disconnect(other)
    assert aws_lists == ([], [])
