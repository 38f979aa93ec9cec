"""What the kernel holds for the process: connections, files, child processes."""

from __future__ import annotations

import gc
import os
import socket
import sys
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from ..descriptors import descriptors, inode, tcp_connections  # noqa: TID252 - loaded under another name
from .owners import made_at, names_of, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .sighting import Sighting

__all__ = ("Connections", "Files", "children")


class Connections:
    """TCP connections that the snapshot holds, and that are still in use when the hooks have run."""

    def __init__(self) -> None:
        self._found: dict[int, Sighting] = {}
        self._inodes: dict[int, int] = {}

    def snapshot(self) -> None:
        """Note them, with their owners."""
        fds = {fd: number for number, same in tcp_connections().items() for fd in same}
        holders = _holders(set(fds))
        names = told([holder for some in holders.values() for holder in some])
        for fd in fds:
            peer = _peer(fd)
            if peer is not None and peer not in _own_addresses():
                self._found[fd] = _connection(peer, holders.get(fd, []), names)

    def restored(self) -> None:
        """Note which they are now: dead ones have been put in their place."""
        self._inodes = _sockets()

    def ready(self) -> Iterator[Sighting]:
        """Those that nobody has closed or replaced."""
        now = _sockets()
        for fd, found in self._found.items():
            if fd in now and now[fd] == self._inodes.get(fd):
                yield found


def _connection(peer: tuple[str, int], holders: list[object], names: dict[int, str]) -> Sighting:
    owner = next((names[id(each)] for each in holders if id(each) in names), "")
    made = next((line for each in holders if (line := made_at(each))), "")
    host = f"[{peer[0]}]" if ":" in peer[0] else peer[0]
    return {
        "code": "open-connection",
        "subject": f"tcp {host}:{peer[1]}",
        "detail": "it was open at the snapshot, and no hook has closed or replaced it",
        "origin": ", made at ".join(filter(None, (owner, made))) or _unnamed(holders),
        "grave": True,
        "used": True,
    }


def _unnamed(holders: list[object]) -> str:
    return f"a {type(holders[0]).__module__}.{type(holders[0]).__qualname__}" if holders else ""


def _sockets() -> dict[int, int]:
    return {fd: inode(what) for fd, what in descriptors().items() if what.startswith("socket:")}


def _peer(fd: int) -> tuple[str, int] | None:
    sock = socket.socket(fileno=fd)
    try:
        address: tuple[str, int] = sock.getpeername()
    except OSError:
        return None
    else:
        return address[0].removeprefix("::ffff:"), address[1]
    finally:
        sock.detach()


def _own_addresses() -> set[tuple[str, int]]:
    """What is on the same machine on Lambda, and no peer that forgets."""
    found: set[tuple[str, int]] = set()
    for address in (
        os.environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", ""),
        f"http://{os.environ.get('AWS_LAMBDA_RUNTIME_API', '')}",
    ):
        parts = urlsplit(address)
        if parts.hostname and parts.port:
            found.add((parts.hostname, parts.port))
    return found


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

    def ready(self) -> Iterator[Sighting]:
        """Those that are still open."""
        still = {fd: path for fd, path in _temporary_files().items() if self._found.get(fd) == path}
        holders = _holders(set(still))
        names = names_of(holder for some in holders.values() for holder in some)
        for fd, path in still.items():
            some = holders.get(fd, [])
            owner = next((names[id(each)] for each in some if id(each) in names), "") or _unnamed(some)
            made = next((line for each in some if (line := made_at(each))), "")
            yield {
                "code": "open-temporary-file",
                "subject": _pattern(path, owner),
                "detail": f"{path} was open at the snapshot and still is: every environment goes on with its own copy",
                "origin": ", made at ".join(filter(None, (owner, made))),
                "grave": False,
                "used": True,
            }


def _pattern(path: str, owner: str) -> str:
    """By what it is known: a temporary file has another name each time."""
    return owner or path


def _temporary_files() -> dict[int, str]:
    folders = {"/tmp", _temporary_directory()}  # noqa: S108 - what Lambda has
    here = f"{os.getcwd()}/"  # noqa: PTH109 - no pathlib here
    return {
        fd: path
        for fd, path in descriptors().items()
        if fd > 2 and any(path.startswith(f"{folder}/") for folder in folders) and not path.startswith(here)  # noqa: PLR2004
    }


def _temporary_directory() -> str:
    made: object = getattr(sys.modules.get("tempfile"), "tempdir", None)
    return made if isinstance(made, str) else os.environ.get("TMPDIR", "/tmp")  # noqa: S108


_ENDED: Final = "Z"


def children() -> Iterator[Sighting]:
    """The child processes."""
    own = os.readlink("/proc/self")  # noqa: PTH115 - as /proc counts, maybe outside our PID namespace
    for pid in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
                stat = file.read()
        except OSError:
            continue  # it has ended
        name, _, rest = stat.partition("(")[2].rpartition(")")
        state, parent, *_ = rest.split()
        if parent == own and state != _ENDED:
            yield {
                "code": "child-process",
                "subject": f"process {name}",
                "detail": "it was running at the snapshot, so it is in every restored environment",
                "origin": "",
                "grave": False,
                "used": True,
            }
