"""The report for people: by file, with the source line and a caret under the place."""

from __future__ import annotations

import unicodedata
from itertools import groupby
from typing import TYPE_CHECKING, Final

from snapstart_hooks.lint._model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from snapstart_hooks.lint._model import Finding, LintReport

__all__ = ("render_text", "summary")

_COLOURS: Final = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}


def render_text(report: LintReport, *, colour: bool = False) -> str:
    """The whole report; `colour` adds ANSI colours."""
    return "\n".join(_lines(report, colour=colour)) + "\n"


def _lines(report: LintReport, *, colour: bool) -> Iterator[str]:
    for path, findings in groupby(report.findings, key=lambda one: one.path):
        yield _paint(path, "1", colour=colour)
        for finding in findings:
            yield from _finding(finding, colour=colour)
        yield ""
    for problem in report.problems:
        place = f"{problem.path}:{problem.line}:{problem.column}" if problem.line else problem.path
        yield f"{_paint(place, '1', colour=colour)}: {_paint('not checked', '31', colour=colour)}: {problem.message}"
    if report.problems:
        yield ""
    yield summary(report)


def _finding(finding: Finding, *, colour: bool) -> Iterator[str]:
    label = _paint(f"{finding.code} {finding.severity.value}", _COLOURS[finding.severity], colour=colour)
    yield f"  {finding.line}:{finding.column}  {label}  {finding.message}"
    number = str(finding.line)
    text = finding.source.expandtabs(4)
    start = len(finding.source[: finding.column - 1].expandtabs(4))
    end = len(finding.source[: finding.end_column - 1].expandtabs(4)) if finding.end_line == finding.line else len(text)
    indent = len(text) - len(text.lstrip())
    carets = "^" * max(1, _width(text[start:end].rstrip()))
    yield f"    {number} | {text[indent:].rstrip()}"
    marked = " " * _width(text[indent:start]) + _paint(carets, _COLOURS[finding.severity], colour=colour)
    yield f"    {' ' * len(number)} | {marked}"
    yield f"    {' ' * len(number)} = {finding.remedy}"


def summary(report: LintReport) -> str:
    """What was checked and found, in one line."""
    counts = [
        f"{count} {severity.value}{'s' * (count != 1)}"
        for severity in Severity
        if (count := sum(one.severity is severity for one in report.findings))
    ]
    files = f"{report.files} file{'s' * (report.files != 1)}"
    parts = [f"{', '.join(counts) or 'Nothing found'} in {files}"]
    if report.problems:
        parts.append(f"{len(report.problems)} could not be checked")
    if report.below:
        parts.append(f"{report.below} less severe not shown (--severity note)")
    if report.suppressed:
        parts.append(f"{report.suppressed} suppressed")
    if report.excluded:
        parts.append(f"{report.excluded} files left out (tests and the like; --include-all)")
    return "; ".join(parts) + "."


def _width(text: str) -> int:
    """The columns that a terminal needs."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _paint(text: str, colour_code: str, *, colour: bool) -> str:
    return f"\x1b[{colour_code}m{text}\x1b[0m" if colour else text
