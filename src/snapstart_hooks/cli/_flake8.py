"""flake8 as ``snapstart-hooks lint`` runs it: with one checker, and with reports as SARIF."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from flake8.formatting.base import BaseFormatter
from flake8.main.application import Application
from flake8.plugins.finder import Checkers

from snapstart_hooks._compat import override
from snapstart_hooks._pages import page
from snapstart_hooks.lint import RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flake8.violation import Violation

__all__ = ("Alone",)

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


class Alone(Application):
    """Runs the checker of this package and no other, whose findings would only take time.

    Args:
        sarif: Whether the report is a SARIF log.
    """

    def __init__(self, *, sarif: bool) -> None:
        super().__init__()
        self._sarif = sarif

    @override
    def make_formatter(self) -> None:
        super().make_formatter()
        if self._sarif and self.options is not None:
            self.formatter = _Sarif(self.options)

    @override
    def make_file_checker_manager(self, argv: Sequence[str]) -> None:
        if self.plugins is not None:
            checker = [one for one in self.plugins.checkers.tree if one.entry_name == "SSH"]
            self.plugins = self.plugins._replace(checkers=Checkers(tree=checker, logical_line=[], physical_line=[]))
        super().make_file_checker_manager(argv)

    @override
    def exit_code(self) -> int:
        """Return 2 if a file cannot be read or parsed, which flake8 reports like a finding."""
        unread = self.guide is not None and any(True for _ in self.guide.stats.statistics_for("E9"))
        return 2 if unread or self.catastrophic_failure else super().exit_code()


class _Sarif(BaseFormatter):
    """A SARIF log with one run: the rules, and all findings.

    No published formatter fits: one needs the network, one writes an example instead of the findings, and code
    scanning accepts no absolute paths.
    """

    @override
    def start(self) -> None:
        super().start()
        self._results: list[dict[str, object]] = []

    @override
    def handle(self, error: Violation) -> None:
        place = {
            "artifactLocation": {"uri": quote(Path(error.filename).as_posix())},
            "region": {"startLine": max(error.line_number, 1), "startColumn": max(error.column_number, 1)},
        }
        self._results.append(
            {
                "ruleId": error.code,
                "level": "error" if error.code.startswith("E9") else "warning",
                "message": {"text": error.text},
                "locations": [{"physicalLocation": place}],
            }
        )

    @override
    def stop(self) -> None:
        rules = [
            {
                "id": rule.code,
                "shortDescription": {"text": rule.title},
                "help": {"text": rule.remedy},
                "helpUri": page("lint", rule.code.lower()),
            }
            for rule in RULES.values()
        ]
        run = {
            "tool": {"driver": {"name": "snapstart-hooks lint", "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": self._results,
        }
        self._write(json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2))
        super().stop()

    @override
    def format(self, error: Violation) -> None:
        """Write nothing yet: the log is written at the end."""
