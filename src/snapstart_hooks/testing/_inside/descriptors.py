"""What the open file descriptors of this process are, from ``/proc/self/fd``."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ("close_on_exec", "descriptors", "inode", "replace", "tcp_connections")

_TCP_CLOSE: Final = 7
_TCP_LISTEN: Final = 10


def descriptors(but: Collection[int] = ()) -> dict[int, str]:
    """Every open descriptor but those in `but`, and what it is: a path or ``socket:[inode]``."""
    found: dict[int, str] = {}
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - no pathlib here
        fd = int(name)
        if fd not in but:
            try:
                found[fd] = os.readlink(f"/proc/self/fd/{fd}")  # noqa: PTH115
            except OSError:  # the one that read the directory
                continue
    return found


def inode(what: str) -> int:
    """The number in ``socket:[number]`` or ``pipe:[number]``."""
    return int(what.partition("[")[2].rstrip("]"))


def tcp_connections() -> dict[int, list[int]]:
    """The TCP sockets that are connected, or are about to be, by inode; a socket may have several descriptors."""
    found: dict[int, list[int]] = {}
    for fd, what in sorted(descriptors().items()):
        if what.startswith("socket:") and _is_tcp_connection(fd):
            found.setdefault(inode(what), []).append(fd)
    return found


def _is_tcp_connection(fd: int) -> bool:
    sock = socket.socket(fileno=fd)
    try:
        if sock.family not in (socket.AF_INET, socket.AF_INET6) or sock.type != socket.SOCK_STREAM:
            return False
        if sock.proto not in (0, socket.IPPROTO_TCP):
            return False
        state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        return state not in (_TCP_CLOSE, _TCP_LISTEN)
    finally:
        sock.detach()


def replace(fd: int, by: int) -> None:
    """Let `fd` mean what `by` means; `by` stays open.  Nobody at the other end of the old one is told."""
    os.dup2(by, fd, inheritable=os.get_inheritable(fd))


def close_on_exec(fds: Collection[int]) -> None:
    """See that programs which the function starts do not get these."""
    for fd in fds:
        os.set_inheritable(fd, False)  # noqa: FBT003
