"""The interface of the linter: the plugin of flake8, and functions for programs."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snapstart_hooks.lint._findings import Findings
from snapstart_hooks.lint._project import Around, follow

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from snapstart_hooks.lint._hooks import Registration

__all__ = ("Finding", "SnapStartChecker", "check", "declarations")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A place in a file that breaks a rule.

    Attributes:
        line: The line, from 1.
        column: The column, from 0.
        code: The code of the rule.
        text: What is wrong there, and what to do.
    """

    line: int
    column: int
    code: str
    text: str


class SnapStartChecker:
    """Checks a file for code that breaks under SnapStart; flake8 creates one checker for each file.

    Args:
        tree: The syntax tree of the file.
        filename: The path of the file; ``stdin`` or ``-`` if flake8 reads standard input.
    """

    def __init__(self, tree: ast.Module, filename: str) -> None:
        self._tree = tree
        self._filename = filename

    def run(self) -> Iterator[tuple[int, int, str, type[object]]]:
        """Yield the findings for flake8: line, column, code with text, and this class."""
        with suppress(RecursionError):  # generated data
            for one in check(self._tree, self._filename):
                yield one.line, one.column, f"{one.code} {one.text}", type(self)


def check(tree: ast.Module, file: str) -> list[Finding]:
    """Check a file, and return the findings in the order of its lines.

    Args:
        tree: The syntax tree of the file.
        file: The path of the file.  Its project is read, too, because hooks in other files may repair it.

    Raises:
        RecursionError: The file's expressions are nested too deeply.
    """
    file = os.path.abspath(file)  # noqa: PTH100 - `Path.absolute` leaves `..` in it
    module = follow(tree, file)
    if not module.imports and not any(Findings(module, Around(file, alone=True)).all()):
        return []  # nothing for the other files to repair, so they are not read
    found: dict[tuple[int, int], Finding] = {}
    for rule, node, what, holder in sorted(Findings(module, Around(file)).all(), key=lambda one: one[0].code):
        text = f"{rule.title}: {what}{holder and f' in {holder}'}; {rule.remedy}"
        found.setdefault((node.lineno, node.col_offset), Finding(node.lineno, node.col_offset, rule.code, text))
    return sorted(found.values())


def declarations(tree: ast.Module, file: str) -> list[Registration]:
    """Return the hooks that a file declares, in the order in which importing the file declares them.

    Args:
        tree: The syntax tree of the file.
        file: The path of the file.
    """
    return follow(tree, os.path.abspath(file)).registrations  # noqa: PTH100 - as above
