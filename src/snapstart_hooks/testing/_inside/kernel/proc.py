"""Reads ``/proc``: descriptors, mappings, processes, settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = (
    "Mapping",
    "children",
    "close_on_exec",
    "descriptors",
    "fields",
    "inode",
    "mappings",
    "replace",
    "sysctl",
    "tasks",
    "text",
    "threads",
)


class Mapping(NamedTuple):
    """A line of ``/proc/self/maps``."""

    start: int
    end: int
    permissions: str
    offset: int
    inode: int
    path: str


def text(path: str) -> str:
    """A file of ``/proc``; empty if it cannot be read."""
    try:
        with open(f"/proc/{path}", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def fields(path: str) -> Iterator[tuple[str, str]]:
    """The lines ``name: value`` of a file of ``/proc``."""
    for line in text(path).splitlines():
        name, _, value = line.partition(":")
        yield name.strip(), value.strip()


def sysctl(name: str) -> str | None:
    """A setting of the kernel; ``None`` if it has no such."""
    return text(f"sys/{name}").strip() or None


def descriptors(but: Collection[int] = ()) -> dict[int, str]:
    """Every open descriptor but those in `but`, and what it is: a path or ``socket:[inode]``."""
    found: dict[int, str] = {}
    for fd in sorted(map(int, os.listdir("/proc/self/fd"))):
        if fd not in but:
            try:
                found[fd] = os.readlink(f"/proc/self/fd/{fd}")
            except OSError:  # the one that read the directory
                continue
    return found


def inode(what: str) -> int:
    """The number in ``socket:[number]`` or ``pipe:[number]``."""
    return int(what.partition("[")[2].rstrip("]"))


def mappings() -> Iterator[Mapping]:
    """What is mapped into the memory of this process."""
    for line in text("self/maps").splitlines():
        addresses, permissions, offset, _, number, *path = line.split(None, 5)
        start, _, end = addresses.partition("-")
        name = path[0] if path else ""
        yield Mapping(int(start, 16), int(end, 16), permissions, int(offset, 16), int(number), name)


def threads() -> list[int]:
    """The kernel's ids of the threads of this process but this one, whoever started them.

    They are as ``/proc`` has them, which shows the PID namespace that it was mounted in.
    """
    own = os.readlink("/proc/thread-self").rpartition("/")[2]
    return [int(name) for name in os.listdir("/proc/self/task") if name != own]


def children() -> Iterator[tuple[int, str]]:
    """The pid and the name of each child process that has not ended."""
    own = os.readlink("/proc/self")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        name, _, rest = text(f"{pid}/stat").partition("(")[2].rpartition(")")
        if rest.split()[1:2] == [own] and rest.split()[0] != "Z":
            yield int(pid), name


def tasks(pid: int) -> Iterator[str]:
    """Where in ``/proc`` the threads of a process are, and those of what it started."""
    try:
        names = os.listdir(f"/proc/{pid}/task")
    except OSError:  # it has ended
        return
    for name in names:
        yield f"{pid}/task/{name}"
        for child in text(f"{pid}/task/{name}/children").split():
            yield from tasks(int(child))


def replace(fd: int, by: int) -> None:
    """Let `fd` mean what `by` means; `by` stays open.  The other end of the old one does not notice."""
    os.dup2(by, fd, inheritable=os.get_inheritable(fd))


def close_on_exec(fds: Collection[int]) -> None:
    """See that programs which the function starts do not get these."""
    for fd in fds:
        os.set_inheritable(fd, False)  # noqa: FBT003
