"""The plugin as flake8 loads it: files, configuration and `# noqa` are flake8's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TEXT = "import uuid\n\nONE = uuid.uuid4()\nTWO = uuid.uuid4()  # noqa: SSH101 names the version\n"


def flake8(*arguments: str, text: str | None = None) -> tuple[int, list[str]]:
    command = [sys.executable, "-m", "flake8", "--jobs=1", *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert not done.stderr
    return done.returncode, done.stdout.splitlines()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("app.py").write_text(TEXT)


@pytest.mark.once
def test_flake8_finds_it_and_heeds_noqa_and_configuration() -> None:
    code, (line,) = flake8("app.py")  # a plugin's codes are selected unless told otherwise
    assert code == 1
    assert line.startswith("app.py:3:7: SSH101 id from before the snapshot")
    assert len(flake8("--select=SSH", "--disable-noqa", "app.py")[1]) == 2
    Path(".flake8").write_text("[flake8]\nper-file-ignores =\n    app.py: SSH1\n")
    assert flake8("app.py") == (0, [])


@pytest.mark.once
def test_editors_ask_about_text_that_is_not_saved() -> None:
    code, lines = flake8("--select=SSH", "--stdin-display-name", "app.py", "-", text=TEXT.replace("ONE", "THREE"))
    assert code == 1
    assert "`THREE`" in lines[0]


def test_pre_commit_runs_what_is_installed() -> None:
    hook = (Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text()
    assert "entry: snapstart-hooks lint" in hook
    assert "additional_dependencies: [flake8>=7.1]" in hook
