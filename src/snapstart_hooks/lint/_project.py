"""The other files of a project: what a file imports from them, and what their hooks repair."""

from __future__ import annotations

import ast
import contextlib
import os
import re
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from snapstart_hooks.lint._hooks import AFTER, BEFORE
from snapstart_hooks.lint._module import Module

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ("Around", "follow", "installed", "is_own")

_DEEP: Final = 2
_MANY: Final = 2000
"""The largest number of files of a project that are read."""
_NOT_CODE: Final = frozenset(("test", "tests", "node_modules", "venv", "site-packages", "dist-packages", "__pycache__"))
_DECLARING: Final = frozenset(("snapstart_hooks", "snapshot_restore_py"))
_DECLARES: Final = re.compile(rb"\b(snapstart_hooks|snapshot_restore_py|after_restore)\b")


def follow(tree: ast.Module, file: str, deep: int = _DEEP) -> Module:
    """Follow a file of a project, and its imports from other files to a depth of `deep`."""
    folder = Path(file).parent

    def find(name: str, level: int) -> str:
        steps = name.replace(".", "/")
        if not level and name.partition(".")[0] in _DECLARING:
            return ""  # a build has its libraries beside the function's own files
        if level:
            return _found(folder, f"{'../' * (level - 1)}{steps}")
        return _found(_root(folder), steps) or _found(folder, steps)

    def value(other: str, name: str) -> str:
        module = _module(other, deep - 1) if deep > 0 else None
        path = module.names[name].path if module is not None and name in module.names else ""
        return path if not path.startswith(".") else ""

    return Module(tree, find, value)


@cache
def _found(folder: Path, name: str) -> str:
    stem = os.path.normpath(f"{folder}/{name}")
    return next((file for file in (f"{stem}.py", f"{stem}/__init__.py") if Path(file).is_file()), "")


@cache
def _root(folder: Path) -> Path:
    """Return the folder from which the modules of a folder are imported: the one above its packages."""
    while (folder / "__init__.py").exists() and folder.parent != folder:
        folder = folder.parent
    return folder


@cache
def _module(file: str, deep: int) -> Module | None:
    try:
        return follow(ast.parse(Path(file).read_bytes()), file, deep)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


@cache
def _texts(root: Path) -> dict[str, bytes]:
    """Return the content of each source file below a folder."""
    return {str(file): file.read_bytes() for file in islice(_sources(root), _MANY)}


def installed(folder: str, folders: Iterable[str]) -> set[str]:
    """What packagers have installed in a folder beside the function's own files, by the records of its metadata."""
    found: set[str] = set()
    for name in folders:
        if name.endswith(".dist-info") and not is_own(Path(folder, name)):
            with contextlib.suppress(OSError):
                lines = Path(folder, name, "RECORD").read_text(encoding="utf-8", errors="replace").splitlines()
                found |= {line.partition(",")[0].partition("/")[0] for line in lines}
    return found - {"", ".", ".."}  # scripts lie beside the folder


def is_own(metadata: Path) -> bool:
    """Whether a distribution was installed from a folder, so that it is the user's own.

    As https://peps.python.org/pep-0610/ says.
    """
    file = metadata / "direct_url.json"
    try:
        return file.is_file() and b'"dir_info"' in file.read_bytes()
    except OSError:
        return False


def _sources(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        theirs = installed(folder, folders)
        folders[:] = sorted(name for name in folders if name not in _NOT_CODE | theirs and name[0] != ".")
        files[:] = [name for name in files if name not in theirs]
        if "pyvenv.cfg" in files:
            folders.clear()
        else:
            yield from (Path(folder, name) for name in sorted(files) if name.endswith(".py"))


@cache
def _touches(root: Path) -> dict[str, dict[str, set[str]]]:
    """Return what hooks do to names, for each file with hooks; names of the file itself are ``file:name``."""
    found: dict[str, dict[str, set[str]]] = {}
    for file, text in _texts(root).items():
        module = _module(file, _DEEP) if _DECLARES.search(text) else None
        if module is not None:
            touches = found[file] = dict[str, set[str]]()
            for phase in (BEFORE, AFTER):
                for name, how in module.touches(phase).items():
                    seen = how - {"=", ".="} if phase == BEFORE else how
                    touches.setdefault(name if ":" in name else f"{file}:{name}", set()).update(seen)
    return found


class Around:
    """The other files of a project, seen from one file.

    Args:
        file: The path of the file.
        alone: Whether the others are not read: then the file counts as imported, and as repaired by no hook.
    """

    def __init__(self, file: str, *, alone: bool = False) -> None:
        self._file: Final = file
        self.alone: Final = alone
        self._root: Final = _root(Path(file).parent)

    @cached_property
    def touches(self) -> dict[str, set[str]]:
        """What hooks of other files do to names of this file, and to names of others as ``file:name``."""
        touches: dict[str, set[str]] = {}
        for other, names in _touches(self._root).items() if not self.alone else ():
            for name, how in names.items() if other != self._file else ():
                touches.setdefault(name.removeprefix(f"{self._file}:"), set()).update(how)
        return touches

    @cached_property
    def adopted(self) -> bool:
        """Whether the project uses `snapstart_hooks`, which awaits hooks of AWS's package."""
        return not self.alone and any(b"snapstart_hooks" in text for text in _texts(self._root).values())

    @cached_property
    def integrated(self) -> bool:
        """Whether the project imports `snapstart_hooks`, whose integrations reseed the generators of modules."""
        importing = re.compile(rb"(?m)^\s*(?:from|import)\s+snapstart_hooks\b")
        return not self.alone and any(map(importing.search, _texts(self._root).values()))

    @cached_property
    def imported(self) -> bool:
        """Whether another file imports this file."""
        file = Path(self._file)
        return self._finds(file.stem if file.stem != "__init__" else file.parent.name, r"(?m)^\s*(from|import)\b.*")

    def mentions(self, word: str) -> bool:
        """Return whether another file contains a word."""
        return self._finds(word)

    def _finds(self, word: str, before: str = "") -> bool:
        if self.alone:
            return True
        asked, text = re.compile(rf"{before}\b{re.escape(word)}\b".encode()), word.encode()
        others = (content for file, content in _texts(self._root).items() if file != self._file and text in content)
        return any(map(asked.search, others))
