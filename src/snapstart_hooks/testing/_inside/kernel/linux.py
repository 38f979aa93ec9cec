"""The system calls that Python has no function for."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Final

from .proc import fields

__all__ = (
    "CLONE_NEWNS",
    "CLONE_NEWPID",
    "CLONE_NEWTIME",
    "CLONE_NEWUSER",
    "MS_BIND",
    "MS_PRIVATE",
    "MS_REC",
    "WALL",
    "adopt_orphans",
    "die_with_parent",
    "libc",
    "map_shared",
    "may_administer",
    "mount",
    "no_system_call_number",
    "raw_clone",
    "umount",
    "unshare",
)

CLONE_NEWTIME: Final = 0x00000080
CLONE_NEWNS: Final = 0x00020000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000

MS_BIND: Final = 0x1000
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 0x40000
_CAP_SYS_ADMIN: Final = 21
_MNT_DETACH: Final = 2
_MAP_SHARED_FIXED: Final = 0x11

WALL: Final = 0x40000000
"""``__WALL``: wait for a child whatever signal its end sends; our clones send none."""

_CLONE_NUMBERS: Final = {"x86_64": 56, "aarch64": 220, "arm64": 220}
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36

libc: Final = ctypes.PyDLL(None, use_errno=True)
"""The process's own symbols.  A ``PyDLL`` keeps the interpreter lock during a call, so
that in a clone the one thread there is holds it."""

libc.syscall.restype = ctypes.c_long
libc.mmap.restype = ctypes.c_void_p


def no_system_call_number() -> str | None:
    """Why `raw_clone` cannot work on this platform; ``None`` if it can."""
    if sys.platform != "linux":
        return f"clones need Linux; this is {sys.platform}"
    if os.uname().machine not in _CLONE_NUMBERS:
        return f"the number of the clone system call is known for x86-64 and arm64; this is {os.uname().machine}"
    return None


def may_administer() -> bool:
    """Whether this process has CAP_SYS_ADMIN, as root has outside containers."""
    effective = dict(fields("self/status")).get("CapEff", "0")
    return bool(int(effective, 16) >> _CAP_SYS_ADMIN & 1)


def raw_clone(flags: int) -> int:
    """Duplicate this process as ``clone(2)`` itself does; no at-fork handler runs.

    The child's end sends no signal, so that the function's own SIGCHLD handling never
    sees it.  Wait for it with `WALL`.

    Returns:
        0 in the child, its pid in the parent.
    """
    # The order of the other arguments differs between the architectures; all are 0.
    number = _CLONE_NUMBERS[os.uname().machine]
    pid: int = libc.syscall(ctypes.c_long(number), ctypes.c_ulong(flags), *[ctypes.c_long(0)] * 4)
    if pid < 0:
        _raise("clone")
    return pid


def unshare(flags: int) -> None:
    """``unshare(2)``; Python has it from 3.12 on only."""
    if libc.unshare(ctypes.c_int(flags)) != 0:
        _raise("unshare")


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """``mount(2)``."""
    words = [None if word is None else word.encode() for word in (source, target, kind)]
    if libc.mount(*words, ctypes.c_ulong(flags), options.encode()) != 0:
        _raise(f"mount {target}")


def umount(target: str) -> None:
    """``umount2(2)``: it is not found any more; open files in it stay."""
    if libc.umount2(target.encode(), ctypes.c_int(_MNT_DETACH)) != 0:
        _raise(f"umount {target}")


def map_shared(start: int, length: int, protection: int, fd: int, offset: int) -> None:
    """``mmap(2)`` a file, shared, in place of what is mapped there."""
    arguments = (ctypes.c_size_t(length), ctypes.c_int(protection), ctypes.c_int(_MAP_SHARED_FIXED), ctypes.c_int(fd))
    if libc.mmap(ctypes.c_void_p(start), *arguments, ctypes.c_long(offset)) != start:
        _raise("mmap")


def die_with_parent(signal: int) -> None:
    """Let the kernel send `signal` to this process when the thread that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if libc.prctl(ctypes.c_int(option), *[ctypes.c_ulong(n) for n in (value, 0, 0, 0)]) != 0:
        _raise("prctl")


def _raise(call: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, f"{call}: {os.strerror(number)}")
