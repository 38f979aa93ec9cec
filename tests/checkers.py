"""Runs type checkers over a folder of files and compares what they find with what is marked as wrong.

A wrong use is one statement, below a comment ``# wrong: why``.  It is found by syntax and not
by line, because of a wrong decorator one checker reports the line of the ``@`` and another
that of the ``def``.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

REQUIRED = "SNAPSTART_HOOKS_REQUIRE_CHECKERS"
"""Environment variable: a checker that is not installed is a failure and not a skip. CI sets it."""

MARKER = re.compile(r"^\s*# wrong: (?P<why>.+)$")


@dataclass(frozen=True)
class Setting:
    """What a checker is to read, and how.

    Attributes:
        project: The folder with the files; the checker is started in it.
        python: The interpreter whose installed packages count.
        version: The Python version to check for; default: that of the interpreter.
        paths: Folders with packages and stubs that are not installed.
    """

    project: Path
    python: Path = Path(sys.executable)
    version: str | None = None
    paths: tuple[Path, ...] = ()


@dataclass(frozen=True, order=True)
class Problem:
    """An error that a checker reports."""

    file: str
    line: int
    message: str

    @property
    def told(self) -> str:
        """For people."""
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True)
class WrongUse:
    """A statement that every checker has to reject, and its lines."""

    file: str
    first: int
    last: int
    why: str

    def __contains__(self, problem: Problem) -> bool:
        return problem.file == self.file and self.first <= problem.line <= self.last

    @property
    def told(self) -> str:
        """For people."""
        return f"{self.file}:{self.first}: {self.why}"


@dataclass(frozen=True)
class Checker:
    """A type checker in its strict mode, without any configuration of this repository.

    Attributes:
        name: What it is called.
        arguments: Its command line behind the command.
        problem: How it prints an error: groups ``file``, ``line`` and ``message``.
        command: How it is started; default: the command of its name.
    """

    name: str
    arguments: Callable[[Setting], Sequence[str]]
    problem: re.Pattern[str]
    command: tuple[str, ...] = ()

    def check(self, setting: Setting) -> list[Problem]:
        """The errors in the files of ``setting.project``, not those in what they import."""
        command = self.command or (executable(self.name),)
        done = run([*command, *self.arguments(setting)], setting.project, setting.paths if self.name == "mypy" else ())
        assert done.returncode in {0, 1}, f"{self.name} broke down:\n{done.stdout}{done.stderr}"
        problems = [
            Problem(str(file.relative_to(setting.project)), int(found["line"]), found["message"].strip())
            for found in self.problem.finditer(done.stdout)
            if (file := setting.project / found["file"]).is_relative_to(setting.project)
        ]
        assert bool(done.returncode) >= bool(problems), f"{self.name} found errors and was content:\n{done.stdout}"
        return sorted(problems)


def run(command: Sequence[str], folder: Path, mypy_path: Iterable[Path] = ()) -> subprocess.CompletedProcess[str]:
    """Run `command` in `folder`, without what the caller's environment tells type checkers and interpreters."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MYPY", "PYTHON"))}
    environment["MYPYPATH"] = os.pathsep.join(map(str, mypy_path))
    # Where pyright does not heed its option, it asks the first `python` that it meets.
    environment["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), environment.get("PATH", os.defpath)))
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def executable(name: str) -> str:
    """The command of this name, of this environment if it has it; else the test is skipped, in CI it fails."""
    found = shutil.which(name, path=Path(sys.executable).parent) or shutil.which(name)
    if found is None:
        missing(f"{name} is not installed here: pip install --group types")
    return found


def missing(what: str) -> NoReturn:
    """Skip the test that needs it, or fail it where nothing may be missing."""
    if os.environ.get(REQUIRED):
        pytest.fail(f"{what} ({REQUIRED} is set)")
    pytest.skip(what)


def environment(folder: Path, *packages: str | Path) -> Path:
    """A virtual environment with `packages` and nothing that they need; its interpreter."""
    uv = executable("uv")
    made = run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], folder.parent)
    assert made.returncode == 0, made.stderr
    (python,) = (*folder.glob("bin/python"), *folder.glob("Scripts/python.exe"))
    install = [uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python), *map(str, packages)]
    installed = run(install, folder.parent)
    assert installed.returncode == 0, installed.stderr
    return python


