"""``run --clones``: what a restore does to a function, and what its hooks are good for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import pytest
from cli.samples import command, items, mapping, write
from testing.clone_helpers import namespace_only

from snapstart_hooks.cli import _errors

if TYPE_CHECKING:
    from pathlib import Path

REPAIRED = """\
    import random, uuid
    from snapstart_hooks import after_restore

    DICE = random.Random()

    @after_restore
    def reseed():
        DICE.seed()

    def lambda_handler(event, context):
        print("written by the function")
        return {"id": f"{DICE.getrandbits(64):016x}", "event": event}
"""


@pytest.fixture(autouse=True)
def _possible() -> None:
    namespace_only()


def test_without_hooks_the_hazards_are_shown_and_fail_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, REPAIRED)
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--clones", "2", "--without-hooks")
    assert done.code == _errors.HAZARDS
    assert re.search(r"^clone 0 +restored in .* ms +\{\"id\": \"(\w{16})\".*\nclone 1 .*\"\1\"", done.out, re.MULTILINE)
    assert "error repeated-random  app.DICE\n" in done.out
    assert "error repeated-value  response $.id\n" in done.out
    assert re.search(r"^  evidence +both clones would draw 0\.\d+ next", done.out, re.MULTILINE)
    assert re.search(r"^  remedy +\w", done.out, re.MULTILINE)
    assert "not shown: " in done.out
    assert "written by the function" not in done.out
    assert done.err.splitlines()[:2] == ["snapshot taken; restoring 2 clones", "clone 1 of 2 done"]
    assert "[clone 1] written by the function" in done.err


def test_with_hooks_there_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, REPAIRED)
    arguments = (
        "run",
        "app.lambda_handler",
        "--path",
        tmp_path,
        "--clones",
        "3",
        "--event",
        '{"n": 1}',
        "--event",
        "{}",
    )
    document = command(capsys, *arguments, "--json").document
    assert [document[key] for key in ("handler", "path", "ok", "exit_code")] == [
        "app.lambda_handler",
        str(tmp_path),
        True,
        _errors.OK,
    ]
    (run,) = items(document["runs"])
    assert [run[key] for key in ("hooks", "backend", "error", "exit_code")] == [True, "namespace", None, 0]
    assert not [each for each in items(run["hazards"]) if each["severity"] == "error"]
    clones = items(run["clones"])
    assert [clone["index"] for clone in clones] == [0, 1, 2]
    answers = [mapping(each["response"]) for clone in clones for each in items(clone["invocations"])]
    assert [answer["event"] for answer in answers] == [{"n": 1}, {}] * 3
    assert len({answer["id"] for answer in answers}) == 6
    for clone in clones:
        after = mapping(clone["after_restore"])
        assert cast("float", after["duration_ms"]) < cast("float", after["limit_ms"]) == 10_000
        assert [hook["hook"] for hook in items(mapping(after["report"])["hooks"])] == ["app.reseed"]
        assert (clone["failure"], clone["error"]) == (None, None)


def test_both_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, REPAIRED)
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--clones", "2", "--compare")
    assert re.search(r"^hazard +without hooks +with hooks", done.out, re.MULTILINE)
    assert re.search(r"^repeated-random +app\.DICE +error +-", done.out, re.MULTILINE)
    assert re.search(r"^  app\.reseed .* ok +app\.py:6", done.out, re.MULTILINE)
    assert done.code == _errors.OK
    assert "without hooks: clone 1 of 2 done" in done.err
    assert "[with hooks: clone 0] written by the function" in done.err


def test_an_accepted_hazard_fails_nothing_and_a_stale_acceptance_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, REPAIRED)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.snapstart-hooks.hazards.accept]\n"repeated-*" = "a game"\n"open-connection" = "it was one"\n',
        encoding="utf-8",
    )
    arguments = ("run", "app.lambda_handler", "--path", tmp_path, "--clones", "2", "--without-hooks")
    done = command(capsys, *arguments)
    assert done.code == _errors.OK
    assert "accepted repeated-random  app.DICE" in done.out
    assert re.search(r"^  accepted +a game", done.out, re.MULTILINE)
    assert "open-connection" in done.out
    (run,) = items(command(capsys, *arguments, "--json").document["runs"])
    assert {hazard["accepted"] for hazard in items(run["hazards"])} == {"a game"}
    assert "open-connection" in cast("list[str]", run["notes"])[0]


def test_a_reason_is_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, REPAIRED)
    (tmp_path / "pyproject.toml").write_text('[tool.snapstart-hooks.hazards.accept]\n"x" = ""\n', encoding="utf-8")
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--clones", "2")
    assert done.code == _errors.USAGE
    assert "is no reason" in done.err


@pytest.mark.parametrize(
    ("source", "code", "told"),
    [
        ("1/0", _errors.INIT, "ZeroDivisionError: division by zero"),
        (
            "import snapstart_hooks\n@snapstart_hooks.before_snapshot\ndef close(): 1/0\ndef lambda_handler(e, c): ...",
            _errors.BEFORE_SNAPSHOT,
            "HooksFailed: before_snapshot: 1 of 1 hooks failed: app.close",
        ),
        (
            "import snapstart_hooks\n@snapstart_hooks.after_restore\ndef open(): 1/0\ndef lambda_handler(e, c): ...",
            _errors.AFTER_RESTORE,
            "HooksFailed: after_restore: 1 of 1 hooks failed: app.open",
        ),
        ("def lambda_handler(e, c): 1/0", _errors.INVOCATION, "ZeroDivisionError: division by zero"),
        ("import os\ndef lambda_handler(e, c): os._exit(7)", _errors.INVOCATION, "exit code 7"),
        (
            "import time\ndef lambda_handler(e, c): time.sleep(60)",
            _errors.INVOCATION,
            "still running after",
        ),
    ],
)
def test_what_goes_wrong_is_told_with_its_exit_code(
    source: str, code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, source)
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--clones", "1", "--timeout", "2")
    assert done.code == code
    assert told in done.out


def test_a_function_that_does_not_import_the_package_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "def lambda_handler(e, c): return 1")
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--clones", "2")
    assert done.code == _errors.OK
    assert "no hazard found" in done.out
    assert "Nothing that app.lambda_handler imports imports snapstart_hooks." in done.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--elapsed", "6h"], "--elapsed needs --clones N"),
        (["--dead-connections"], "--dead-connections needs --clones N"),
        (["--compare"], "--compare needs --clones N"),
        (["--clones", "0"], "--clones 0: it has to be 1 or more"),
        (["--clones", "2", "--compare", "--without-hooks"], "--without-hooks is one half of it"),
    ],
)
def test_options_that_do_not_fit_together(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, REPAIRED)
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, *arguments)
    assert (done.code, done.out) == (_errors.USAGE, "")
    assert told in done.err


@pytest.mark.parametrize(("given", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("6h", 21600), ("1D", 86400)])
def test_durations(given: str, seconds: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "import time\nT = time.time()\ndef lambda_handler(e, c): return time.time() - T")
    arguments = ("--clones", "1", "--elapsed", given, "--json")
    (run,) = items(command(capsys, "run", "app.lambda_handler", "--path", tmp_path, *arguments).document["runs"])
    ((invocation,),) = [items(clone["invocations"]) for clone in items(run["clones"])]
    assert seconds <= cast("float", invocation["response"]) < seconds + 30


def test_what_is_no_duration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--clones", "1", "--elapsed", "soon")
    assert "'soon' is no duration: give 90s, 15m, 6h or 1d" in capsys.readouterr().err
