"""The ways in which a snapshot is cloned."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Final, Protocol

from snapstart_hooks.testing._errors import CloneUnsupported
from snapstart_hooks.testing._inside.kernel import linux
from snapstart_hooks.testing._process import run_in_processes

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable

    from snapstart_hooks.testing._inside.wire import Message, Method, Plan
    from snapstart_hooks.testing._process import Job

__all__ = ("CloneBackend", "Criu", "Fork", "Namespace", "backend_named", "no_criu")


class CloneBackend(Protocol):
    """Runs a function up to its snapshot and restores it in clones."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    @property
    def limits(self) -> tuple[str, ...]:
        """What clones of this kind cannot show, or show differently from a restore on Lambda."""
        ...

    def run(self, job: Job, tell: Callable[[Message], None], /) -> None:
        """Run `job`, and tell each message of the processes, the last one with the type ``ended``.

        Raises:
            CloneUnsupported: It cannot be done here.
        """
        ...


_NO_THREADS: Final = "child processes, and threads but the main one, do not survive in a clone; a restore keeps them"
_SAME_MACHINE: Final = "the clones share one kernel, network and most files, and listen on the same sockets"
_WALL_CLOCK: Final = "elapsed= moves the clock that Python reads, not the one that compiled code asks the kernel for"


class _Processes:
    """Clones that are processes of this machine."""

    name: str
    limits: tuple[str, ...]
    method: Method

    def run(self, job: Job, tell: Callable[[Message], None], /) -> None:
        """Run `job` (see `CloneBackend`)."""
        reason = linux.no_system_call_number()
        if reason is not None:
            msg = f"{reason}. Run it in a Linux container or virtual machine."
            raise CloneUnsupported(msg)
        run_in_processes(dataclasses.replace(job, plan={**job.plan, "method": self.method}), tell)


class Criu(_Processes):
    """Clones as resumed VMs hold them, with all threads and child processes: CRIU stops the function and restores it.

    Needs Linux and CRIU 4.2 or newer, as ``criu`` on the path or where ``SNAPSTART_HOOKS_CRIU`` says.
    Without CAP_SYS_ADMIN the function finds itself root, and CRIU cannot dump shared memory
    without a name, so by default it is taken only with that.
    """

    name: str = "criu"
    method: Method = "criu"
    limits: tuple[str, ...] = (
        _SAME_MACHINE,
        _WALL_CLOCK,
    )

    @override
    def run(self, job: Job, tell: Callable[[Message], None], /) -> None:
        """Run `job` (see `CloneBackend`)."""
        if (reason := no_criu()) is not None:
            raise CloneUnsupported(reason)
        with tempfile.TemporaryDirectory(prefix="snapstart-images-") as images:
            plan: Plan = {**job.plan, "criu": [_criu() or "criu"], "images": images}
            super().run(dataclasses.replace(job, plan=plan), tell)


def _criu() -> str | None:
    folders = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    return os.environ.get("SNAPSTART_HOOKS_CRIU") or shutil.which("criu", path=folders)


@functools.cache
def no_criu() -> str | None:
    """Why there is no CRIU that can be used here; ``None`` if there is."""
    command = _criu()
    if command is None:
        return "CRIU is not installed; version 4.2 or newer is needed, on the path or named by SNAPSTART_HOOKS_CRIU"
    try:
        done = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return f"{command} does not work: {error}"
    found = re.search(r"Version: (\d+)\.(\d+)", done.stdout)
    if found is None or (int(found[1]), int(found[2])) < _OLDEST:
        return f"{command} is too old: {done.stdout.strip()!r}; version 4.2 or newer is needed"
    return None


_OLDEST: Final = (4, 2)


class Namespace(_Processes):
    """Clones as resumed VMs hold them: the same memory, the same pid, and no at-fork handler ran.

    Each is made with the ``clone`` system call, in a PID namespace of its own.  Needs
    Linux on x86-64 or arm64, and user namespaces or CAP_SYS_ADMIN.  As the first process
    of its namespace, a clone ignores a signal that it sends itself and has no handler for;
    it finds itself as ``/proc/self``, but not by its pid there.
    """

    name: str = "namespace"
    method: Method = "namespace"
    limits: tuple[str, ...] = (_NO_THREADS, _SAME_MACHINE, _WALL_CLOCK)


class Fork(_Processes):
    """Clones made with ``os.fork``, where nothing better is allowed.

    Hooks, responses, dead connections and the clock are shown as by `Namespace`; repeated
    random numbers mostly are not.
    """

    name: str = "fork"
    method: Method = "fork"
    limits: tuple[str, ...] = (
        "CPython gives `random` a new state in every forked child: it never repeats here, as it does after a restore",
        (
            "libraries with at-fork handlers, or that compare pids, repair themselves here, and not after a restore: "
            "OpenSSL, tempfile, OpenTelemetry, pymongo, ..."
        ),
        _NO_THREADS,
        _SAME_MACHINE,
        _WALL_CLOCK,
    )


_BACKENDS: Final[dict[str, type[_Processes]]] = {backend.name: backend for backend in (Criu, Namespace, Fork)}


def backend_named(backend: CloneBackend | str | None) -> CloneBackend:
    """The backend itself, or the one of that name, or the best there is.

    Raises:
        ValueError: There is none.
    """
    if backend is None:
        return Namespace() if no_criu() or not linux.may_administer() else Criu()
    if not isinstance(backend, str):
        return backend
    if backend not in _BACKENDS:
        msg = f"backend={backend!r} is not known; known are {', '.join(map(repr, _BACKENDS))}"
        raise ValueError(msg)
    return _BACKENDS[backend]()
