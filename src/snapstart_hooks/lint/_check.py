"""Checks one text, or all Python files below some paths."""

from __future__ import annotations

import ast
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from snapstart_hooks.lint import _catalogue, _environment, _hooks
from snapstart_hooks.lint._config import ConfigError, LintConfig, matches
from snapstart_hooks.lint._judge import judge
from snapstart_hooks.lint._machine import Machine
from snapstart_hooks.lint._model import Finding, LintReport, Problem
from snapstart_hooks.lint._rules import rule
from snapstart_hooks.lint._source import Source, UnreadableError
from snapstart_hooks.lint._suppressions import Suppressions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from snapstart_hooks.lint._judge import Verdict
    from snapstart_hooks.lint._suppressions import Suppression

__all__ = ("check_paths", "check_text")

_NEVER: Final = frozenset(
    {"__pycache__", "node_modules", "site-packages", "dist-packages", "venv", "env", "build", "dist"}
)
"""What folders are called that hold no source of the project."""


_RELEVANT: Final = re.compile(
    "|".join(rf"\b{re.escape(word)}\b" for word in sorted(_catalogue.words() | _hooks.words() | _environment.words()))
)
"""Files that mention nothing of this are parsed, so that their errors show, and left."""


@dataclass(slots=True)
class _File:
    """The result of one file, before cures in other files are known."""

    path: str
    place: Path
    lines: int
    findings: list[tuple[Finding, Verdict | None]]
    suppressed: int
    mends: frozenset[str]


def check_text(text: bytes | str, path: str = "<text>", *, config: LintConfig | None = None) -> list[Finding]:
    """Check one text as if it were the file `path`.

    Raises:
        SyntaxError: It is not Python, or not decodable.
    """
    data = text.encode() if isinstance(text, str) else text
    try:
        checked = _check(data, path, Path(path), config or LintConfig())
    except UnreadableError as error:
        raise SyntaxError(str(error), (path, error.line, error.column, None)) from error
    return sorted((finding for finding, _ in checked.findings), key=lambda one: one.order)


def check_paths(
    paths: Sequence[str | os.PathLike[str]],
    *,
    config: LintConfig | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LintReport:
    """Check files, and all Python files in folders.

    Args:
        paths: Files and folders. A file is checked whatever it is called.
        config: What to check; default: everything of severity warning and worse.
        progress: Called after each file with the number of files done and of all.

    Returns:
        The findings in the order of path and place, and what could not be checked.

    Raises:
        ConfigError: A path does not exist.
    """
    started = time.perf_counter()
    settings = config or LintConfig()
    files, excluded = _collect([Path(path) for path in paths], settings)
    checked: list[_File] = []
    problems: list[Problem] = []
    for done, place in enumerate(files, 1):
        path = place.as_posix()
        try:
            checked.append(_check(place.read_bytes(), path, place, settings))
        except OSError as error:
            problems.append(Problem(path, 0, 0, f"cannot be read: {error.strerror or error}"))
        except UnreadableError as error:
            problems.append(Problem(path, error.line, error.column, str(error)))
        if progress is not None:
            progress(done, len(files))
    mends = frozenset(path for one in checked for path in one.mends)
    found = [
        finding
        for one in checked
        for finding, verdict in one.findings
        if verdict is None or not _mended_elsewhere(one, verdict, mends)
    ]
    shown = [finding for finding in found if finding.severity.rank <= settings.severity.rank]
    return LintReport(
        findings=tuple(sorted(shown, key=lambda one: one.order)),
        problems=tuple(problems),
        files=len(checked),
        lines=sum(one.lines for one in checked),
        excluded=excluded,
        suppressed=sum(one.suppressed for one in checked),
        below=len(found) - len(shown),
        seconds=time.perf_counter() - started,
    )


# Files


def _collect(paths: Sequence[Path], config: LintConfig) -> tuple[list[Path], int]:
    """The files to check, in a fixed order, and how many were left out."""
    found: dict[Path, None] = {}
    excluded = 0
    for path in paths:
        if path.is_dir():
            for file in _walk(path):
                if matches(file, path, config.exclude):
                    excluded += 1
                else:
                    found[file] = None
        elif path.exists():
            found[path] = None
        else:
            msg = f"{path} does not exist."
            raise ConfigError(msg)
    return sorted(found, key=lambda one: one.as_posix()), excluded


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_foreign(Path(root, name)))
        for name in files:
            if name.endswith(".py"):
                yield Path(root, name)


