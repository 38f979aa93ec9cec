"""The command, by itself and mounted into another."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from snapstart_hooks.lint import RULES, add_arguments, main, run


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("bad.py").write_text("import random, uuid\nX = uuid.uuid4()\nrandom.seed(5)\n")
    Path("good.py").write_text("X = 1\n")
    Path("broken.py").write_text("X = (\n")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good.py"], 0),
        (["bad.py"], 1),
        (["bad.py", "good.py"], 1),
        (["broken.py"], 2),
        (["bad.py", "broken.py"], 2),
        (["nowhere.py"], 2),
        ([], 2),
        (["bad.py", "--ignore", "SSH101"], 0),
        (["bad.py", "--select", "SSH5,SSH6"], 0),
        (["bad.py", "--select", "ssh101"], 1),
        (["bad.py", "--select", "SSH202", "--severity", "note"], 1),
        (["bad.py", "--select", "nonsense"], 2),
        (["--explain", "nonsense"], 2),
        (["--explain", "ssh101"], 0),
        (["--explain", "id-at-import"], 0),
        (["--list-rules"], 0),
        (["bad.py", "--config", "none.toml"], 2),
        (["bad.py", "--output", "no/such/folder"], 2),
    ],
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    assert main(arguments) == code


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.py"], "snapstart-hooks lint: nowhere.py does not exist."),
        (["bad.py", "--ignore", "SSH10x"], "--ignore: no rule begins with 'SSH10x'. Is SSH10"),
        (["--explain", "SSH999"], "there is no rule 'SSH999'"),
    ],
)
def test_wrong_usage_is_explained_on_standard_error(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert says in output.err


def test_unknown_options_end_with_2() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--nonsense"])
    assert ended.value.code == 2


def test_can_be_mounted_as_a_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser(prog="snapstart-hooks")
    add_arguments(parser.add_subparsers(dest="command").add_parser("lint"))
    assert run(parser.parse_args(["lint", "bad.py", "--format", "json"])) == 1
    assert json.loads(capsys.readouterr().out)["findings"][0]["code"] == "SSH101"


def test_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "snapstart_hooks.lint", "bad.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "bad.py" in done.stdout
    assert done.stderr == ""  # no progress: this is no terminal


def test_lists_and_explains_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [rule.code for rule in RULES]
    for rule in RULES:
        assert main(["--explain", rule.code]) == 0
        text = capsys.readouterr().out
        assert rule.why in text
        assert rule.remedy in text
        assert all(line in text for line in rule.wrong.splitlines())


def test_says_what_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bad.py", "--ignore", "SSH101"]) == 0
    assert capsys.readouterr().out == (
        "Nothing found in 1 file; 1 less severe not shown (--severity note); 1 suppressed.\n"
    )


def test_writes_to_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bad.py", "--format", "sarif", "--output", "out.sarif"]) == 1
    assert capsys.readouterr().out == ""
    assert json.loads(Path("out.sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"


def test_settings_of_the_project_are_used_and_the_command_line_wins() -> None:
    Path("pyproject.toml").write_text('[tool.snapstart-hooks.lint]\nselect = ["SSH5"]\n')
    assert main(["bad.py"]) == 0
    assert main(["bad.py", "--select", "SSH1"]) == 1


def test_includes_tests_if_asked() -> None:
    Path("tests").mkdir()
    Path("tests/test_a.py").write_text("import uuid\nX = uuid.uuid4()\n")
    Path("broken.py").unlink()
    Path("bad.py").unlink()
    assert main(["."]) == 0
    assert main([".", "--include-all"]) == 1


def test_imports_nothing_else_of_the_package() -> None:
    script = (
        "import sys; before = set(sys.modules); import snapstart_hooks.lint; "
        "print([n for n in sys.modules if n.startswith('snapstart_hooks.') and '.lint' not in n and n not in before])"
    )
    plain = "import sys; import snapstart_hooks; print([n for n in sys.modules if n.startswith('snapstart_hooks.')])"
    with_lint, without = (
        subprocess.run([sys.executable, "-c", one], capture_output=True, text=True, check=True).stdout
        for one in (script, plain)
    )
    assert with_lint == without  # the parent package imports itself, and that is all