def wrong_uses(project: Path) -> list[WrongUse]:
    """The statements below the marking comments of all files in `project`."""
    return [use for file in sorted(project.rglob("*.py")) for use in _wrong_uses_of(file, project)]


def _wrong_uses_of(file: Path, project: Path) -> Iterable[WrongUse]:
    text = file.read_text(encoding="utf-8")
    spans = {_first_line(node): node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)}
    for number, line in enumerate(text.splitlines(), 1):
        if marked := MARKER.match(line):
            node = spans[number + 1]  # a KeyError: below the comment no statement begins
            yield WrongUse(str(file.relative_to(project)), number + 1, node.end_lineno or number + 1, marked["why"])


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min((node.lineno, *(decorator.lineno for decorator in decorators)))


def disagreements(checker: str, problems: Sequence[Problem], uses: Sequence[WrongUse]) -> list[str]:
    """One line for each wrong use without an error and for each error without a wrong use."""
    missed = [f"{checker} accepts {use.told}" for use in uses if not any(problem in use for problem in problems)]
    false = [f"{checker} rejects {problem.told}" for problem in problems if not any(problem in use for use in uses)]
    return missed + false


# The commands.


def _mypy(setting: Setting) -> list[str]:
    version = ["--python-version", setting.version] if setting.version else []
    silent = ["--follow-imports=silent", "--hide-error-context", "--no-color-output", "--no-error-summary"]
    where = ["--python-executable", str(setting.python), "--cache-dir", str(setting.project / ".mypy_cache")]
    return ["--config-file=", "--strict", *silent, *where, *version, "."]


def _pyright(setting: Setting) -> list[str]:
    config: dict[str, object] = {
        "include": ["."],
        "typeCheckingMode": "strict",
        "enableTypeIgnoreComments": False,
        "extraPaths": [str(path) for path in setting.paths],
    }
    if setting.version:
        config["pythonVersion"] = setting.version
    (setting.project / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
    return ["--project", ".", "--pythonpath", str(setting.python)]


def _ty(setting: Setting) -> list[str]:
    paths = [f"--extra-search-path={path}" for path in setting.paths]
    version = ["--python-version", setting.version] if setting.version else []
    output = ["--output-format", "concise", "--no-progress"]
    return ["check", "--error", "all", "--python", str(setting.python), *version, *paths, *output, "."]


def _pyrefly(setting: Setting) -> list[str]:
    paths = [f"--search-path={path}" for path in (".", *setting.paths)]
    version = ["--python-version", setting.version] if setting.version else []
    python = ["--python-interpreter-path", str(setting.python)]
    return ["check", "--preset", "strict", *python, *version, *paths, "--output-format", "min-text", "."]


CHECKERS = (
    Checker("mypy", _mypy, re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+): error: (?P<message>.*)$", re.MULTILINE)),
    *(
        Checker(
            name,
            _pyright,
            re.compile(r"^ +(?P<file>/[^:\n]+):(?P<line>\d+):\d+ - error: (?P<message>.*)$", re.MULTILINE),
        )
        for name in ("pyright", "basedpyright")
    ),
    Checker("ty", _ty, re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):\d+: (?P<message>error\[.*)$", re.MULTILINE)),
    Checker(
        "pyrefly", _pyrefly, re.compile(r"^ *ERROR (?P<file>[^:\n]+):(?P<line>\d+):\S+ (?P<message>.*)$", re.MULTILINE)
    ),
)
NAMES = [checker.name for checker in CHECKERS]
