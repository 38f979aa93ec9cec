"""The four reports."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from snapstart_hooks.lint import (
    RULES,
    LintReport,
    Severity,
    check_paths,
    render_github,
    render_json,
    render_sarif,
    render_text,
)

VALIDATOR = (
    "import sys\n"
    "from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif\n"
    "Sarif.model_validate_json(sys.stdin.read())\n"
)
"""The published schema as code; run apart, because it has no types."""

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None


def at(value: Json, *way: str | int) -> Json:
    """An item deep in a JSON document."""
    for step in way:
        if isinstance(step, int):
            assert isinstance(value, Sequence)
            value = value[step]
        else:
            assert isinstance(value, Mapping)
            value = value[step]
    return value


def complaint(sarif: str) -> str:
    """What the schema finds wrong with a SARIF log; ``""`` if nothing."""
    done = subprocess.run(
        [sys.executable, "-c", VALIDATOR], input=sarif, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == bool(done.stderr)
    return done.stderr


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LintReport:
    monkeypatch.chdir(tmp_path)
    Path("my app.py").write_text("import uuid\n\n\tif = 1\n")
    Path("app.py").write_text(
        'import time\nimport uuid\n\nclass A:\n\tNAME = "名: " + uuid.uuid4().hex\n'
        "NOW = dict(\n    now=time.time(\n    )\n)\n",
        encoding="utf-8",
    )
    return check_paths(["."])


def test_text_shows_line_and_caret_even_after_tabs_and_wide_letters(report: LintReport) -> None:
    lines = render_text(report).splitlines()
    assert lines[0] == "app.py"
    assert lines[1].startswith("  5:17  SSH101 error  `uuid.uuid4()` runs once")
    assert lines[2] == '    5 | NAME = "名: " + uuid.uuid4().hex'
    assert lines[3] == "      | " + " " * 16 + "^" * 12
    assert lines[4].startswith("      = Make it in the function")
    assert "    7 | now=time.time(" in lines
    assert "      |     ^^^^^^^^^^" in lines
    assert lines[-3].startswith("my app.py:3:1: not checked: syntax error:")
    assert lines[-1] == "1 error, 1 warning in 1 file; 1 could not be checked."


def test_text_has_colours_only_if_asked(report: LintReport) -> None:
    assert "\x1b[" not in render_text(report)
    assert "\x1b[31mSSH101 error\x1b[0m" in render_text(report, colour=True)


def test_text_of_nothing_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    assert render_text(check_paths([tmp_path])) == "Nothing found in 1 file.\n"


def test_json(report: LintReport) -> None:
    document: Json = json.loads(render_json(report))
    assert at(document, "version") == 1
    assert at(document, "findings", 0) == {
        "path": "app.py",
        "line": 5,
        "column": 17,
        "end_line": 5,
        "end_column": 29,
        "code": "SSH101",
        "name": "id-at-import",
        "severity": "error",
        "message": report.findings[0].message,
        "remedy": report.findings[0].remedy,
    }
    assert at(document, "problems", 0, "path") == "my app.py"
    assert at(document, "summary", "files") == 1
    assert at(document, "summary", "exit_code") == 2


def test_sarif_fits_the_schema_and_says_the_same(report: LintReport) -> None:
    text = render_sarif(report)
    assert complaint(text) == ""
    document: Json = json.loads(text)
    assert at(document, "version") == "2.1.0"
    rules = at(document, "runs", 0, "tool", "driver", "rules")
    assert [at(rules, number, "id") for number in range(len(RULES))] == [rule.code for rule in RULES]
    result = at(document, "runs", 0, "results", 0)
    index = at(result, "ruleIndex")
    assert isinstance(index, int)
    assert at(rules, index, "id") == at(result, "ruleId") == "SSH101"
    assert at(result, "level") == "error"
    place = at(result, "locations", 0, "physicalLocation")
    assert at(place, "artifactLocation", "uri") == "app.py"
    assert at(place, "region") == {"startLine": 5, "startColumn": 17, "endLine": 5, "endColumn": 29}
    invocation = at(document, "runs", 0, "invocations", 0)
    assert at(invocation, "executionSuccessful") is False
    notification = at(invocation, "toolExecutionNotifications", 0)
    assert at(notification, "locations", 0, "physicalLocation", "artifactLocation", "uri") == "my%20app.py"


def test_the_schema_would_refuse_a_wrong_report(report: LintReport) -> None:
    wrong = render_sarif(report).replace('"startLine": 5', '"startLine": 0')
    assert "greater_than_equal" in complaint(wrong)
    assert "extra_forbidden" in complaint(render_sarif(report).replace('"ruleIndex"', '"ruleNumber"'))


def test_sarif_of_an_absolute_path_is_a_file_address(tmp_path: Path) -> None:
    (tmp_path / "a b.py").write_text("import uuid\nX = uuid.uuid4()\n")
    document: Json = json.loads(render_sarif(check_paths([tmp_path])))
    uri = at(document, "runs", 0, "results", 0, "locations", 0, "physicalLocation", "artifactLocation", "uri")
    assert uri == (tmp_path / "a b.py").as_uri()


def test_github_commands_are_one_line_each_and_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a,b.py").write_text('import time, uuid\nX = f"100%{uuid.uuid4()}"\nY = dict(\n    t=time.time(\n    )\n)\n')
    lines = render_github(check_paths(["a,b.py"])).splitlines()
    assert lines[0].startswith("::error file=a%2Cb.py,line=2,endLine=2,col=12,endColumn=24,title=SSH101 id-at-import::")
    assert lines[1].startswith("::warning file=a%2Cb.py,line=4,endLine=5,title=SSH301 time-at-import::")
    assert lines[2] == "1 error, 1 warning in 1 file."


def test_github_has_problems_too(report: LintReport) -> None:
    assert "::error file=my app.py,line=3,col=1,title=not checked::syntax error" in render_github(report)


def test_severities_are_the_words_of_sarif() -> None:
    assert [one.value for one in sorted(Severity, key=lambda one: one.rank)] == ["error", "warning", "note"]
