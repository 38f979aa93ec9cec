"""The static companion: finds in the source what breaks under AWS Lambda SnapStart.

::

    snapstart-hooks lint src            # or python -m snapstart_hooks.lint src

    from snapstart_hooks.lint import check_paths

    report = check_paths(["src"])
    for finding in report.findings:
        print(finding.path, finding.line, finding.code, finding.message)

It imports nothing else of this package and runs nothing of what it reads.
``docs/lint.md`` has all rules.
"""

from __future__ import annotations

from snapstart_hooks.lint._check import check_paths, check_text
from snapstart_hooks.lint._command import add_arguments, main, run
from snapstart_hooks.lint._config import ConfigError, LintConfig, read_config
from snapstart_hooks.lint._formats import render_github, render_json, render_sarif
from snapstart_hooks.lint._model import Finding, LintReport, Problem, Severity
from snapstart_hooks.lint._rules import RULES, Rule
from snapstart_hooks.lint._text import render_text

__all__ = (
    "RULES",
    "ConfigError",
    "Finding",
    "LintConfig",
    "LintReport",
    "Problem",
    "Rule",
    "Severity",
    "add_arguments",
    "check_paths",
    "check_text",
    "main",
    "read_config",
    "render_github",
    "render_json",
    "render_sarif",
    "render_text",
    "run",
)
