"""What the kernel holds for the process: connections, files, child processes."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from ..kernel.connections import connections
from ..kernel.proc import children as child_processes
from ..kernel.proc import descriptors, inode
from .observation import observation
from .owners import HERE, made_at, names_of, nearest_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .observation import Observation

__all__ = ("Connections", "Files", "children")


class Connections:
    """TCP connections that the snapshot holds, and that are still in use when the hooks have run."""

    def __init__(self) -> None:
        self._found: dict[int, Observation] = {}
        self._inodes: dict[int, int] = {}

    def snapshot(self) -> None:
        """Note them, with their owners."""
        ours = _own_addresses()
        peers = {each.fds[0]: each.peer for each in connections() if not each.twin and each.peer not in ours}
        holders = _holders(set(peers))
        names = nearest_names([holder for some in holders.values() for holder in some])
        self._found = {fd: _connection(peer, holders.get(fd, []), names) for fd, peer in peers.items()}

    def restored(self) -> None:
        """Note which they are now: dead ones have been put in their place."""
        self._inodes = _sockets()

    def ready(self) -> Iterator[Observation]:
        """Those that are neither closed nor replaced."""
        now = _sockets()
        for fd, found in self._found.items():
            if fd in now and now[fd] == self._inodes.get(fd):
                yield found


def _connection(peer: str, holders: list[object], names: dict[int, str]) -> Observation:
    owner = next((names[id(each)] for each in holders if id(each) in names), "")
    made = next((line for each in holders if (line := made_at(each))), "")
    return observation(
        "open-connection",
        peer,
        "it was open at the snapshot, and no hook has closed or replaced it",
        ", made at ".join(filter(None, (owner, made))) or _unnamed(holders),
        grave=True,
    )


def _unnamed(holders: list[object]) -> str:
    return f"a {type(holders[0]).__module__}.{type(holders[0]).__qualname__}" if holders else ""


def _sockets() -> dict[int, int]:
    return {fd: inode(what) for fd, what in descriptors().items() if what.startswith("socket:")}


def _own_addresses() -> set[str]:
    """What is on the same machine on Lambda, and no peer that forgets."""
    api = f"http://{os.environ.get('AWS_LAMBDA_RUNTIME_API', '')}"
    addresses = [urlsplit(each) for each in (os.environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", ""), api)]
    return {f"tcp {parts.hostname}:{parts.port}" for parts in addresses if parts.hostname and parts.port}


def _holders(fds: set[int]) -> dict[int, list[object]]:
    """The Python objects whose ``fileno()`` is one of these; sockets and files first."""
    found: dict[int, list[object]] = {}
    if not fds:
        return found
    for each in gc.get_objects():
        fileno = getattr(cast("type[object]", type(each)), "fileno", None)
        if callable(fileno) and not issubclass(type(each), type):
            try:
                fd = cast("Callable[[object], object]", fileno)(each)
            except Exception:  # noqa: BLE001, S112 - it is closed, or no file at all
                continue
            if isinstance(fd, int) and fd in fds:
                found.setdefault(fd, []).append(each)
    return found


class Files:
    """Open files in the temporary directory."""

    def __init__(self) -> None:
        self._found: dict[int, str] = {}

    def snapshot(self) -> None:
        """Note them."""
        self._found = _temporary_files()

    def ready(self) -> Iterator[Observation]:
        """Those that are still open."""
        still = {fd: path for fd, path in _temporary_files().items() if self._found.get(fd) == path}
        holders = _holders(set(still))
        names = names_of(holder for some in holders.values() for holder in some)
        for fd, path in still.items():
            some = holders.get(fd, [])
            owner = next((names[id(each)] for each in some if id(each) in names), "") or _unnamed(some)
            made = next((line for each in some if (line := made_at(each))), "")
            yield observation(
                "open-temporary-file",
                _pattern(path, owner),
                f"{path} was open at the snapshot and still is: every environment goes on with its own copy",
                ", made at ".join(filter(None, (owner, made))),
            )


def _pattern(path: str, owner: str) -> str:
    """By what it is known: a temporary file has another name each time."""
    return owner or path


def _temporary_files() -> dict[int, str]:
    folders = {"/tmp", _temporary_directory()}
    return {
        fd: path
        for fd, path in descriptors().items()
        if fd > 2 and any(path.startswith(f"{folder}/") for folder in folders) and not path.startswith(HERE)  # noqa: PLR2004
    }


def _temporary_directory() -> str:
    made: object = getattr(sys.modules.get("tempfile"), "tempdir", None)
    return made if isinstance(made, str) else os.environ.get("TMPDIR", "/tmp")


def children() -> Iterator[Observation]:
    """The child processes."""
    for _, name in child_processes():
        yield observation(
            "child-process", f"process {name}", "it was running at the snapshot, so it is in every restored environment"
        )
