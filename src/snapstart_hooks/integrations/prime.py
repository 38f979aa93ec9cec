"""Imports the modules of the function's list, so that the first answer need not.

At risk: modules that a handler imports for its first answer are read and executed after every restore.

``SNAPSTART_HOOKS_PRIME``, or ``prime`` in ``[tool.snapstart-hooks]`` of the function's ``pyproject.toml``, names a file
with a module on each line, which ``snapstart-hooks prime`` writes; ``pyproject.toml`` may also list the modules
themselves.  The handler is not called, so there are no effects but those of the imports.
"""

from __future__ import annotations

import logging
import os
import tomllib
from importlib import import_module
from pathlib import Path
from traceback import format_exception_only
from typing import Final, cast

from snapstart_hooks import Priority
from snapstart_hooks.errors import SettingsError

__all__ = ("VARIABLE", "ModuleList", "before_snapshot", "instances", "priority")

VERSIONS: Final = "python>=3.11"
COST: Final = "nothing without a list; nothing after a restore"
NEEDLESS: Final = "no Python yet: a module is imported on demand"

VARIABLE: Final = "SNAPSTART_HOOKS_PRIME"
priority: Final = int(Priority.WARMUP)

_logger: Final = logging.getLogger("snapstart_hooks")


class ModuleList:
    """A list of modules to import.

    Attributes:
        name: The file of the list.
        modules: The name of each module, and its location in the file.
    """

    def __init__(self, name: str, modules: list[tuple[str, str]]) -> None:
        self.name: Final = name
        self.modules: Final = modules


_lists: Final[list[ModuleList]] = []  # hooks hold them weakly


def instances() -> list[ModuleList]:
    """Return the list of this function, if it has one.

    Raises:
        SettingsError: The settings name a list that cannot be read.
    """
    if (found := _listed()) is None:
        return []
    if not _lists or (_lists[0].name, _lists[0].modules) != found:
        _lists[:] = [ModuleList(*found)]
    return list(_lists)


def before_snapshot(one: ModuleList) -> None:
    """Import the listed modules; one that cannot be imported is logged, and the others follow."""
    for module, where in one.modules:
        try:
            import_module(module)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is the module's own code, or that of a program
            _logger.warning(
                "%s: %r cannot be imported before the snapshot: %s. If the function no longer imports it, "
                "write the list again: snapstart-hooks prime HANDLER --write %s",
                where,
                module,
                "".join(format_exception_only(error)).strip(),
                one.name,
            )


def _listed() -> tuple[str, list[tuple[str, str]]] | None:
    """Return the file of the list, and each module with its location; ``None`` if there is no list."""
    root = Path(os.environ.get("LAMBDA_TASK_ROOT") or os.curdir)
    wanted, source = os.environ.get(VARIABLE, "").strip(), VARIABLE
    if not wanted:
        project = root / "pyproject.toml"
        given, source = _of_project(project), f"prime in [tool.snapstart-hooks] of {project}"
        if given is None or given == []:
            return None
        names = cast("list[object]", given) if isinstance(given, list) else []
        if names and all(isinstance(name, str) for name in names):
            return project.name, [(str(name), str(project)) for name in names]
        if not isinstance(given, str):
            msg = f"{source} is {given!r}: give the name of a file, or a list of modules"
            raise SettingsError(msg)
        wanted = given
    try:
        lines = _content(root / wanted).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{source} names {wanted!r}, which cannot be read: {error}. Write it: snapstart-hooks prime HANDLER"
        raise SettingsError(msg) from error
    stripped = ((line.partition("#")[0].strip(), number) for number, line in enumerate(lines, start=1))
    return wanted, [(name, f"{wanted}:{number}") for name, number in stripped if name]


def _of_project(path: Path) -> object:
    """Return ``prime`` in the function's ``pyproject.toml``; ``None`` if it is not there.

    Raises:
        SettingsError: The file is not valid TOML.
    """
    try:
        found: object = tomllib.loads(_content(path))
    except OSError:
        return None
    except ValueError as error:
        msg = f"{path} cannot be read: {error}"
        raise SettingsError(msg) from error
    for name in ("tool", "snapstart-hooks", "prime"):
        found = cast("dict[str, object]", found).get(name) if isinstance(found, dict) else None
    return found


def _content(path: Path) -> str:
    if not path.is_file():  # reading a pipe or a device would have no end
        msg = f"there is no file {path}"
        raise OSError(msg)
    return path.read_text(encoding="utf-8-sig")
