"""The ways in which a snapshot is cloned, and what each cannot show."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING, Final, get_args

from snapstart_hooks.testing._errors import CloneUnsupported
from snapstart_hooks.testing._inside.kernel import linux
from snapstart_hooks.testing._inside.wire import Method
from snapstart_hooks.testing._process import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from snapstart_hooks.testing._inside.wire import Plan
    from snapstart_hooks.testing._process import Processes

__all__ = ("LIMITS", "chosen", "no_criu", "run")

_NO_THREADS: Final = "child processes, and threads but the main one, do not survive in a clone; a restore keeps them"
_HERE: Final = (
    "the clones share one kernel, network and most files, and listen on the same sockets",
    "elapsed= moves the clock that Python reads, not the one that compiled code asks the kernel for",
)
LIMITS: Final[dict[Method, tuple[str, ...]]] = {
    "criu": _HERE,
    "namespace": (_NO_THREADS, *_HERE),
    "fork": (
        "CPython gives `random` a new state in every forked child: it never repeats here, as it does after a restore",
        "libraries with at-fork handlers, or that compare pids, repair themselves here only: OpenSSL, tempfile, ...",
        _NO_THREADS,
        *_HERE,
    ),
}
"""What clones of each kind cannot show, or show differently from a restore on Lambda."""

_OLDEST: Final = (4, 2)


def chosen(backend: Method | None) -> Method:
    """Return the backend of that name; by default the most faithful one that works here.

    CRIU is taken by itself only with CAP_SYS_ADMIN: without, the function finds itself
    root, and shared memory without a name cannot be dumped.

    Raises:
        ValueError: No backend has that name.
    """
    if backend is None:
        return "namespace" if no_criu() or not linux.may_administer() else "criu"
    if backend not in get_args(Method):
        msg = f"backend={backend!r} is not known; known are {', '.join(map(repr, get_args(Method)))}"
        raise ValueError(msg)
    return backend


def run(
    plan: Plan,
    environment: Mapping[str, str],
    task_root: Path,
    init_timeout: float,
    on_message: Callable[[Processes], None],
) -> Processes:
    """Run a plan; `on_message` is given what is known after each message of the processes.

    Raises:
        CloneUnsupported: It cannot be done here.
        CloneError: The processes did not start, or what they sent is not understood.
    """
    if (reason := linux.no_system_call_number()) is not None:
        msg = f"{reason}. Run it in a Linux container or virtual machine."
        raise CloneUnsupported(msg)
    with contextlib.ExitStack() as stack:
        if plan["method"] == "criu":
            if (reason := no_criu()) is not None:
                raise CloneUnsupported(reason)
            images = stack.enter_context(tempfile.TemporaryDirectory(prefix="snapstart-images-"))
            plan = {**plan, "criu": [_criu() or "criu"], "images": images}
        return stack.enter_context(Run(plan, environment, task_root, init_timeout, on_message)).read()


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
