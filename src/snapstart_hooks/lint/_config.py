"""``[tool.snapstart-hooks.lint]`` of ``pyproject.toml``."""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from snapstart_hooks.lint._model import Severity
from snapstart_hooks.lint._rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ("ConfigError", "LintConfig", "check_codes", "read_config")

SECTION: Final = "tool.snapstart-hooks.lint"

DEFAULT_EXCLUDE: Final = (
    "test",
    "tests",
    "testing",
    "test_*.py",
    "*_test.py",
    "conftest.py",
    "setup.py",
    "noxfile.py",
    "docs",
    "doc",
    "examples",
    "benchmarks",
)
"""What never runs on Lambda: left out of folders unless asked for."""


class ConfigError(Exception):
    """A setting that cannot be understood; the message says which, where and what to do."""


@dataclass(frozen=True, slots=True)
class LintConfig:
    """What to check and what to leave out.

    Attributes:
        root: The folder that patterns are relative to.
        select: Codes or their beginnings that are checked; ``SSH`` for all.
        ignore: Codes or their beginnings that are not, with the reason.
        per_file_ignores: The same for files that match a pattern.
        exclude: Patterns of files and folders that are left out of folders.
        severity: The least severity that is reported.
        report_unused: Whether suppressions that silence nothing are reported.
    """

    root: Path = field(default_factory=Path.cwd)
    select: tuple[str, ...] = ("SSH",)
    ignore: Mapping[str, str] = field(default_factory=dict[str, str])
    per_file_ignores: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, "Mapping[str, str]"])
    exclude: tuple[str, ...] = DEFAULT_EXCLUDE
    severity: Severity = Severity.WARNING
    report_unused: bool = False

    def reports(self, code: str, path: Path) -> bool:
        """Whether findings of this code in this file are reported."""
        if not code.startswith(self.select) or code.startswith(tuple(self.ignore)):
            return False
        if not self.per_file_ignores:
            return True
        return not any(
            code.startswith(tuple(codes)) and matches(path, self.root, [pattern])
            for pattern, codes in self.per_file_ignores.items()
        )


def matches(path: Path, root: Path, patterns: Iterable[str]) -> bool:
    """Whether a file, or a folder that it is in, matches a pattern.

    A pattern without a slash is compared with each name on the way down from
    `root`, one with a slash with the whole way from `root`; ``*`` crosses folders.
    """
    try:
        names = path.relative_to(root).parts
    except ValueError:
        names = Path(os.path.relpath(path, root)).parts
    ways = ["/".join(names[:end]) for end in range(1, len(names) + 1)]
    return any(
        any(fnmatchcase(text, pattern.strip("/")) for text in (ways if "/" in pattern.strip("/") else names))
        for pattern in patterns
    )


def check_codes(codes: Iterable[str], where: str) -> tuple[str, ...]:
    """Codes or beginnings of codes, in upper case.

    Raises:
        ConfigError: No rule begins so.
    """
    checked: list[str] = []
    for code in codes:
        upper = code.strip().upper()
        if not upper or not any(one.code.startswith(upper) for one in RULES):
            near = difflib.get_close_matches(upper, [one.code for one in RULES], 1)
            hint = f" Is {near[0]} meant?" if near else ""
            msg = f"{where}: no rule begins with {code!r}.{hint} `--list-rules` lists them."
            raise ConfigError(msg)
        checked.append(upper)
    return tuple(checked)


def read_config(paths: Sequence[Path], explicit: Path | None) -> LintConfig:
    """The settings of the nearest ``pyproject.toml``, from the first path upwards.

    Args:
        paths: What is to be checked.
        explicit: A file to read instead.

    Raises:
        ConfigError: The file cannot be read, or a setting is unknown or wrong.
    """
    file = explicit if explicit is not None else _nearest(paths)
    if file is None:
        return LintConfig()
    try:
        document: dict[str, object] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{file} cannot be read: {error}"
        raise ConfigError(msg) from error
    except tomllib.TOMLDecodeError as error:
        msg = f"{file} is not valid TOML: {error}"
        raise ConfigError(msg) from error
    table: object = document
    for name in SECTION.split("."):
        table = (_mapping(table) or {}).get(name, {})
    where = f"{file}, [{SECTION}]"
    return _read(_table(table, where), where, file.parent)


def _nearest(paths: Sequence[Path]) -> Path | None:
    start = (paths[0] if paths else Path()).resolve()
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        if file.is_file():
            return file
    return None


def _read(table: Mapping[str, object], where: str, root: Path) -> LintConfig:
    known = ("select", "ignore", "per-file-ignores", "exclude", "severity", "report-unused")
    for name in table:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f" Is `{near[0]}` meant?" if near else f" There are {', '.join(known)}."
            msg = f"{where}: unknown setting `{name}`.{hint}"
            raise ConfigError(msg)
    default = LintConfig(root=root)
    per_file = _table(table.get("per-file-ignores", {}), f"{where} per-file-ignores")
    report_unused = table.get("report-unused", False)
    if not isinstance(report_unused, bool):
        msg = f"{where}: `report-unused` is true or false, not {report_unused!r}."
        raise ConfigError(msg)
    return LintConfig(
        root=root,
        select=check_codes(_texts(table.get("select", list(default.select)), f"{where} select"), f"{where} select"),
        ignore=_reasons(table.get("ignore", {}), f"{where} ignore"),
        per_file_ignores={
            pattern: _reasons(codes, f'{where} per-file-ignores "{pattern}"') for pattern, codes in per_file.items()
        },
        exclude=_texts(table.get("exclude", list(default.exclude)), f"{where} exclude"),
        severity=_severity(table.get("severity", default.severity.value), where),
        report_unused=report_unused,
    )


def _table(value: object, where: str) -> Mapping[str, object]:
    table = _mapping(value)
    if table is None:
        msg = f"{where}: a table is needed, not {value!r}."
        raise ConfigError(msg)
    return table


def _mapping(value: object) -> Mapping[str, object] | None:
    """A table, if it is one; TOML has no other keys than strings."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else None


def _texts(value: object, where: str) -> tuple[str, ...]:
    items = cast("list[object]", value) if isinstance(value, list) else None
    texts = [one for one in items or () if isinstance(one, str)]
    if items is None or len(texts) != len(items):
        msg = f"{where}: a list of strings is needed, not {value!r}."
        raise ConfigError(msg)
    return tuple(texts)


def _reasons(value: object, where: str) -> Mapping[str, str]:
    """Codes with the reason why they are ignored."""
    table = _mapping(value)
    if table is None:
        msg = f'{where}: a table of codes and reasons is needed, {{ SSH301 = "why" }}, not {value!r}.'
        raise ConfigError(msg)
    reasons: dict[str, str] = {}
    for code, reason in table.items():
        (checked,) = check_codes([code], where)
        if not isinstance(reason, str) or not reason.strip():
            msg = f"{where}: {code} needs a reason, a string that says why it is ignored; not {reason!r}."
            raise ConfigError(msg)
        reasons[checked] = reason
    return reasons


def _severity(value: object, where: str) -> Severity:
    for one in Severity:
        if value == one.value:
            return one
    msg = f"{where}: `severity` is one of {', '.join(one.value for one in Severity)}, not {value!r}."
    raise ConfigError(msg)
