"""The door to flake8: what it passes on, its reports and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from snapstart_hooks.cli import main
from snapstart_hooks.cli._flake8 import Alone
from snapstart_hooks.lint import RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

VALIDATOR = (
    "import sys\n"
    "from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif\n"
    "Sarif.model_validate_json(sys.stdin.read())\n"
)
"""The published schema as code; run apart, because it has no types."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.py").write_text("import uuid\nimport os  # flake8 would find this\nX = uuid.uuid4()\n")
    Path("good.py").write_text("X = 1\n")
    Path("broken.py").write_text("X = (\n")
    Path("tests").mkdir()
    Path("tests/unit.py").write_text("import uuid\nX = uuid.uuid4()\n")
    Path(".flake8").write_text("[flake8]\nignore = SSH\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good.py"], 0),
        (["bad.py"], 1),
        (["bad.py", "good.py"], 1),
        (["broken.py"], 2),
        (["bad.py", "broken.py"], 2),
        (["nowhere.py"], 2),
        (["tests"], 0),
        (["tests", "--include-all"], 1),
        (["bad.py", "--ignore", "SSH1"], 0),
        (["bad.py", "--output", "no/such/folder"], 2),
        (["--list-rules"], 0),
    ],
)
def test_exit_codes(arguments: Sequence[str], code: int) -> None:
    assert main(["lint", *arguments]) == code


def test_the_current_folder_is_looked_at_without_the_findings_of_others(capfd: pytest.CaptureFixture[str]) -> None:
    Path("broken.py").unlink()
    assert main(["lint"]) == 1
    (line,) = capfd.readouterr().out.splitlines()
    assert line.startswith("./bad.py:3:5: SSH101 ")


def test_what_packagers_installed_in_a_build_is_not_the_users(capfd: pytest.CaptureFixture[str]) -> None:
    build = Path("build")
    (build / "acme-1.dist-info").mkdir(parents=True)
    (build / "acme-1.dist-info" / "RECORD").write_text("../../bin/acme,,\nacme/__init__.py,,\nacme_more.py,,\n")
    (build / "acme").mkdir()
    for name in ("acme/__init__.py", "acme_more.py", "app.py"):
        (build / name).write_text("import uuid\nX = uuid.uuid4()\n")
    assert main(["lint", "build"]) == 1
    assert [line.partition(":")[0] for line in capfd.readouterr().out.splitlines()] == ["build/app.py"]
    assert main(["lint", "--include-all", "build"]) == 1
    assert len(capfd.readouterr().out.splitlines()) == 3
    build = build.rename("acme build, [2]")  # flake8 would take each word of it for a pattern
    assert main(["lint", str(build)]) == 1
    assert [line.partition(":")[0] for line in capfd.readouterr().out.splitlines()] == [f"{build}/app.py"]
    (build / "acme-1.dist-info" / "direct_url.json").write_text('{"dir_info": {}, "url": "file:///home/me/acme"}')
    assert main(["lint", str(build)]) == 1
    assert len(capfd.readouterr().out.splitlines()) == 3  # it was installed from a folder: it is the user's own


def test_no_other_checker_runs() -> None:
    application = Alone(sarif=False)
    application.run(["--isolated", "--select=SSH", "good.py"])
    assert application.plugins is not None
    tree, logical, physical = application.plugins.checkers
    assert [one.entry_name for one in tree] == ["SSH"]
    assert not logical
    assert not physical


def test_every_rule_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["lint", "--list-rules"])
    assert capsys.readouterr().out.splitlines() == [f"{rule.code}  {rule.title}" for rule in RULES.values()]


def test_github_shows_findings_beside_the_code(capfd: pytest.CaptureFixture[str]) -> None:
    main(["lint", "--format", "github", "bad.py"])
    assert capfd.readouterr().out.startswith("::warning file=bad.py,line=3,col=5,title=SSH101::id from before")


def test_sarif_is_as_its_schema_says() -> None:
    Path("my file.py").write_text("import uuid\nX = uuid.uuid4()\n")
    assert main(["lint", "--format", "sarif", "--output", "lint.sarif", "bad.py", "my file.py", "broken.py"]) == 2
    log = Path("lint.sarif").read_text()
    subprocess.run([sys.executable, "-c", VALIDATOR], input=log, text=True, check=True)
    (run,) = json.loads(log)["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(RULES)
    places = [(one["ruleId"], one["level"], one["locations"][0]["physicalLocation"]) for one in run["results"]]
    assert [(code, level, place["artifactLocation"]["uri"], place["region"]) for code, level, place in places] == [
        ("SSH101", "warning", "bad.py", {"startLine": 3, "startColumn": 5}),
        ("E999", "error", "broken.py", {"startLine": 1, "startColumn": 6}),
        ("SSH101", "warning", "my%20file.py", {"startLine": 2, "startColumn": 5}),
    ]


def test_an_old_report_is_replaced() -> None:
    for _ in range(2):
        main(["lint", "--output", "report.txt", "bad.py"])
    assert len(Path("report.txt").read_text().splitlines()) == 1


def test_without_flake8_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delitem(sys.modules, "snapstart_hooks.cli._flake8", raising=False)
    monkeypatch.setitem(sys.modules, "flake8.main.application", None)
    assert main(["lint", "bad.py"]) == 2
    assert "pip install 'snapstart-hooks[lint]'" in capsys.readouterr().err