def _is_foreign(folder: Path) -> bool:
    """Whether a folder holds no source of the project; one that is a package does."""
    name = folder.name
    return name.startswith(".") or (name in _NEVER and not (folder / "__init__.py").exists())


# One file


def _check(data: bytes, path: str, place: Path, config: LintConfig) -> _File:
    source = Source(data)
    machine = Machine()
    try:
        if _RELEVANT.search(source.text):
            machine.run(source.tree)
        verdicts = judge(machine, source)
    except RecursionError as error:
        msg = "is nested too deeply to be checked"
        raise UnreadableError(msg) from error
    suppressions = Suppressions(source)
    findings: list[tuple[Finding, Verdict | None]] = []
    suppressed = 0
    for verdict in verdicts:
        finding = _finding(verdict, source, path)
        silent = suppressions.silence(finding.code, finding.line, finding.end_line)
        if silent or not config.reports(finding.code, place):
            suppressed += 1
        else:
            findings.append((finding, verdict))
    for one in suppressions.all:
        if one.fault or (config.report_unused and one.unused):
            finding = _comment(one, source, path)
            if config.reports(finding.code, place):
                findings.append((finding, None))
    return _File(path, place, len(source.lines), findings, suppressed, frozenset(machine.record.elsewhere))


def _finding(verdict: Verdict, source: Source, path: str) -> Finding:
    broken = rule(verdict.code)
    node = verdict.node
    end_line, end_column = _end(node, source)
    return Finding(
        path=path,
        line=node.lineno,
        column=source.column(node.lineno, node.col_offset),
        end_line=end_line,
        end_column=end_column,
        code=broken.code,
        name=broken.name,
        severity=broken.severity,
        message=broken.message.format(what=verdict.what, holder=verdict.holder, subject=verdict.subject),
        remedy=broken.remedy,
        source=source.line(node.lineno),
    )


def _end(node: ast.expr | ast.stmt, source: Source) -> tuple[int, int]:
    """The end of an expression or simple statement, with the column; of a definition, the end of its name."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return node.lineno, source.line(node.lineno).find(node.name, node.col_offset) + len(node.name) + 1
    last = node.end_lineno or node.lineno
    return last, source.column(last, node.end_col_offset or node.col_offset)


def _comment(one: Suppression, source: Source, path: str) -> Finding:
    """What is wrong with a suppression."""
    broken = rule("SSH902" if one.fault else "SSH901")
    return Finding(
        path=path,
        line=one.line,
        column=one.column,
        end_line=one.line,
        end_column=one.end_column,
        code=broken.code,
        name=broken.name,
        severity=broken.severity,
        message=broken.message.format(subject=one.fault or one.text),
        remedy=broken.remedy,
        source=source.line(one.line),
    )


def _mended_elsewhere(file: _File, verdict: Verdict, mends: frozenset[str]) -> bool:
    """Whether an after_restore hook of another file assigns the name, or calls a method of it.

    The hook's file calls this one ``package.module``; so does the end of this file's path.
    """
    if not verdict.name or not mends:
        return False
    parts = list(file.place.with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    module = ".".join(parts)
    for mend in mends:
        owner, _, last = mend.lstrip(".").rpartition(".")
        if last == verdict.name and _names(module, owner):
            return True
        owner, _, name = owner.rpartition(".")
        if verdict.resource and name == verdict.name and _names(module, owner):
            return True
    return False


def _names(module: str, owner: str) -> bool:
    return bool(owner) and (module == owner or module.endswith(f".{owner}"))
