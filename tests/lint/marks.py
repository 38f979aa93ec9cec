"""Case files: what is to be found in a line stands behind ``#!`` in it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from snapstart_hooks.lint import check

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ("expected", "found")


def expected(text: str) -> set[tuple[int, str]]:
    """The lines that are marked, each with a code."""
    return {
        (number, code)
        for number, line in enumerate(text.splitlines(), 1)
        if "#!" in line
        for code in re.findall(r"SSH\d+", line.partition("#!")[2])
    }


def found(file: Path) -> set[tuple[int, str]]:
    """The lines in which something is found, each with its code."""
    return {(one.line, one.code) for one in check(ast.parse(file.read_text(encoding="utf-8")), str(file))}
