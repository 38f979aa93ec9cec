"""Imports what the function's list of modules names, so that the first answer need not.

At risk: what a handler imports while it answers is read and executed after every restore.

``SNAPSTART_HOOKS_PRIME``, or ``prime`` in ``[tool.snapstart-hooks]`` of the function's ``pyproject.toml``, names a file
with a module on each line, which ``snapstart-hooks prime`` writes; in ``pyproject.toml`` it may be the modules
themselves.  No handler runs, so nothing has an effect that the import alone has not.
"""

from __future__ import annotations

import logging
import os
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Final, cast

from snapstart_hooks import Priority
from snapstart_hooks.errors import SettingsError

__all__ = ("VARIABLE", "ModuleList", "before_snapshot", "instances", "priority")

VERSIONS: Final = "python>=3.11"
COST: Final = "nothing without a list; nothing after a restore"
NEEDLESS: Final = "no Python yet: a module is imported when it is asked for"

VARIABLE: Final = "SNAPSTART_HOOKS_PRIME"
priority: Final = int(Priority.WARMUP)

_logger: Final = logging.getLogger("snapstart_hooks")


class ModuleList:
    """Names of modules.

    Attributes:
        name: Where they are written.
        modules: Each, and its place.
    """

    def __init__(self, name: str, modules: list[tuple[str, str]]) -> None:
        self.name: Final = name
        self.modules: Final = modules


_lists: Final[list[ModuleList]] = []  # hooks hold them weakly


def instances() -> list[ModuleList]:
    """The list of this function, if it has one.

    Raises:
        SettingsError: The settings name one that cannot be read.
    """
    if (found := _listed()) is None:
        return []
    if not _lists or (_lists[0].name, _lists[0].modules) != found:
        _lists[:] = [ModuleList(*found)]
    return list(_lists)


def before_snapshot(one: ModuleList) -> None:
    """Import what is listed; what is stale, or fails, is told of and harms nothing."""
    for module, where in one.modules:
        try:
            import_module(module)
        except Exception as error:  # noqa: BLE001 - it is the module's own code
            _logger.warning(
                "%s: %r cannot be imported before the snapshot: %s: %s. If the function imports it no more, "
                "write the list anew: snapstart-hooks prime HANDLER --write %s",
                where,
                module,
                type(error).__name__,
                error,
                one.name,
            )


def _listed() -> tuple[str, list[tuple[str, str]]] | None:
    """The name of the list, and each module with its place; ``None`` if none is wanted."""
    root = Path(os.environ.get("LAMBDA_TASK_ROOT") or os.curdir)
    wanted, source = os.environ.get(VARIABLE, "").strip(), VARIABLE
    if not wanted:
        project = root / "pyproject.toml"
        given, source = _of_project(project), f"prime in [tool.snapstart-hooks] of {project}"
        if given is None:
            return None
        names = cast("list[object]", given) if isinstance(given, list) else []
        if names and all(isinstance(name, str) for name in names):
            return project.name, [(str(name), str(project)) for name in names]
        if not isinstance(given, str):
            msg = f"{source} is {given!r}: give the name of a file, or a list of modules"
            raise SettingsError(msg)
        wanted = given
    try:
        lines = (root / wanted).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{source} names {wanted!r}, which cannot be read: {error}. Write it: snapstart-hooks prime HANDLER"
        raise SettingsError(msg) from error
    stripped = ((line.partition("#")[0].strip(), number) for number, line in enumerate(lines, start=1))
    return wanted, [(name, f"{wanted}:{number}") for name, number in stripped if name]


def _of_project(path: Path) -> object:
    """What the function's ``pyproject.toml`` says, if it has one that says something.

    Raises:
        SettingsError: It is no TOML.
    """
    try:
        found: object = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return None
    except ValueError as error:
        msg = f"{path} cannot be read: {error}"
        raise SettingsError(msg) from error
    for name in ("tool", "snapstart-hooks", "prime"):
        found = cast("dict[str, object]", found).get(name) if isinstance(found, dict) else None
    return found
