"""``run``: a function through init, both phases and its events."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

import pytest
from cli.samples import command, items, mapping, write

if TYPE_CHECKING:
    from pathlib import Path

ECHO = "def lambda_handler(event, context): return event\n"


def responses(document: dict[str, object]) -> list[object]:
    return [each["response"] for each in items(document["invocations"])]


def test_people_see_phases_hooks_and_the_response(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path)
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--event", '{"id": 7}')
    assert done.code == 0
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == [
        "init",
        "before_snapshot",
        "app.close",
        "after_restore",
        "app.warm",
        "app.reconnect",
        "invocation",
    ]
    assert "2 hooks" in lines[3]
    assert "of the 10 s that Lambda allows" in lines[3]
    assert lines[4].split()[-3:] == ["ok", "(optional)", "app.py:13"]
    assert json.loads(lines[-1]) == {"event": {"id": 7}, "log": ["close", "warm", "reconnect"]}
    assert "written by the function" not in done.out
    assert "written by the function" in done.err


def test_machines_see_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path)
    document = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--json").document
    assert [document[key] for key in ("handler", "path", "ok", "exit_code", "connected", "error", "events")] == [
        "app.lambda_handler",
        str(tmp_path),
        True,
        0,
        True,
        None,
        1,
    ]
    assert isinstance(document["init_seconds"], float)
    hooks = items(mapping(document["after_report"])["hooks"])
    assert [(hook["hook"], hook["outcome"], hook["location"]) for hook in hooks] == [
        ("app.warm", "ok", f"{file}:13"),
        ("app.reconnect", "ok", f"{file}:9"),
    ]
    (invocation,) = items(document["invocations"])
    assert invocation["request_id"]
    assert invocation["error"] is None
    assert mapping(invocation["response"])["event"] == {}


def test_events_are_files_json_and_standard_input_in_their_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, ECHO)
    file = tmp_path / "event.json"
    file.write_text('{"of": "file"}', encoding="utf-16")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'["stdin"]')))
    events = [part for each in (file, "-", '{"of": "argument"}', "17") for part in ("--event", each)]
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--json", *events)
    assert done.code == 0
    assert done.document["events"] == 4
    assert responses(done.document) == [{"of": "file"}, ["stdin"], {"of": "argument"}, 17]


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (["{not json}"], "--event {not json}: this is not JSON"),
        (["nowhere.json"], "--event nowhere.json: there is no such file"),
        (["."], "--event .: the file cannot be read: Is a directory"),
        (['{"a": NaN}'], "NaN"),
        (["[" * 100_000], "nested too deeply"),
        (["-", "-"], "standard input can be read only once"),
        ([""], "this is empty; give JSON"),
    ],
    ids=["broken", "missing", "folder", "nan", "deep", "twice", "empty"],
)
def test_an_event_that_cannot_be_read_is_exit_code_2(
    events: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, 'raise AssertionError("is not loaded")\n')
    arguments = [part for event in events for part in ("--event", event)]
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("snapstart-hooks run: ")
    assert told in done.err


@pytest.mark.parametrize("subcommand", ["plan", "run"])
@pytest.mark.parametrize(("name", "told"), [("nowhere", "there is no such folder"), ("app.py", "this is not a folder")])
def test_a_path_that_is_no_folder_is_exit_code_2(
    subcommand: str, name: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    done = command(capsys, subcommand, "app.lambda_handler", "--path", tmp_path / name)
    assert (done.code, done.out) == (2, "")
    assert f"--path {tmp_path / name}: {told}" in done.err


def test_without_hooks_none_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path)
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--without-hooks", "--json")
    assert done.code == 0
    assert (done.document["before_report"], done.document["after_report"]) == (None, None)
    assert responses(done.document) == [{"event": {}, "log": []}]


def test_the_timeout_is_what_the_context_counts_down_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "def lambda_handler(event, context): return context.get_remaining_time_in_millis()\n")
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--timeout", 7, "--json")
    (remaining,) = responses(done.document)
    assert isinstance(remaining, int)
    assert 0 < remaining <= 7000


@pytest.mark.parametrize(("phase", "code"), [("before_snapshot", 64), ("after_restore", 65)])
def test_a_failing_hook_ends_as_on_lambda(
    phase: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = f"""\
        from snapstart_hooks import {phase}
        @{phase}
        def fails(): raise ConnectionError("no route to the database")
        def lambda_handler(event, context): ...
        """
    write(tmp_path, source)
    arguments = "run", "app.lambda_handler", "--path", tmp_path
    done = command(capsys, *arguments)
    assert done.code == code
    for told in ("HooksFailed", "no route to the database", "app.fails", "1 event not answered"):
        assert told in done.out
    done = command(capsys, *arguments, "--json")
    assert (done.code, done.document["exit_code"], done.document["ok"]) == (code, code, False)
    assert done.document["invocations"] == []
    (hook,) = items(mapping(done.document[f"{phase.partition('_')[0]}_report"])["hooks"])
    assert hook["outcome"] == "failed"


def test_an_invocation_that_fails_is_exit_code_1_and_the_next_event_is_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "def lambda_handler(event, context): return 1 / event\n")
    arguments = "run", "app.lambda_handler", "--path", tmp_path, "--event", "0", "--event", "4"
    done = command(capsys, *arguments)
    assert done.code == 1
    assert "ZeroDivisionError: division by zero" in done.out
    assert "\ninvocation 2  " in done.out
    assert "\n0.25\n" in done.out
    done = command(capsys, *arguments, "--json")
    first, second = items(done.document["invocations"])
    assert mapping(first["error"])["type"] == "ZeroDivisionError"
    assert (second["error"], second["response"]) == (None, 0.25)


def test_a_handler_that_calls_sys_exit_is_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "import sys\ndef lambda_handler(event, context): sys.exit(0)\n")
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--json")
    assert done.code == 1
    assert done.document["ok"] is False


def test_what_is_no_json_is_an_error_of_the_invocation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "def lambda_handler(event, context): return {1, 2}\n")
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--json")
    assert done.code == 1
    (invocation,) = items(done.document["invocations"])
    assert mapping(invocation["error"])["type"] == "Runtime.MarshalError"


def test_brackets_of_a_message_are_no_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, 'def lambda_handler(event, context): raise ValueError("[bold]x[/nothing]")\n')
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path)
    assert done.code == 1
    assert "ValueError: [bold]x[/nothing]" in done.out
