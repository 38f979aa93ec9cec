"""Connections whose other end is gone, as a restored function finds its own.

In resumed VMs such a connection looks healthy: no error is pending and the first
``send`` succeeds.  Then the network answers with a reset (``reset``), or nothing
answers, until the reader's own timeout (``blackhole``).  A dead connection here is a
loopback connection whose far end is held by the supervisor, which resets it when a
request has arrived, or never reads.  The real connection is not touched: the clone only
drops its descriptor, and the zygote keeps another.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from .proc import descriptors, inode, replace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ("Connection", "connections", "feed", "machinery", "pair", "put_in_place", "put_options", "reset")

_KEPT_OPTIONS: Final = (
    (socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16),
    (socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 4),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 4),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 4),
)
"""What a client sets once and relies on later."""

_TCP_CLOSE: Final = 7
_TCP_LISTEN: Final = 10
_CHUNK: Final = 1 << 16


class Connection(NamedTuple):
    """A socket of this process that is connected, or is about to be.

    Attributes:
        fds: Its descriptors.
        family: ``AF_INET``, ``AF_INET6`` or ``AF_UNIX``.
        kind: ``SOCK_STREAM``, or of a Unix socket another one.
        peer: How to call its other end.
        twin: The descriptors of its other end, if that is in this process too.
    """

    fds: list[int]
    family: int
    kind: int
    peer: str
    twin: list[int]


machinery: Final[set[int]] = set()
"""Descriptors that belong to the run, and not to the function."""


def connections(but: Collection[int] = ()) -> list[Connection]:
    """The connections of the function: TCP, and Unix sockets; descriptors in `but` are left out."""
    sockets: dict[int, list[int]] = {}
    for fd, what in descriptors({*but, *machinery}).items():
        if what.startswith("socket:"):
            sockets.setdefault(inode(what), []).append(fd)
    unix = _unix_peers() if sockets else {}
    found: list[tuple[tuple[object, object], Connection]] = []
    for number, fds in sockets.items():
        sock = socket.socket(fileno=fds[0])
        try:
            ends = (number, unix[number]) if number in unix else _tcp_ends(sock)
            if ends is not None:
                found.append((ends, Connection(fds, sock.family, sock.type, _name(sock), [])))
        finally:
            sock.detach()
    own = {end: connection.fds for (end, _), connection in found}
    return [connection._replace(twin=own.get(other, [])) for (_, other), connection in found]


def _tcp_ends(sock: socket.socket) -> tuple[object, object] | None:
    """The addresses of both ends; ``None`` if it is no TCP socket that is connected or about to be."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or sock.type != socket.SOCK_STREAM:
        return None
    if sock.proto not in (0, socket.IPPROTO_TCP):
        return None
    if sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] in (_TCP_CLOSE, _TCP_LISTEN):
        return None
    try:
        return sock.getsockname()[:2], sock.getpeername()[:2]
    except OSError:  # not answered yet
        return sock.getsockname()[:2], None


def _name(sock: socket.socket) -> str:
    try:
        peer: tuple[object, ...] | bytes | str = sock.getpeername()
    except OSError:
        peer = ("not connected yet", 0)
    if isinstance(peer, tuple):
        host, port = str(peer[0]).removeprefix("::ffff:"), peer[1]
        return f"tcp [{host}]:{port}" if ":" in host else f"tcp {host}:{port}"
    path = peer.decode(errors="replace").replace("\0", "@") if isinstance(peer, bytes) else peer
    return f"unix {path or 'socket'}"


def pair(family: int, kind: int) -> tuple[socket.socket, socket.socket]:
    """Two new sockets that are connected to each other; both are Unix sockets, or TCP over the loopback interface."""
    if family == socket.AF_UNIX:
        return socket.socketpair(socket.AF_UNIX, kind)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        near = socket.create_connection(listener.getsockname())
        while True:
            far, address = listener.accept()
            if address == near.getsockname():
                return near, far
            far.close()  # another process on this machine was quicker


def reset(far: socket.socket) -> None:
    """Let the near end get a reset instead of an answer."""
    with contextlib.suppress(OSError):  # it may be reset itself, and a Unix socket knows no such
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    far.close()


def put_in_place(near: socket.socket, fds: Collection[int]) -> None:
    """Put a connection where another one was, with the options of that, and use it up."""
    for fd in fds:
        put_options(near.fileno(), fd)
        replace(fd, near.fileno())
    near.close()


def put_options(fd: int, old: int) -> None:
    """Give a socket the options of another one."""
    mine, its = socket.socket(fileno=fd), socket.socket(fileno=old)
    for level, option, size in _KEPT_OPTIONS:
        with contextlib.suppress(OSError):  # of a Unix socket
            mine.setsockopt(level, option, its.getsockopt(level, option, size))
    mine.detach()
    its.detach()
    os.set_blocking(fd, os.get_blocking(old))


def feed(old: int, other: socket.socket) -> None:
    """Send what waits to be read from `old` to its copy, whose far end is `other`."""
    reader = socket.socket(fileno=old)
    with contextlib.suppress(OSError):
        if waiting := reader.recv(_CHUNK, socket.MSG_PEEK | socket.MSG_DONTWAIT):
            other.send(waiting, socket.MSG_DONTWAIT)
    reader.detach()


# Only the socket diagnostics of the kernel show which Unix sockets are connected: sock_diag(7).
_SOCK_DIAG_BY_FAMILY: Final = 20
_NLM_F_REQUEST_DUMP: Final = 0x301
_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3
_UDIAG_SHOW_PEER: Final = 4
_UNIX_DIAG_PEER: Final = 2
_NETLINK_SOCK_DIAG: Final = 4


def _unix_peers() -> dict[int, int]:
    """The inode of the peer of every connected Unix socket that this process may see."""
    try:
        return dict(_unix_diagnostics())
    except OSError:  # a kernel without them: they stay shared
        return {}


def _unix_diagnostics() -> Iterator[tuple[int, int]]:
    """(inode, peer's inode) of every connected Unix socket that this process may see."""
    request = struct.pack("=BBHIII8s", socket.AF_UNIX, 0, 0, 0xFFFFFFFF, 0, _UDIAG_SHOW_PEER, b"\xff" * 8)
    header = struct.pack("=IHHII", 16 + len(request), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST_DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as netlink:
        netlink.send(header + request)
        while True:
            data = netlink.recv(_CHUNK)
            while data:
                length, kind = struct.unpack_from("=IH", data)
                if kind in (_NLMSG_DONE, _NLMSG_ERROR):
                    return
                yield from _peer(data[16:length])
                data = data[(length + 3) & ~3 :]


def _peer(message: bytes) -> Iterator[tuple[int, int]]:
    (own,) = struct.unpack_from("=I", message, 4)
    attributes = message[16:]
    while len(attributes) >= 4:  # noqa: PLR2004 - the size of an attribute's header
        length, kind = struct.unpack_from("=HH", attributes)
        if kind == _UNIX_DIAG_PEER:
            yield own, struct.unpack_from("=I", attributes, 4)[0]
        attributes = attributes[max(4, (length + 3) & ~3) :]
