"""What a lint run gives: findings, problems, and the report that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ("Finding", "LintReport", "Problem", "Severity")


class Severity(StrEnum):
    """How bad a finding is. SARIF and GitHub use the same three words."""

    ERROR = "error"
    """Wrong under SnapStart: clones share what must differ, or code does not run."""
    WARNING = "warning"
    """Wrong unless something outside the file makes up for it."""
    NOTE = "note"
    """Worth knowing, often intended. Not shown and not counted unless asked for."""

    @property
    def rank(self) -> int:
        """0 for the worst; sorts and compares severities."""
        return ("error", "warning", "note").index(self.value)


@dataclass(frozen=True, slots=True)
class Finding:
    """One place in one file that breaks a rule.

    Attributes:
        path: The file, as it was named or found, with forward slashes.
        line: First line, from 1.
        column: First column, from 1, counted in characters.
        end_line: Last line.
        end_column: The column after the last character.
        code: The rule's code, ``SSH101``.
        name: The rule's name, ``id-at-import``.
        severity: How bad it is.
        message: What is wrong here, with the offending expression.
        remedy: What to do about it.
        source: The text of the first line.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    code: str
    name: str
    severity: Severity
    message: str
    remedy: str
    source: str

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """The order of reports: file, place, code."""
        return self.path, self.line, self.column, self.code, self.message


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that could not be checked.

    Attributes:
        path: The file.
        line: Where reading it failed, from 1; 0 if it failed as a whole.
        column: As `line`.
        message: Why.
    """

    path: str
    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class LintReport:
    """The result of `check_paths`.

    Attributes:
        findings: What is shown and counted, in order of file and place.
        problems: Files that could not be read or parsed, in the same order.
        files: How many files were checked.
        lines: How many lines they have.
        excluded: How many Python files were found but left out (tests, `exclude`).
        suppressed: How many findings comments and settings silenced.
        below: How many findings are less severe than what was asked for.
        seconds: How long the run took.
    """

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    files: int
    lines: int
    excluded: int
    suppressed: int
    below: int
    seconds: float

    @property
    def exit_code(self) -> int:
        """0: nothing found; 1: findings; 2: something could not be checked."""
        if self.problems:
            return 2
        return 1 if self.findings else 0
