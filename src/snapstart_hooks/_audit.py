"""What a snapshot should not contain and the kernel can tell cheaply: connections, threads, children.

Run at the end of the before_snapshot phase if ``SNAPSTART_HOOKS_AUDIT`` says so.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

from ._compat import override
from ._foreign import tried

if TYPE_CHECKING:
    from collections.abc import Iterator

_CREDENTIALS: Final = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_ESTABLISHED: Final = "01"  # TCP_ESTABLISHED of the kernel's include/net/tcp_states.h


class Finding:
    """One thing that will be wrong in a restored environment: a connection, a thread or a child."""

    def __init__(self, kind: str, what: str, remedy: str) -> None:
        self.kind: Final = kind
        self.what: Final = what
        self.remedy: Final = remedy

    def to_dict(self) -> dict[str, str]:
        """The same as JSON can hold it."""
        return {"kind": self.kind, "what": self.what, "remedy": self.remedy}

    @override
    def __str__(self) -> str:
        return f"{self.kind} {self.what}: {self.remedy}"


class Link(NamedTuple):
    """A TCP connection of this process.

    Attributes:
        fd: The file descriptor.
        local: Address and port of this end.
        remote: Those of the other end.
    """

    fd: int
    local: tuple[str, int]
    remote: tuple[str, int]


def audit() -> list[Finding]:
    """Everything that is found in this process now, but connections whose other end is in the same snapshot."""
    return [*connections(), *threads(), *children()]


def connections() -> Iterator[Finding]:
    """The established TCP connections of this process to others, on this machine too."""
    if not (found := established()):
        return
    from ._holders import holders

    known = (
        tried(lambda: holders({link.fd for link in found}))[0] or {}
    )  # without them the connections are reported all the same
    for link in found:
        where = f"fd {link.fd}, {link.local[0]}:{link.local[1]} → {link.remote[0]}:{link.remote[1]}"
        if known and (holder := known.get(link.fd)):
            where += f", held by {holder}"
        yield Finding("connection", where, "it is dead after a restore; close it in a before_snapshot hook")


def established() -> list[Link]:
    """The connections that `connections` tells of."""
    inodes = dict(_sockets())
    if not inodes:
        return []
    found = [
        Link(inodes[inode], local, remote)
        for table in ("tcp", "tcp6")
        for local, remote, state, inode in _table(f"/proc/self/net/{table}")
        if state == _ESTABLISHED and inode in inodes
    ]
    near = {link.local for link in found} | of_lambda()
    return [link for link in found if link.remote not in near]


def of_lambda() -> set[tuple[str, int]]:
    """The addresses of the Runtime API and of the endpoint for credentials."""
    api, credentials = os.environ.get("AWS_LAMBDA_RUNTIME_API", ""), os.environ.get(_CREDENTIALS, "")
    found: set[tuple[str, int]] = set()
    for address in (api, credentials.partition("//")[2].partition("/")[0]):
        host, _, port = address.rpartition(":")
        if host and port.isdecimal():
            found.add((host, int(port)))
    return found


def threads() -> Iterator[Finding]:
    """The Python threads beside the main one; ours, which only wait, are left out."""
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and thread.name != "snapstart_hooks":
            what = f"{thread.name!r} ({'daemon' if thread.daemon else 'not daemon'})"
            remedy = "it runs on after a restore before any after_restore hook; stop it in a before_snapshot hook"
            yield Finding("thread", what, remedy)


def children() -> Iterator[Finding]:
    """The child processes."""
    ours = os.readlink("/proc/self")  # noqa: PTH115 - as /proc counts, maybe outside our PID namespace
    for pid in sorted(filter(str.isdigit, os.listdir("/proc")), key=int):  # noqa: PTH208 - no pathlib here
        stat = _read(f"/proc/{pid}/stat")
        name, _, rest = stat.partition("(")[2].rpartition(")")
        if rest.split()[1:2] == [ours]:
            remedy = "it is cloned with its own stale state and no hook runs in it; end it in a before_snapshot hook"
            yield Finding("child", f"process {pid} ({name})", remedy)


def _sockets() -> Iterator[tuple[str, int]]:
    try:
        fds = os.listdir("/proc/self/fd")  # noqa: PTH208
    except OSError:
        return  # no Linux
    for fd in fds:
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")  # noqa: PTH115
        except OSError:
            continue  # closed meanwhile
        if target.startswith("socket:["):
            yield target[8:-1], int(fd)


def _table(path: str) -> Iterator[tuple[tuple[str, int], tuple[str, int], str, str]]:
    for line in _read(path).splitlines()[1:]:
        _, local, remote, state, *rest = line.split()
        yield _address(local), _address(remote), state, rest[5]


def _address(text: str) -> tuple[str, int]:
    """``0100007F:1F90`` as the kernel prints it: words in the machine's byte order."""
    import ipaddress  # only where there is a connection: most processes have none at this moment

    host, _, port = text.partition(":")
    words = [int(host[at : at + 8], 16).to_bytes(4, "little") for at in range(0, len(host), 8)]
    packed = b"".join(words)
    address = ipaddress.ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address), int(port, 16)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - no pathlib here
            return file.read()
    except OSError:
        return ""  # no such table, or the process has ended
