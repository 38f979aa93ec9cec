"""The reports for programs: JSON, SARIF 2.1.0, GitHub's workflow commands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from snapstart_hooks.lint._rules import RULES
from snapstart_hooks.lint._text import summary

if TYPE_CHECKING:
    from snapstart_hooks.lint._model import Finding, LintReport, Problem
    from snapstart_hooks.lint._rules import Rule

__all__ = ("render_github", "render_json", "render_sarif")

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def render_json(report: LintReport) -> str:
    """One object: ``version``, ``findings``, ``problems`` and ``summary``; all lines and columns count from 1."""
    return _dump(
        {
            "version": 1,
            "findings": [
                {
                    "path": one.path,
                    "line": one.line,
                    "column": one.column,
                    "end_line": one.end_line,
                    "end_column": one.end_column,
                    "code": one.code,
                    "name": one.name,
                    "severity": one.severity.value,
                    "message": one.message,
                    "remedy": one.remedy,
                }
                for one in report.findings
            ],
            "problems": [
                {"path": one.path, "line": one.line, "column": one.column, "message": one.message}
                for one in report.problems
            ],
            "summary": {
                "files": report.files,
                "lines": report.lines,
                "excluded": report.excluded,
                "suppressed": report.suppressed,
                "below_severity": report.below,
                "seconds": round(report.seconds, 3),
                "exit_code": report.exit_code,
            },
        }
    )


def render_sarif(report: LintReport) -> str:
    """A SARIF 2.1.0 log with one run: all rules, the findings, and files that could not be checked as notifications."""
    index = {one.code: position for position, one in enumerate(RULES)}
    return _dump(
        {
            "$schema": _SCHEMA,
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {"driver": {"name": "snapstart-hooks lint", "rules": [_sarif_rule(one) for one in RULES]}},
                    "columnKind": "unicodeCodePoints",
                    "invocations": [
                        {
                            "executionSuccessful": not report.problems,
                            "exitCode": report.exit_code,
                            "toolExecutionNotifications": [_sarif_problem(one) for one in report.problems],
                        }
                    ],
                    "results": [_sarif_result(one, index[one.code]) for one in report.findings],
                }
            ],
        }
    )


def _sarif_rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": f"{rule.summary}."},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.remedy},
        "defaultConfiguration": {"level": rule.severity.value},
        "properties": {"group": rule.group, "docs": rule.anchor},
    }


def _sarif_result(finding: Finding, index: int) -> dict[str, object]:
    region = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
    }
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": finding.severity.value,
        "message": {"text": f"{finding.message}. {finding.remedy}"},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(finding.path), "region": region}}],
    }


def _sarif_problem(problem: Problem) -> dict[str, object]:
    place: dict[str, object] = {"artifactLocation": _artifact(problem.path)}
    if problem.line:
        place["region"] = {"startLine": problem.line, "startColumn": max(problem.column, 1)}
    return {"level": "error", "message": {"text": problem.message}, "locations": [{"physicalLocation": place}]}


def _artifact(path: str) -> dict[str, object]:
    if path.startswith("/"):
        return {"uri": f"file://{quote(path)}"}
    return {"uri": quote(path.removeprefix("./"))}


def render_github(report: LintReport) -> str:
    """Workflow commands, which GitHub shows beside the lines of a pull request, and the summary."""
    lines = [_github_finding(one) for one in report.findings]
    for problem in report.problems:
        where = f",line={problem.line},col={max(problem.column, 1)}" if problem.line else ""
        lines.append(f"::error file={_property(problem.path)}{where},title=not checked::{_message(problem.message)}")
    return "\n".join([*lines, summary(report)]) + "\n"


def _github_finding(one: Finding) -> str:
    level = "notice" if one.severity.value == "note" else one.severity.value
    place = f"file={_property(one.path)},line={one.line},endLine={one.end_line}"
    if one.end_line == one.line:  # GitHub takes columns within one line only
        place += f",col={one.column},endColumn={one.end_column}"
    return f"::{level} {place},title={_property(f'{one.code} {one.name}')}::{_message(f'{one.message}. {one.remedy}')}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def _dump(value: dict[str, object]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
