"""Asks a type checker whether a library's modules satisfy the protocols."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypedDict, cast

from snapstart_hooks import Phase
from snapstart_hooks.testing.provider._model import TypesChecked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapstart_hooks.testing.provider._model import ShippedProvider

__all__ = ("Checkers", "check_types")

Checkers: TypeAlias = Literal["auto", "mypy", "pyright", "no"]

_FILE: Final = "providers.py"
_LIMIT: Final = 240.0
"""Seconds that a checker may take."""


def check_types(providers: Sequence[ShippedProvider], path: Sequence[str], which: Checkers) -> TypesChecked:
    """Ask a checker whether each provider is one.

    Args:
        providers: What is to be checked, as far as it can be loaded.
        path: Where modules are found.
        which: The checker; ``auto`` for the first one that is installed.

    Raises:
        ValueError: The checker is not installed.
    """
    providers = [provider for provider in providers if provider.registry or provider.names]
    if which == "no" or not providers:
        return TypesChecked("", (), ())
    found = {name: command for name in ("mypy", "pyright") if (command := _command(name))}
    if which != "auto" and which not in found:
        msg = f"types={which!r}: it is not installed here: pip install {which}"
        raise ValueError(msg)
    if not found:
        return TypesChecked("", (), ("neither mypy nor pyright is installed here, so no type was checked",))
    name = next(iter(found)) if which == "auto" else which
    with tempfile.TemporaryDirectory(prefix="snapstart-types-") as folder:
        lines, subjects = _source(providers)
        (Path(folder) / _FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
        try:
            ask = _mypy if name == "mypy" else _pyright
            found_errors, notes = ask(found[name], Path(folder), _roots(path))
            errors = tuple(f"{subjects[line - 1]}: {message}" for line, message in found_errors)
            return TypesChecked(_version(found[name]), errors, notes)
        except (subprocess.TimeoutExpired, ValueError, OSError) as error:
            failure = f"{name} did not do its work, so no type was checked: {error}"
            return TypesChecked(name, (), (failure,)) if which == "auto" else TypesChecked(name, (failure,), ())


def _source(providers: Sequence[ShippedProvider]) -> tuple[list[str], list[str]]:
    """The lines of a module that type-checks if the providers are what they have to be; and what each is about."""
    references = [provider.value.partition("[")[0].partition(":")[::2] for provider in providers]
    modules = list(dict.fromkeys(module.strip() for module, _ in references))
    protocols = "AfterRestoreProvider, BeforeSnapshotProvider, HookProvider, Registry"
    lines = [f"from snapstart_hooks import {protocols}", *(f"import {module}" for module in modules)]
    subjects = ["snapstart_hooks", *modules]
    for number, (provider, (module, attribute)) in enumerate(zip(providers, references, strict=True)):
        what = ".".join(part.strip() for part in (module, attribute) if part.strip())
        if "instances" in provider.names and not provider.registry:
            calls = ", ".join(f"{what}.{name}(one)" for name in (*Phase, "loop") if name in provider.names)
            lines.append(f"provider_{number} = [({calls},) for one in {what}.instances()]")
            subjects.append(f"{provider.name}, called with each of its instances")
        else:
            protocol = _protocol(provider)
            lines.append(f"provider_{number}: {protocol} = {what}")
            subjects.append(f"{provider.name} as {protocol}")
    return lines, subjects


def _protocol(provider: ShippedProvider) -> str:
    if provider.registry:
        return "Registry"
    match [phase for phase in Phase if phase in provider.names]:
        case [Phase.AFTER_RESTORE]:
            return "AfterRestoreProvider"
        case [Phase.BEFORE_SNAPSHOT]:
            return "BeforeSnapshotProvider"
        case _:
            return "HookProvider"


def _command(name: str) -> list[str]:
    """How it is started; nothing if it is not installed."""
    if importlib.util.find_spec(name) is not None:
        return [sys.executable, "-m", name]
    found = shutil.which(name)
    return [found] if found else []


def _roots(path: Sequence[str]) -> list[str]:
    """Folders of modules which the checker does not find by itself."""
    own = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), *site.getsitepackages()}
    installed = tuple(os.path.realpath(each) for each in own)
    return [each for each in path if Path(each).is_dir() and not os.path.realpath(each).startswith(installed)]


_Diagnostics: TypeAlias = tuple[list[tuple[int, str]], tuple[str, ...]]
"""Errors, each with its line, and notes."""


class _MypyError(TypedDict):
    file: str
    line: int
    message: str
    hint: str | None
    code: str | None
    severity: str


def _mypy(command: list[str], folder: Path, roots: list[str]) -> _Diagnostics:
    options = [
        "--config-file=",
        "--no-incremental",
        "--follow-imports=silent",
        "--output=json",
        "--disable-error-code=func-returns-value",
    ]
    done = _run([*command, *options, "--python-executable", sys.executable, _FILE], folder, MYPYPATH=roots)
    errors: list[tuple[int, str]] = []
    notes: list[str] = []
    for line in filter(None, done.stdout.splitlines()):
        error = cast("_MypyError", json.loads(line))
        if error["severity"] != "error" or error["file"] != _FILE:
            continue
        if error["code"] == "import-untyped":
            notes.append(f"{error['message']}: users' type checkers see no types of it. Ship a `py.typed` file")
        else:
            errors.append((error["line"], "\n".join(filter(None, (error["message"], error["hint"])))))
    if done.returncode not in {0, 1}:
        raise ValueError(done.stderr.strip() or done.stdout.strip())
    return errors, tuple(notes)


class _Position(TypedDict):
    line: int


class _Range(TypedDict):
    start: _Position


class _PyrightDiagnostic(TypedDict):
    message: str
    range: _Range
    severity: str


class _PyrightReport(TypedDict):
    generalDiagnostics: list[_PyrightDiagnostic]


def _pyright(command: list[str], folder: Path, roots: list[str]) -> _Diagnostics:
    settings = {"include": [_FILE], "extraPaths": roots, "typeCheckingMode": "standard"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    done = _run([*command, "--outputjson", "--project", ".", "--pythonpath", sys.executable], folder)
    report = cast("_PyrightReport", json.loads(done.stdout))
    errors = [each for each in report["generalDiagnostics"] if each["severity"] == "error"]
    return [(each["range"]["start"]["line"] + 1, each["message"]) for each in errors], ()


def _version(command: list[str]) -> str:
    done = _run([*command, "--version"], Path.cwd())
    return done.stdout.strip()


def _run(command: list[str], folder: Path, **paths: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a type checker without the variables of this shell that configure it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MYPY", "PYTHON"))}
    environment |= {name: os.pathsep.join(value) for name, value in paths.items()}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_LIMIT,
        check=False,
    )
