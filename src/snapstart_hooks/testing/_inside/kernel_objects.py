"""Gives a clone its own copy of what it would otherwise share with the other clones.

A resumed VM has its own kernel.  A cloned process shares every open file description:
two clones that use an event loop made before the snapshot would be woken by each other,
and two that read from an open file would each get a part of it.  So what exists only
between this process and the kernel is made anew, in the state it had: positions in
regular files, event file descriptors, pipes and Unix socket pairs with both ends in this
process, and, last, epoll sets.  What has another process at its other end stays shared.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import platform
import socket
import stat
import struct
from typing import TYPE_CHECKING, Final

from .descriptors import descriptors, inode, replace
from .linux import libc

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ("own_epolls", "own_objects")

_CHUNK: Final = 1 << 16
_SPLICE_F_NONBLOCK: Final = 2


def own_objects(but: Collection[int]) -> None:
    """Make all anew but epoll sets; descriptors in `but` are left alone."""
    found = descriptors(but)
    _own_pairs(found)
    for fd, what in found.items():
        with contextlib.suppress(OSError):  # not ours to open again: it stays shared
            if what == "anon_inode:[eventfd]":
                _own_eventfd(fd)
            elif what.startswith("/") and stat.S_ISREG(os.fstat(fd).st_mode):
                _own_position(fd)


def own_epolls(but: Collection[int]) -> None:
    """Make epoll sets anew; when all that they watch is in its place."""
    for fd, what in descriptors(but).items():
        if what == "anon_inode:[eventpoll]":
            _own_epoll(fd)


def _own_position(fd: int) -> None:
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    opened = os.open(f"/proc/self/fd/{fd}", flags & ~(os.O_CREAT | os.O_EXCL | os.O_TRUNC) | os.O_CLOEXEC)
    with contextlib.suppress(OSError):
        os.lseek(opened, os.lseek(fd, 0, os.SEEK_CUR), os.SEEK_SET)
    replace(fd, opened)
    os.close(opened)


def _own_eventfd(fd: int) -> None:
    told = dict(_info(fd))
    opened = os.eventfd(0, fcntl.fcntl(fd, fcntl.F_GETFL) & os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    if count := int(told["eventfd-count"], 16):
        os.eventfd_write(opened, count)
    replace(fd, opened)
    os.close(opened)


def _own_epoll(fd: int) -> None:
    fresh: int = libc.epoll_create1(ctypes.c_int(os.O_CLOEXEC))
    for key, value in _info(fd):
        if key == "tfd":
            # "5 events: 19 data: 5 pos:0 ino:61af sdev:7", of which the second and third are hexadecimal
            words = value.replace(":", ": ").split()
            _watch(fresh, int(words[0]), int(words[2], 16), int(words[4], 16))
    replace(fd, fresh)
    os.close(fresh)


def _watch(epoll: int, fd: int, events: int, data: int) -> None:
    # On x86-64 the structure is packed.
    event = struct.pack("=IQ" if platform.machine() == "x86_64" else "=IxxxxQ", events, data)
    libc.epoll_ctl(ctypes.c_int(epoll), ctypes.c_int(1), ctypes.c_int(fd), ctypes.c_char_p(event))


def _own_pairs(found: dict[int, str]) -> None:
    """Pipes and Unix socket pairs that nobody else holds an end of."""
    pipes: dict[int, dict[bool, list[int]]] = {}
    sockets: dict[int, list[int]] = {}
    for fd, what in found.items():
        if what.startswith("pipe:"):
            writes = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY
            pipes.setdefault(inode(what), {}).setdefault(writes, []).append(fd)
        elif what.startswith("socket:"):
            sockets.setdefault(inode(what), []).append(fd)
    for ends in pipes.values():
        if len(ends) == 2:  # noqa: PLR2004 - a pipe has two
            _own_pipe(ends[False], ends[True])
    for one, other in _unix_peers(sockets):
        _own_socketpair(sockets[one], sockets[other])


def _own_pipe(readers: list[int], writers: list[int]) -> None:
    read, write = os.pipe()
    # What is in the pipe is duplicated, not taken out.
    source, target = ctypes.c_int(readers[0]), ctypes.c_int(write)
    libc.tee(source, target, ctypes.c_size_t(_CHUNK), ctypes.c_uint(_SPLICE_F_NONBLOCK))
    _put([(readers, read), (writers, write)])


def _own_socketpair(ours: list[int], theirs: list[int]) -> None:
    old = socket.socket(fileno=ours[0])
    kind = old.type
    old.detach()
    one, other = socket.socketpair(socket.AF_UNIX, kind)
    with one, other:
        for fd, feed in ((ours[0], other), (theirs[0], one)):
            reader = socket.socket(fileno=fd)
            with contextlib.suppress(BlockingIOError):
                if waiting := reader.recv(_CHUNK, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    feed.send(waiting, socket.MSG_DONTWAIT)
            reader.detach()
        _put([(ours, os.dup(one.fileno())), (theirs, os.dup(other.fileno()))])


def _put(ends: list[tuple[list[int], int]]) -> None:
    for fds, fresh in ends:
        os.set_blocking(fresh, os.get_blocking(fds[0]))
        for fd in fds:
            replace(fd, fresh)
        os.close(fresh)


def _info(fd: int) -> Iterator[tuple[str, str]]:
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as lines:  # noqa: PTH123 - no pathlib here
        for line in lines:
            key, _, value = line.partition(":")
            yield key.strip(), value.strip()


# Who is connected to whom only the socket diagnostics of the kernel tell: sock_diag(7).
_SOCK_DIAG_BY_FAMILY: Final = 20
_NLM_F_REQUEST_DUMP: Final = 0x301
_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3
_UDIAG_SHOW_PEER: Final = 4
_UNIX_DIAG_PEER: Final = 2
_NETLINK_SOCK_DIAG: Final = 4


def _unix_peers(inodes: Collection[int]) -> Iterator[tuple[int, int]]:
    """The pairs among these Unix sockets that are connected to each other."""
    if len(inodes) < 2:  # noqa: PLR2004
        return
    try:
        peers = dict(_unix_diagnostics())
    except OSError:  # a kernel without them: they stay shared
        return
    for one in inodes:
        other = peers.get(one)
        if other is not None and one < other and other in inodes and peers.get(other) == one:
            yield one, other


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
