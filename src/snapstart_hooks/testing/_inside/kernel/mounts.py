"""Gives a process a ``/tmp``, a ``/dev/shm`` and a ``/proc`` of its own, as another machine has them.

``/tmp`` looks as it did: what the process writes lies in memory, above what was there, and
is copied for each clone.  The folder of the function's code and the sockets of servers
stay what they are, if they lie in it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Final

from . import linux, proc

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("OWN", "Folders")

_TMP: Final = "/tmp"
_SHM: Final = "/dev/shm"

OWN: Final = (f"{_TMP}/", f"{_SHM}/")
"""Where files are a process's own."""


class Folders:
    """The two folders of one process; those that can be made, for containers forbid much.

    Attributes:
        notes: What could not be made.
        shared: In a clone, by the number that a file of ``/dev/shm`` had in the zygote, where its copy is.
    """

    def __init__(self, task_root: str) -> None:
        """Make them for the zygote, in a mount namespace of its own; the function's code is in `task_root`."""
        self._root: Final = task_root
        self._tmp: int | None = None
        self._shm: int | None = None
        self.notes: Final[list[str]] = []
        self.shared: dict[int, str] = {}
        try:
            linux.unshare(linux.CLONE_NEWNS)
            linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
        except OSError as error:
            self.notes.append(f"the clones share {_TMP} and {_SHM}: {error}")
            return
        with contextlib.suppress(OSError):  # in a container, /proc may not be mounted
            linux.mount("proc", "/proc", "proc", 0)
        for folder, make in ((_TMP, self._make_tmp), (_SHM, self._make_shm)):
            try:
                make()
            except OSError as error:
                self.notes.append(f"the clones share {folder}: {error}")

    @property
    def fds(self) -> set[int]:
        """The descriptors that this holds."""
        return {fd for fd in (self._tmp, self._shm) if fd is not None}

    def copy(self) -> None:
        """In a clone, which is in a mount namespace of its own: make them anew, with what is in them.

        Raises:
            OSError: It would have to share what the others have of their own.
        """
        with contextlib.suppress(OSError):
            linux.mount("proc", "/proc", "proc", 0)
        if self._tmp is not None:
            self._make_tmp()
        if self._shm is not None:
            self._make_shm()

    def _make_shm(self) -> None:
        linux.mount("tmpfs", _SHM, "tmpfs", 0, "mode=1777")
        fresh = _folder(_SHM)
        if self._shm is not None:
            self.shared = {number: f"{_SHM}/{name}" for number, name in _copy(self._shm, fresh).items()}
            os.close(self._shm)
        self._shm = fresh

    def _make_tmp(self) -> None:
        """Lay a folder in memory, in which all that is written lies, above it."""
        if self._root == _TMP or f"{_TMP}/".startswith(f"{self._root.rstrip('/')}/"):
            raise OSError(0, "the function's code is there")
        try:
            here = os.getcwd()
        except FileNotFoundError:  # it has gone, as after a restore
            here = "."
        linux.mount("tmpfs", _SHM, "tmpfs", 0)  # for as long as it needs a name
        try:
            for name in ("above", "work"):
                os.mkdir(f"{_SHM}/{name}")
            above = _folder(f"{_SHM}/above")
            os.fchmod(above, 0o1777)
            if self._tmp is not None:
                _copy(self._tmp, above)
                os.close(self._tmp)
                linux.umount(_TMP)
            with contextlib.ExitStack() as stack:
                kept = list(self._kept(stack))
                # Else a file of a disk without a UUID has another number in each clone when it was written to.
                options = f"xino=on,lowerdir={_TMP},upperdir={_SHM}/above,workdir={_SHM}/work"
                try:
                    linux.mount("overlay", _TMP, "overlay", 0, options)
                except OSError:
                    linux.mount("overlay", _TMP, "overlay", 0, f"userxattr,{options}")
                for path, fd in kept:
                    with contextlib.suppress(FileNotFoundError):  # it has gone since
                        linux.mount(f"/proc/self/fd/{fd}", path, None, linux.MS_BIND | linux.MS_REC)
        finally:
            linux.umount(_SHM)
            os.chdir(here)
        self._tmp = above

    def _kept(self, stack: contextlib.ExitStack) -> Iterator[tuple[str, int]]:
        """What in it is to stay what it is; other processes may take it away at any time."""
        sockets = {line.split()[-1] for line in proc.text("net/unix").splitlines()}
        inner = {path for path in sockets if path.startswith(f"{_TMP}/") and not path.startswith(f"{self._root}/")}
        for path in (*([self._root] if self._root.startswith(f"{_TMP}/") else ()), *sorted(inner)):
            with contextlib.suppress(FileNotFoundError):
                fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
                stack.callback(os.close, fd)
                yield path, fd


