"""One file as text: found by PEP 263, with its lines and columns in characters."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from typing import Final

__all__ = ("Source", "UnreadableError")


class UnreadableError(Exception):
    """A file that cannot be parsed.

    Attributes:
        line: Where, from 1; 0 if the file as a whole.
        column: As `line`.
    """

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line: Final = line
        self.column: Final = column


class Source:
    """The text of one file and its syntax tree.

    Attributes:
        text: The text, with line feeds for every line end.
        lines: Its lines, without their ends.
        tree: Its syntax tree.

    Raises:
        UnreadableError: The encoding is unknown or wrong, or the syntax is.
    """

    __slots__ = ("lines", "text", "tree")

    def __init__(self, data: bytes) -> None:
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
            text = data.decode(encoding)
        except (SyntaxError, UnicodeDecodeError, LookupError) as error:
            msg = f"cannot be decoded: {error}"
            raise UnreadableError(msg) from error
        self.text: Final = text.replace("\r\n", "\n").replace("\r", "\n")
        self.lines: Final = self.text.split("\n")  # as the compiler does; str.splitlines knows more ends
        self.tree: Final = _parse(self.text)

    def line(self, number: int) -> str:
        """A line by its number, from 1."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def column(self, line: int, offset: int) -> int:
        """The column, from 1 and in characters, of an offset in bytes."""
        text = self.line(line)
        if text.isascii():
            return offset + 1
        return len(text.encode()[:offset].decode(errors="replace")) + 1

    def expression(self, node: ast.expr, limit: int = 60) -> str:
        """The source of an expression on one line, shortened."""
        first, last = node.lineno, node.end_lineno or node.lineno
        start = self.column(first, node.col_offset) - 1
        end = self.column(last, node.end_col_offset or 0) - 1
        if first == last:
            text = self.line(first)[start:end]
        else:
            text = " ".join([self.line(first)[start:], *self.lines[first : last - 1], self.line(last)[:end]])
        text = " ".join(text.split())
        return text if len(text) <= limit else f"{text[: limit - 3].rstrip()}..."


def _parse(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes are not ours to report
            return ast.parse(text)
    except SyntaxError as error:
        msg = f"syntax error: {error.msg}"
        raise UnreadableError(msg, error.lineno or 0, error.offset or 0) from error
    except ValueError as error:  # null bytes, before Python 3.12
        msg = f"syntax error: {error}"
        raise UnreadableError(msg) from error
    except (RecursionError, MemoryError) as error:
        msg = "is nested too deeply to be parsed"
        raise UnreadableError(msg) from error
