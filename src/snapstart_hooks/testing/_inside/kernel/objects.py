"""Gives a clone its own copy of what it would otherwise share with the other clones.

A resumed VM has its own kernel.  A cloned process shares every open file description and
every shared mapping: two clones that use an event loop made before the snapshot would be
woken by each other, and two that read from an open file would each get a part of it.  So
what exists only between this process and the kernel is made anew, in the state it had:
positions in files, files that only this machine has, shared memory, event file
descriptors, pipes and connections with both ends in this process, and, last, epoll sets.
The other end of a pipe to another process is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import mmap
import os
import stat
import struct
from typing import TYPE_CHECKING, Final

from . import linux
from .connections import connections, feed, pair, put_in_place
from .linux import libc
from .mounts import OWN
from .proc import Mapping, descriptors, fields, inode, mappings, replace

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ("own_epolls", "own_objects")

_CHUNK: Final = 1 << 16
_SPLICE_F_NONBLOCK: Final = 2
_DELETED: Final = " (deleted)"


def own_objects(but: Collection[int], shared: dict[int, str]) -> None:
    """Make all anew but epoll sets and descriptors in `but`; `shared` is that of `Folders`."""
    found = descriptors(but)
    _own_pipes({fd: what for fd, what in found.items() if fd > 2})  # noqa: PLR2004 - the standard ones are given
    _own_pairs(but)
    _own_files({fd: what for fd, what in found.items() if what.startswith("/")}, shared)
    for fd, what in found.items():
        if what == "anon_inode:[eventfd]":
            with contextlib.suppress(OSError):  # not ours to open again: it stays shared
                _own_eventfd(fd)


def own_epolls(but: Collection[int]) -> None:
    """Make epoll sets anew; when all that they watch is in its place."""
    for fd, what in descriptors(but).items():
        if what == "anon_inode:[eventpoll]":
            _own_epoll(fd)


def _own_eventfd(fd: int) -> None:
    info = dict(fields(f"self/fdinfo/{fd}"))
    opened = os.eventfd(0, fcntl.fcntl(fd, fcntl.F_GETFL) & os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    if count := int(info["eventfd-count"], 16):
        os.eventfd_write(opened, count)
    replace(fd, opened)
    os.close(opened)


def _own_epoll(fd: int) -> None:
    fresh: int = libc.epoll_create1(ctypes.c_int(os.O_CLOEXEC))
    for key, value in fields(f"self/fdinfo/{fd}"):
        if key == "tfd":
            # "5 events: 19 data: 5 pos:0 ino:61af sdev:7", of which the second and third are hexadecimal
            words = value.replace(":", ": ").split()
            _watch(fresh, int(words[0]), int(words[2], 16), int(words[4], 16))
    replace(fd, fresh)
    os.close(fresh)


def _watch(epoll: int, fd: int, events: int, data: int) -> None:
    # On x86-64 the structure is packed.
    event = struct.pack("=IQ" if os.uname().machine == "x86_64" else "=IxxxxQ", events, data)
    libc.epoll_ctl(ctypes.c_int(epoll), ctypes.c_int(1), ctypes.c_int(fd), ctypes.c_char_p(event))


def _own_pipes(found: dict[int, str]) -> None:
    """Pipes: with both ends in this process a copy, and else one whose other end is gone."""
    pipes: dict[int, dict[bool, list[int]]] = {}
    for fd, what in found.items():
        if what.startswith("pipe:"):
            writes = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY
            pipes.setdefault(inode(what), {}).setdefault(writes, []).append(fd)
    for ends in pipes.values():
        read, write = os.pipe()
        for readers in ends.get(False, [])[:1]:
            # What is in the pipe is duplicated, not taken out.
            source, target = ctypes.c_int(readers), ctypes.c_int(write)
            libc.tee(source, target, ctypes.c_size_t(_CHUNK), ctypes.c_uint(_SPLICE_F_NONBLOCK))
        for fresh, fds in ((read, ends.get(False, [])), (write, ends.get(True, []))):
            for fd in fds:
                os.set_blocking(fresh, os.get_blocking(fd))
                replace(fd, fresh)
            os.close(fresh)


def _own_pairs(but: Collection[int]) -> None:
    """Connections with both ends in this process."""
    done: set[int] = set()
    for connection in connections(but):
        ours, theirs = connection.fds, connection.twin
        if theirs and not done & {*ours, *theirs}:
            done.update(ours, theirs)
            one, other = pair(connection.family, connection.kind)
            feed(ours[0], other)
            feed(theirs[0], one)
            put_in_place(one, ours)
            put_in_place(other, theirs)


def _own_files(found: dict[int, str], shared: dict[int, str]) -> None:
    """Positions in files; and files that only this machine has, with what is mapped of them."""
    copies: dict[tuple[str, int], int] = {}
    for fd, path in found.items():
        with contextlib.suppress(OSError):  # not ours to open again: it stays shared
            status = os.fstat(fd)
            if stat.S_ISREG(status.st_mode):
                path = _name(path, status.st_ino, shared)  # noqa: PLW2901 - the same file
                key = _key(path, status.st_ino)
                if key not in copies and _is_own(path):
                    copies[key] = _opened(path) or _copied(fd)
                _own_position(fd, copies.get(key, fd))
    for mapped in mappings():
        each = mapped._replace(path=_name(mapped.path, mapped.inode, shared))
        if "s" in each.permissions and _is_own(each.path):
            key = _key(each.path, each.inode)
            if key not in copies:
                copies[key] = _opened(each.path) or os.memfd_create("snapstart-shared", os.MFD_CLOEXEC)
            with contextlib.suppress(OSError):
                _map(each, copies[key], fill=not _opened_by_name(each.path))
    for fd in copies.values():
        os.close(fd)


def _name(path: str, number: int, shared: dict[int, str]) -> str:
    """Its name, also if it has lost the one by which it was opened and kept another."""
    return shared.get(number, path) if path.startswith(OWN[1]) and path.endswith(_DELETED) else path


def _key(path: str, number: int) -> tuple[str, int]:
    """What identifies a file; in an overlay it has another device and folder than what is mapped of it."""
    return path.rpartition("/")[2], number


def _is_own(path: str) -> bool:
    """Whether no other machine has the file: it is in memory, has no name any more, or is in a folder of its own."""
    return path.startswith((*OWN, "/memfd:")) or path.endswith(_DELETED)


def _opened_by_name(path: str) -> bool:
    return path.startswith(OWN) and os.path.isfile(path)


def _opened(path: str) -> int | None:
    """This clone's copy of a file that has a name."""
    if not _opened_by_name(path):
        return None
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _copied(fd: int) -> int:
    """A copy of a file that has none."""
    copy = os.memfd_create("snapstart-copy", os.MFD_CLOEXEC)
    source = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    at = 0
    while sent := os.sendfile(copy, source, at, 1 << 30):
        at += sent
    os.close(source)
    return copy


def _map(each: Mapping, fd: int, *, fill: bool) -> None:
    """Let a shared mapping be one of this file, which is filled with what is in the memory."""
    size = each.end - each.start
    if fill and "r" in each.permissions:
        os.ftruncate(fd, max(os.fstat(fd).st_size, each.offset + size))
        os.pwrite(fd, (ctypes.c_char * size).from_address(each.start), each.offset)
    kinds = (("r", mmap.PROT_READ), ("w", mmap.PROT_WRITE), ("x", mmap.PROT_EXEC))
    linux.map_shared(each.start, size, sum(bit for kind, bit in kinds if kind in each.permissions), fd, each.offset)


_ONCE: Final = os.O_CREAT | os.O_EXCL | os.O_TRUNC | os.O_TMPFILE | os.O_NOFOLLOW
"""What a file is opened with the first time only."""


def _own_position(fd: int, file: int) -> None:
    """Open a file anew, where `fd` is in it."""
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    opened = os.open(f"/proc/self/fd/{file}", flags & ~_ONCE | os.O_CLOEXEC)
    with contextlib.suppress(OSError):
        os.lseek(opened, os.lseek(fd, 0, os.SEEK_CUR), os.SEEK_SET)
    replace(fd, opened)
    os.close(opened)
