"""The command as a whole: help, what is missing, and the process that it is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli.samples import command, write

from snapstart_hooks import __version__
from snapstart_hooks.cli import COMMANDS, _errors, main

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCRIPT = [str(Path(sysconfig.get_path("scripts")) / "snapstart-hooks")]
MODULE = [sys.executable, "-m", "snapstart_hooks"]


def start(
    prefix: Sequence[str], *arguments: object, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(variables or {})},
    )


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 0
    return capsys.readouterr().out


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(capsys, "--help")
    for name, (_, what) in COMMANDS.items():
        assert f"    {name}" in told
        assert what in " ".join(told.split())
    assert "examples:" in told


@pytest.mark.parametrize(
    ("name", "codes"), [("plan", [0, 2, 3]), ("run", [0, 1, 2, 3, 4, 64, 65]), ("audit", [0, 2, 3, 4, 64])]
)
def test_help_teaches(name: str, codes: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(capsys, name, "--help")
    assert f"  snapstart-hooks {name} app.lambda_handler" in told
    assert "NO_COLOR" in told
    for code in codes:
        assert _errors.EXIT_CODES[code] in told


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "--version") == f"snapstart-hooks {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["plan"],
        ["run", "app.x", "--timeout", "soon"],
        ["run", "app.x", "--timeout=-1"],
        ["run", "app.x", "--timeout", "nan"],
        ["run", "app:x"],
        ["run", "./app.x"],
        ["plan", ".app.x"],
        ["plan", "app.x", "--path", ""],
    ],
)
def test_wrong_arguments_are_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: snapstart-hooks" in capsys.readouterr().err


@pytest.mark.parametrize("subcommand", ["plan", "run"])
@pytest.mark.parametrize("package", ["awslambdaric", "rich"])
def test_a_missing_package_tells_what_to_install(
    package: str, subcommand: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "snapstart_hooks.cli._console", raising=False)  # as in a new process
    done = command(capsys, subcommand, "app.lambda_handler", "--path", tmp_path)
    assert (done.code, done.out) == (2, "")
    assert package in done.err
    assert "pip install 'snapstart-hooks[cli]'" in done.err
    if package == "rich":
        done = command(capsys, subcommand, "app.lambda_handler", "--path", tmp_path, "--json")
        assert done.code == 0
        assert done.document["ok"] is True


# In processes.


@pytest.mark.parametrize("prefix", [SCRIPT, MODULE], ids=["script", "module"])
def test_standard_output_holds_the_report_alone(prefix: list[str], tmp_path: Path) -> None:
    write(
        tmp_path,
        """\
        import atexit, os, subprocess, sys, threading
        print("at import")
        atexit.register(print, "at exit")
        threading.Thread(target=threading.Event().wait).start()
        def lambda_handler(event, context):
            print("printed")
            print("complained", file=sys.stderr)
            os.write(1, b"from C\\n")
            subprocess.run(["echo", "of a child"], check=True)
            sys.__stdout__.write("past us\\n")
            return "done"
        """,
    )
    done = start(prefix, "run", "app.lambda_handler", "--path", tmp_path, "--json")
    assert done.returncode == 0  # in spite of the thread, which never ends
    assert json.loads(done.stdout)["invocations"][0]["response"] == "done"
    for line in ("at import", "printed", "complained", "from C", "of a child", "past us", "at exit"):
        assert line in done.stderr.splitlines()


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("raise ValueError\n", 3),
        ("def lambda_handler(event, context): raise ValueError\n", 1),
        ("from snapstart_hooks import *\nbefore_snapshot(open)('x')\ndef lambda_handler(event, context): ...\n", 3),
        (
            "from snapstart_hooks import *\n@before_snapshot\ndef f(): 1/0\ndef lambda_handler(event, context): ...\n",
            64,
        ),
        ("from snapstart_hooks import *\n@after_restore\ndef f(): 1/0\ndef lambda_handler(event, context): ...\n", 65),
    ],
)
def test_exit_codes_are_those_of_the_process(source: str, code: int, tmp_path: Path) -> None:
    write(tmp_path, source)
    assert start(MODULE, "run", "app.lambda_handler", "--path", tmp_path).returncode == code


def test_a_reader_that_has_seen_enough_is_no_traceback(tmp_path: Path) -> None:
    write(tmp_path)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*MODULE, "plan", "app.lambda_handler", "--path", str(tmp_path)],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.once
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_streams_that_take_nothing_or_little_are_no_traceback(tmp_path: Path) -> None:
    write(
        tmp_path,
        "import snapstart_hooks\n@snapstart_hooks.after_restore\ndef ré(): ...\ndef lambda_handler(e, c): return 'é'\n",
    )
    plan = [*MODULE, "plan", "app.lambda_handler", "--path", str(tmp_path)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(plan, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == "snapstart-hooks plan: the report cannot be written: No space left on device\n"
    with Path("/dev/full").open("w") as full:
        version = [*MODULE, "--version"]
        done = subprocess.run(version, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == "snapstart-hooks --version: the report cannot be written: No space left on device\n"
    ascii_only = start(plan, variables={"PYTHONIOENCODING": "ascii"})
    assert (ascii_only.returncode, r"app.r\xe9" in ascii_only.stdout) == (0, True), ascii_only.stderr
    closed = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", *plan], stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    assert (closed.returncode, closed.stderr) == (0, "")


def test_colours_are_for_those_who_want_them(tmp_path: Path) -> None:
    write(tmp_path)
    arguments = "plan", "app.lambda_handler", "--path", tmp_path
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    plain = start(MODULE, *arguments).stdout
    assert "\x1b[" not in plain
    coloured = subprocess.run(
        [*MODULE, "run", "app.missing", "--path", str(tmp_path)],
        env={**environment, "FORCE_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout
    assert "\x1b[1;31m" in coloured
    without = start(MODULE, "run", "app.missing", "--path", tmp_path, variables={"FORCE_COLOR": "1"}).stdout
    assert ";31m" not in without


def test_the_page_lists_every_exit_code() -> None:
    page = (Path(__file__).parents[2] / "docs" / "command.md").read_text(encoding="utf-8")
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)] == sorted(_errors.EXIT_CODES)
