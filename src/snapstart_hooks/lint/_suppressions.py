"""Comments that silence findings: ``# noqa: SSH101`` and ``# snapstart: ignore[SSH101] reason``."""

from __future__ import annotations

import ast
import difflib
import io
import re
import tokenize
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from snapstart_hooks.lint._rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from snapstart_hooks.lint._source import Source

__all__ = ("Suppression", "Suppressions", "mentions")

_CODES: Final = frozenset(one.code for one in RULES)
_MENTION: Final = re.compile(r"#.*(?:noqa|snapstart:)", re.IGNORECASE)
_NOQA: Final = re.compile(r"#\s*noqa(?![\w-])(?P<codes>\s*:\s*[A-Z][A-Z0-9]*(?:[\s,]+[A-Z]+[0-9]+)*)?", re.IGNORECASE)
_OURS: Final = re.compile(r"#\s*snapstart:\s*(?P<verb>[\w-]+)\s*(?:\[(?P<codes>[^\]]*)\])?", re.IGNORECASE)


def mentions(text: str) -> bool:
    """Whether a text may contain suppressions at all."""
    return _MENTION.search(text) is not None


@dataclass(slots=True)
class Suppression:
    """One comment.

    Attributes:
        line: Its line.
        column: Its first column, from 1.
        end_column: The column after it.
        codes: What it silences; empty for everything (a bare ``# noqa``).
        text: How a report names it.
        fault: Why it cannot be understood; ``""`` if it can.
        used: The codes that it silenced.
    """

    line: int
    column: int
    end_column: int
    codes: tuple[str, ...]
    text: str
    fault: str = ""
    used: set[str] = field(default_factory=set[str])

    def covers(self, code: str) -> bool:
        """Whether it silences this code."""
        return not self.fault and (not self.codes or code in self.codes)

    @property
    def unused(self) -> tuple[str, ...]:
        """Its codes that silenced nothing. A bare ``# noqa`` may be meant for another linter."""
        return tuple(code for code in self.codes if code in _CODES and code not in self.used) if not self.fault else ()


class Suppressions:
    """The suppressions of one file.

    A comment silences what begins on its line, what ends there, and what stands
    in a statement that begins or ends there.
    """

    def __init__(self, source: Source) -> None:
        self.all: Final[list[Suppression]] = list(_read(source.text)) if mentions(source.text) else []
        self._by_line: Final = {one.line: one for one in self.all}
        self._tree: Final = source.tree

    def silence(self, code: str, line: int, end_line: int) -> bool:
        """Whether a finding on these lines is silenced."""
        if not self._by_line:
            return False
        for number in (line, end_line, *_statement(self._tree, line)):
            found = self._by_line.get(number)
            if found is not None and found.covers(code):
                found.used.add(code)
                return True
        return False


def _statement(tree: ast.Module, line: int) -> tuple[int, int]:
    """The first and last line of the innermost simple statement, or the header, around a line."""
    first = last = line
    body: list[ast.AST] = list(tree.body)
    while body:
        around = [
            one for one in body if isinstance(one, ast.stmt) and _begin(one) <= line <= (one.end_lineno or one.lineno)
        ]
        if not around:
            break
        statement = around[0]
        inner = [one for one in ast.walk(statement) if isinstance(one, ast.stmt) and one is not statement]
        if not inner:
            return _begin(statement), statement.end_lineno or line
        header = min(_begin(one) for one in inner) - 1
        if line <= header:
            return _begin(statement), max(header, _begin(statement))
        body = list(inner)
        body.sort(key=lambda one: (getattr(one, "lineno", 0), -(getattr(one, "end_lineno", 0) or 0)))
    return first, last


def _begin(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(one.lineno for one in decorators)])


def _read(text: str) -> Iterator[Suppression]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield from _parse(token.string, token.start[0], token.start[1] + 1)


def _parse(comment: str, line: int, column: int) -> Iterator[Suppression]:
    noqa = _NOQA.search(comment)
    if noqa is not None:
        codes = tuple(re.findall(r"[A-Z]+[0-9]+", (noqa["codes"] or "").upper()))
        if codes or not noqa["codes"]:
            yield Suppression(line, column + noqa.start(), column + noqa.end(), codes, f"`{noqa[0].strip()}`")
        return
    ours = _OURS.search(comment)
    if ours is None:
        return
    codes = tuple(code.strip().upper() for code in (ours["codes"] or "").split(",") if code.strip())
    fault = _fault(ours["verb"], codes)
    yield Suppression(line, column + ours.start(), column + ours.end(), codes, f"`{ours[0].strip()}`", fault)


def _fault(verb: str, codes: tuple[str, ...]) -> str:
    if verb.lower() != "ignore":
        return f"`snapstart: {verb}` is unknown: write `# snapstart: ignore[SSH101] reason`"
    if not codes:
        return "`snapstart: ignore` names no rule: write `# snapstart: ignore[SSH101] reason`"
    for code in codes:
        if code not in _CODES:
            near = difflib.get_close_matches(code, _CODES, 1)
            return f"there is no rule {code}" + (f": is {near[0]} meant?" if near else "")
    return ""
