"""What is declared of each application: the mistakes planted in its broken twin, and what shows them.

Beside that one stands one that is repaired with hooks, and mostly one with resources.

A ``mistakes.toml`` beside the twins holds it; `Pair.read` checks it against the sources.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("BACKENDS", "HERE", "KINDS", "REPAIRED", "DeclaredError", "Mistake", "Pair", "Place", "pairs")

BACKENDS: Final = ("criu", "namespace")
"""How clones are made that can show what is planted; in those of a fork, random numbers do not repeat."""
HERE: Final = Path(__file__).parent
REPAIRED: Final = ("repaired", "resources")
"""The twins without mistakes: with hooks, and with resources."""
KINDS: Final = {
    "connection": "a TCP connection from before the snapshot, dead in every clone",
    "generator": "a generator of random numbers that goes on alike in every clone",
    "value": "an id or a secret made once, the same in every clone",
    "time": "a time, or a deadline, of the initialisation",
    "credentials": "keys or tokens from before the snapshot, long expired",
    "unsent": "what was recorded and not sent, so that every clone sends it",
    "thread": "a thread that runs on in every clone before any hook",
    "file": "a temporary file or folder whose name every clone has",
    "by-value": "a hook binds a name anew that another module has imported by value",
}


class DeclaredError(Exception):
    """A ``mistakes.toml`` and the sources do not fit; the message says which, and how."""


@dataclass(frozen=True)
class Place:
    """A line of a source.

    Attributes:
        file: The module.
        line: Which line, from 1.
    """

    file: Path
    line: int


@dataclass(frozen=True)
class Mistake:
    """One that is planted in the broken twin.

    Attributes:
        name: What it is called in tables.
        kind: One of `KINDS`.
        places: The line that does it, and those at the top of a module that let it be done.
        happens: What it does on Lambda.
        clues: Findings that show it: patterns of `fnmatch` for ``code:subject (origin)`` of
            a hazard, or for ``failure:text`` of an event that was not answered.
        missed: Why the clones do not show it, by their backend; it lacks those that do.
    """

    name: str
    kind: str
    places: tuple[Place, ...]
    happens: str
    clues: tuple[str, ...]
    missed: Mapping[str, str]

    def is_shown_by(self, finding: str) -> bool:
        """Whether a finding is about this mistake."""
        return any(fnmatchcase(finding, clue) for clue in self.clues)

    def missed_by(self, backend: str) -> str:
        """Why the clones of a backend do not show it; empty if they do."""
        return self.missed.get(backend, "")


@dataclass(frozen=True)
class Pair:
    """An application, broken and repaired.

    Attributes:
        name: That of its folder.
        folder: Where it is.
        handler: As in the configuration of a function.
        servers: What it talks to: names of `servers.SERVERS`.
        timeout: Seconds for all events of a clone.
        events: What is sent to it, each the text of a JSON document.
        mistakes: Those planted in the broken twin.
    """

    name: str
    folder: Path
    handler: str
    servers: tuple[str, ...]
    timeout: float
    events: tuple[str, ...]
    mistakes: tuple[Mistake, ...]

    @property
    def repaired(self) -> tuple[str, ...]:
        """The twins without mistakes."""
        return tuple(twin for twin in REPAIRED if (self.folder / twin).is_dir())

    @classmethod
    def read(cls, folder: Path) -> Pair:
        """The pair in a folder.

        Raises:
            DeclaredError: What is declared does not fit the sources.
        """
        declared = tomllib.loads((folder / "mistakes.toml").read_text(encoding="utf-8"))
        events = sorted((folder / "events").glob("*.json"))
        return cls(
            name=folder.name,
            folder=folder,
            handler=declared.get("handler", "app.lambda_handler"),
            servers=tuple(declared.get("servers", ())),
            timeout=float(declared.get("timeout", 30)),
            events=tuple(json.dumps(json.loads(event.read_text(encoding="utf-8"))) for event in events),
            mistakes=tuple(_mistake(folder, each) for each in declared["mistakes"]),
        )


def pairs() -> tuple[Pair, ...]:
    """All of them, by name.

    Raises:
        DeclaredError: What is declared of one does not fit its sources.
    """
    return tuple(Pair.read(declared.parent) for declared in sorted(HERE.glob("*/mistakes.toml")))


def _mistake(folder: Path, declared: Mapping[str, object]) -> Mistake:
    name = f"{folder.name}/mistakes.toml: {declared.get('name')}"
    if lacking := {"name", "kind", "file", "line", "happens", "clues"} - declared.keys():
        msg = f"{name}: it lacks {', '.join(sorted(lacking))}"
        raise DeclaredError(msg)
    if declared["kind"] not in KINDS:
        msg = f"{name}: there is no kind {declared['kind']!r}; there are {', '.join(KINDS)}"
        raise DeclaredError(msg)
    missed = declared.get("missed", {})
    if not isinstance(missed, dict):  # the same reason for each of them
        missed = dict.fromkeys(BACKENDS, missed)
    if unknown := missed.keys() - {*BACKENDS}:
        msg = f"{name}: there is no backend {', '.join(sorted(unknown))}; there are {', '.join(BACKENDS)}"
        raise DeclaredError(msg)
    marked = [declared, *cast("list[Mapping[str, object]]", declared.get("also", ()))]
    return Mistake(
        name=str(declared["name"]),
        kind=str(declared["kind"]),
        places=tuple(_place(name, folder / "broken" / str(each["file"]), str(each["line"])) for each in marked),
        happens=str(declared["happens"]),
        clues=tuple(cast("list[str]", declared["clues"])),
        missed=cast("Mapping[str, str]", missed),
    )


def _place(name: str, file: Path, marker: str) -> Place:
    lines = file.read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines, 1) if marker in line]
    if len(found) != 1:
        msg = f"{name}: {marker!r} stands in {len(found)} lines of {file}, and has to in one"
        raise DeclaredError(msg)
    return Place(file, found[0])
