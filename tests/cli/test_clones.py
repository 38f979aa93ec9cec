"""``run --clones``: what a restore does to a function, and what its hooks are good for."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from typing import TYPE_CHECKING, cast

import pytest
from cli.samples import command, items, mapping, write
from testing.clone_helpers import namespace_only

from snapstart_hooks.cli import _arguments, _errors

if TYPE_CHECKING:
    from collections.abc import Iterator
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


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A server that answers whatever it is sent; its port."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(connection: socket.socket) -> None:
        with connection, contextlib.suppress(ConnectionError):  # as clones end
            while connection.recv(100):
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


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
    assert [run[key] for key in ("hooks", "ok", "failures", "exit_code")] == [True, True, [], 0]
    assert run["backend"] in ("namespace", "criu")
    assert not [each for each in items(run["hazards"]) if each["severity"] == "error"]
    clones = items(run["clones"])
    assert [clone["index"] for clone in clones] == [0, 1, 2]
    answers = [mapping(each["response"]) for clone in clones for each in items(clone["invocations"])]
    assert [answer["event"] for answer in answers] == [{"n": 1}, {}] * 3
    assert len({answer["id"] for answer in answers}) == 6
    for clone in clones:
        assert cast("float", clone["after_seconds"]) < 10
        assert [hook["hook"] for hook in items(mapping(clone["after_report"])["hooks"])] == ["app.reseed"]
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
        (
            "import time, snapstart_hooks as s\n@s.after_restore\ndef o(): time.sleep(60)\ndef lambda_handler(e, c): 0",
            _errors.AFTER_RESTORE,
            "still running after",
        ),
    ],
)
def test_what_goes_wrong_is_told_with_its_exit_code(
    source: str, code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, source)
    timeout = "2" if "sleep" in source else "30"
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--clones", "1", "--timeout", timeout)
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
        (["--clones", "0"], "--clones 0: give 1 or more"),
        (["--clones", "2", "--compare", "--without-hooks"], "Leave out --without-hooks"),
    ],
)
def test_options_that_do_not_fit_together(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, REPAIRED)
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, *arguments)
    assert (done.code, done.out) == (_errors.USAGE, "")
    assert told in done.err


@pytest.mark.parametrize(("given", "seconds"), [("90s", 90), ("1.5m", 90), ("6h", 21600), ("1D", 86400)])
def test_durations(given: str, seconds: float) -> None:
    assert _arguments.duration(given) == seconds


def test_clones_are_restored_later(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "import time\nT = time.time()\ndef lambda_handler(e, c): return time.time() - T")
    arguments = ("--clones", "1", "--elapsed", "6h", "--json")
    (run,) = items(command(capsys, "run", "app.lambda_handler", "--path", tmp_path, *arguments).document["runs"])
    ((invocation,),) = [items(clone["invocations"]) for clone in items(run["clones"])]
    assert 21_600 <= cast("float", invocation["response"]) < 21_630


@pytest.mark.parametrize(("given", "told"), [("soon", ""), ("6", ", with its unit")])
def test_what_is_no_duration(given: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--clones", "1", "--elapsed", given)
    assert f"'{given}' is not a duration: give 90s, 15m, 6h or 1d{told}\n" in capsys.readouterr().err


def test_a_failure_that_only_clones_have_is_an_error_that_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = """\
        import os, socket
        PEER = socket.create_connection(("127.0.0.1", int(os.environ["PEER"])))
        def lambda_handler(event, context):
            try:
                PEER.sendall(b"query")
                return {"statusCode": 200, "body": PEER.recv(10).decode()}
            except OSError as error:
                return {"statusCode": 503, "body": type(error).__name__}
    """
    write(tmp_path, source)
    with answering(b"rows") as port, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PEER", str(port))
        arguments = ("run", "app.lambda_handler", "--path", tmp_path, "--clones", "2")
        done = command(capsys, *arguments)
        alive = command(capsys, *arguments, "--live-connections", "--timeout", "2")  # one may read what the other asked
    assert done.code == _errors.HAZARDS
    assert "error failed-after-restore  event\n" in done.out
    assert re.search(r"both clones: it answered .*503.* never restored answered .*200.*rows", done.out)
    assert f"error open-connection  tcp 127.0.0.1:{port}\n" in done.out
    assert f"error open-connection  tcp 127.0.0.1:{port}\n" in alive.out  # for all share it


def test_what_hangs_is_shown_with_its_stack_and_its_hazards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = """\
        import random, threading
        random.random()
        done = threading.Event()
        threading.Thread(target=lambda: done.wait(600) and 0, name="waiter", daemon=True).start()
        def lambda_handler(event, context):
            threading.Event().wait()
    """
    write(tmp_path, source)
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--clones", "2", "--timeout", "3")
    assert done.code == _errors.INVOCATION
    assert "error repeated-random  random (module-level generator)" in done.out
    assert re.search(r'^  File ".*app.py", line 6 in lambda_handler', done.out, re.MULTILINE)


def test_fork_says_what_it_cannot_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, REPAIRED)
    arguments = ("--clones", "2", "--backend", "fork", "--without-hooks")
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, *arguments)
    assert "backend fork\n" in done.out
    assert "not shown: CPython gives `random` a new state" in done.out


def test_a_warning_fails_the_command_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "import subprocess\nsubprocess.Popen(['sleep', '60'])\ndef lambda_handler(e, c): return 1")
    arguments = ("run", "app.lambda_handler", "--path", tmp_path, "--clones", "1")
    assert command(capsys, *arguments).code == _errors.OK
    done = command(capsys, *arguments, "--fail-on", "warning")
    assert done.code == _errors.HAZARDS
    assert "warning child-process  process sleep" in done.out
    assert not [line for line in done.out.splitlines() if line != line.rstrip()]


def test_a_function_that_cannot_be_imported_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "def load(): raise LookupError('no such table')\nload()")
    done = command(capsys, "run", "app.lambda_handler", "--path", tmp_path, "--clones", "2", "--compare")
    assert done.code == _errors.INIT
    assert (done.out + done.err).count("no such table") == 1 + 1  # the error, and the line that raised it
    assert "importlib" not in done.out + done.err
    assert "LAMBDA_WARNING" not in done.out + done.err
