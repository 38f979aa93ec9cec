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
    from collections.abc import Callable, Iterator

__all__ = ("OWN", "Folders")

_TMP: Final = "/tmp"
_SHM: Final = "/dev/shm"

OWN: Final = (f"{_TMP}/", f"{_SHM}/")
"""Where files are a process's own."""


class Folders:
    """The two folders of one process; those that can be made, for containers forbid much.

    Attributes:
        notes: What could not be made.
    """

    def __init__(self, task_root: str) -> None:
        """Make them for the zygote, in a mount namespace of its own.

        Args:
            task_root: The folder of the function's code.
        """
        self._root: Final = task_root
        self._tmp: int | None = None
        self._shm: int | None = None
        self.notes: Final[list[str]] = []
        try:
            linux.unshare(linux.CLONE_NEWNS)
            linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
        except OSError as error:
            self.notes.append(f"the clones share {_TMP} and {_SHM}: {error}")
            return
        self._make()

    @property
    def fds(self) -> set[int]:
        """The descriptors that this holds."""
        return {fd for fd in (self._tmp, self._shm) if fd is not None}

    def copy(self) -> None:
        """In a clone, which is in a mount namespace of its own: make them anew, with what is in them."""
        if self.fds:
            self._make()

    def _make(self) -> None:
        with contextlib.suppress(OSError):  # in a container, /proc may not be mounted
            linux.mount("proc", "/proc", "proc", 0)
        here = os.getcwd()
        scratch = self._attempt(_SHM, self._scratch)
        if scratch is not None:
            self._tmp = self._attempt(_TMP, lambda: self._overlay(scratch)) or self._tmp
            os.close(scratch)
            linux.umount(_SHM)
            self._shm = self._attempt(_SHM, lambda: self._memory(self._shm))
        os.chdir(here)

    def _attempt(self, folder: str, make: Callable[[], int]) -> int | None:
        try:
            return make()
        except OSError as error:
            note = f"the clones share {folder}: {error}"
            if note not in self.notes:
                self.notes.append(note)
            return None

    @staticmethod
    def _scratch() -> int:
        linux.mount("tmpfs", _SHM, "tmpfs", 0, "mode=1777")
        return os.open(_SHM, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def _memory(self, source: int | None) -> int:
        fresh = self._scratch()
        if source is not None:
            _copy(source, fresh)
            os.close(source)
        return fresh

    def _overlay(self, scratch: int) -> int:
        """Mount it; the descriptor of the folder in which all that is written lies."""
        if self._root == _TMP or f"{_TMP}/".startswith(f"{self._root.rstrip('/')}/"):
            raise OSError(0, "the function's code is there")
        os.mkdir("above", 0o1777, dir_fd=scratch)
        os.mkdir("work", dir_fd=scratch)
        above = os.open("above", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=scratch)
        os.fchmod(above, 0o1777)
        if self._tmp is not None:
            _copy(self._tmp, above)
            os.close(self._tmp)
            linux.umount(_TMP)
        kept = [(path, os.open(path, os.O_PATH | os.O_CLOEXEC)) for path in self._kept()]
        options = f"lowerdir={_TMP},upperdir={_SHM}/above,workdir={_SHM}/work"
        try:
            linux.mount("overlay", _TMP, "overlay", 0, options)
        except OSError:
            linux.mount("overlay", _TMP, "overlay", 0, f"userxattr,{options}")
        for path, fd in kept:
            linux.mount(f"/proc/self/fd/{fd}", path, None, linux.MS_BIND | linux.MS_REC)
            os.close(fd)
        return above

    def _kept(self) -> Iterator[str]:
        """What in it is to stay what it is."""
        if self._root.startswith(f"{_TMP}/"):
            yield self._root
        for line in proc.text("net/unix").splitlines():
            path = line.split()[-1]
            if path.startswith(f"{_TMP}/") and not path.startswith(f"{self._root}/") and os.path.exists(path):
                yield path


def _copy(source: int, target: int) -> None:
    """Copy what is in a folder to another one."""
    for entry in os.listdir(source):
        status = os.stat(entry, dir_fd=source, follow_symlinks=False)
        with contextlib.suppress(OSError):  # of a kind that only the kernel makes
            if stat.S_ISDIR(status.st_mode):
                os.mkdir(entry, dir_fd=target)
                folders = [os.open(entry, os.O_RDONLY | os.O_DIRECTORY, dir_fd=each) for each in (source, target)]
                _copy(*folders)
                for folder in folders:
                    os.close(folder)
            elif stat.S_ISREG(status.st_mode):
                _copy_file(os.open(entry, os.O_RDONLY, dir_fd=source), os.open(entry, _NEW, 0o600, dir_fd=target))
            elif stat.S_ISLNK(status.st_mode):
                os.symlink(os.readlink(entry, dir_fd=source), entry, dir_fd=target)
            else:
                os.mknod(entry, status.st_mode, dir_fd=target)
            if not stat.S_ISLNK(status.st_mode):
                os.chmod(entry, stat.S_IMODE(status.st_mode), dir_fd=target)
            times = (status.st_atime_ns, status.st_mtime_ns)
            os.utime(entry, ns=times, dir_fd=target, follow_symlinks=False)


_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def _copy_file(source: int, target: int) -> None:
    try:
        while os.sendfile(target, source, None, 1 << 30):
            pass
    finally:
        os.close(source)
        os.close(target)
