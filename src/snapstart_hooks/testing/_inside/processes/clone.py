"""What a clone does first: it becomes a restored function."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import sys
from typing import TYPE_CHECKING, NoReturn, TextIO, cast

from ..kernel import clock
from ..kernel.connections import put_in_place
from ..kernel.linux import libc
from ..kernel.objects import own_epolls, own_objects
from ..kernel.proc import descriptors, replace
from ..wire import encode
from .stacks import write_stack_to
from .supervisor import FIXED_GIFTS, gifts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ..kernel.connections import Connection
    from ..kernel.mounts import Folders
    from ..wire import Plan, RuntimeRecord

__all__ = ("become", "change_environment", "end")


def become(
    index: int,
    plan: Plan,
    channel: socket.socket,
    *,
    dead: Sequence[Connection],
    folders: Folders | None,
    ours: Collection[int],
) -> None:
    """Wait for this clone's turn; then let the process be what a resumed VM would hold, but for what is `ours`."""
    stdout, stderr, stack, *near_ends = gifts(channel, FIXED_GIFTS + len(dead))
    write_stack_to(stack)
    machinery = {*ours, channel.fileno(), stack, *near_ends}
    found = descriptors(machinery)
    for standard, given in ((1, stdout), (2, stderr)):
        for fd, what in found.items():
            if what == found.get(standard) and fd != given:
                replace(fd, given)
        os.close(given)
    if folders is not None:
        folders.copy()
        machinery |= folders.fds
    own_objects(machinery, folders.shared if folders else {})
    for near, connection in zip(near_ends, dead, strict=True):
        put_in_place(socket.socket(fileno=near), connection.fds)
    own_epolls(machinery)
    change_environment(plan["environment"][index])
    clock.move(plan["elapsed"][index])
    _revive_threads()


def change_environment(changes: Mapping[str, str | None]) -> None:
    """Set some variables, and unset others."""
    for name, value in changes.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def end(channel: socket.socket, record: RuntimeRecord) -> NoReturn:
    """Hand in what the runtime did, and end this process as if it had been frozen for good."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(Exception):  # the function may have closed or replaced it
            cast("TextIO", stream).flush()
    libc.fflush(ctypes.c_void_p())
    channel.sendall(encode(record))
    # Not `sys.exit`: nothing may be finalised that others still use, and no thread joined that is not there.
    os._exit(record["exit_code"] or 0)


def _revive_threads() -> None:
    """Threads do not survive a clone, as they do a restore: let our own engine do without those it had."""
    engine = sys.modules.get("snapstart_hooks._engine")
    if engine is not None:
        engine.forget_threads()