def _folder(path: str, within: int | None = None) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=within)


def _copy(source: int, target: int) -> dict[int, str]:
    """Copy what is in a folder to another one, in memory; what has several names there has them here too.

    Each file gets the number that it had, as far as can be: SQLite takes one with another number for another file.

    Returns:
        By the number of each file that was there, its first name.
    """
    found = list(_walk(source, "."))
    numbers = {path: status.st_ino for path, status in found}
    if all(numbers.get(path.rpartition("/")[0], 0) < number for path, number in numbers.items()):
        found.sort(key=lambda each: each[1].st_ino)  # a file system in memory counts its files
    first: dict[int, str] = {}
    latest = os.fstat(target).st_ino
    for path, status in found:
        with contextlib.suppress(FileNotFoundError):  # a child process has taken it away since
            if (known := first.setdefault(status.st_ino, path)) != path:
                os.link(known, path, src_dir_fd=target, dst_dir_fd=target)
                continue
            while 0 < status.st_ino - latest - 1 < _MANY:
                os.mknod(_COUNTED, dir_fd=target)
                latest = os.stat(_COUNTED, dir_fd=target).st_ino
                os.unlink(_COUNTED, dir_fd=target)
            if stat.S_ISDIR(status.st_mode):
                os.mkdir(path, dir_fd=target)
            else:
                _copy_file(path, status.st_mode, source, target)
            latest = os.stat(path, dir_fd=target, follow_symlinks=False).st_ino
    for path, status in reversed(found):
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISDIR(status.st_mode):
                inner = _folder(path, source), _folder(path, target)
                _copy_attributes(*inner)
                for folder in inner:
                    os.close(folder)
            if not stat.S_ISLNK(status.st_mode):
                os.chmod(path, stat.S_IMODE(status.st_mode), dir_fd=target)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=target, follow_symlinks=False)
    return first


def _walk(parent: int, name: str, path: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """All that is in a folder, what holds something before what is in it, with its path from the uppermost.

    The folder is opened anew: the clones share `parent`, and with a descriptor the position in the listing.
    """
    folder = _folder(name, parent)
    try:
        for entry in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                status = os.stat(entry, dir_fd=folder, follow_symlinks=False)
                yield path + entry, status
                if stat.S_ISDIR(status.st_mode):
                    yield from _walk(folder, entry, f"{path}{entry}/")
    finally:
        os.close(folder)


_COUNTED: Final = ".snapstart-hooks-counted"
"""A file that only takes a number."""

_MANY: Final = 10_000
"""As many numbers are not taken to come to one."""

_OVERLAY: Final = {f"{kind}.overlay.{name}" for kind in ("trusted", "user") for name in ("opaque", "origin")}
"""What a folder has that hides what is below it, and a file that has its number from what it is a copy of."""


def _copy_file(entry: str, mode: int, source: int, into: int) -> None:
    if stat.S_ISLNK(mode):
        os.symlink(os.readlink(entry, dir_fd=source), entry, dir_fd=into)
    elif not stat.S_ISREG(mode):
        os.mknod(entry, mode, dir_fd=into)
    else:
        with (
            open(os.open(entry, os.O_RDONLY, dir_fd=source), "rb") as file,
            open(os.open(entry, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=into), "wb") as copy,
        ):
            while os.sendfile(copy.fileno(), file.fileno(), None, 1 << 30):
                pass
            _copy_attributes(file.fileno(), copy.fileno())


def _copy_attributes(source: int, target: int) -> None:
    for name in _OVERLAY.intersection(os.listxattr(source)):
        os.setxattr(target, name, os.getxattr(source, name))
