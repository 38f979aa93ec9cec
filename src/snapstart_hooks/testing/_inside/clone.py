"""What a clone does first: it becomes a restored function."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import sys
from typing import TYPE_CHECKING, NoReturn, TextIO, cast

from . import clock
from .connections import put_in_place
from .descriptors import replace
from .kernel_objects import own_epolls, own_objects
from .linux import libc
from .stacks import tell_stack_to
from .supervisor import FDS_IN_ONE_MESSAGE, FIXED_GIFTS
from .wire import encode

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from .wire import Plan, RuntimeRecord

__all__ = ("become", "end")


def become(
    index: int, plan: Plan, channel: socket.socket, connections: Sequence[Sequence[int]], ours: Collection[int]
) -> None:
    """Wait for this clone's turn; then let the process be what a resumed VM would hold.

    Args:
        index: Which clone this is.
        plan: The plan of the run.
        channel: Its connection to the supervisor.
        connections: The descriptors of each TCP connection that is to be dead.
        ours: Descriptors that belong to the machinery.
    """
    stdout, stderr, stack, *dead = _gifts(channel, FIXED_GIFTS + len(connections))
    tell_stack_to(stack)
    replace(1, stdout)
    replace(2, stderr)
    os.close(stdout)
    os.close(stderr)
    machinery = {*ours, channel.fileno(), stack, *dead}
    own_objects(machinery)
    for near, fds in zip(dead, connections, strict=True):
        put_in_place(socket.socket(fileno=near), fds)
    own_epolls(machinery)
    for name, value in plan["environment"][index].items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if plan["elapsed"]:
        clock.move(plan["elapsed"])
    _revive_threads()


def end(channel: socket.socket, record: RuntimeRecord) -> NoReturn:
    """Hand in what the runtime did, and end this process as if it had been frozen for good."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(Exception):  # the function may have closed or replaced it
            cast("TextIO", stream).flush()
    libc.fflush(ctypes.c_void_p())
    channel.sendall(encode(record))
    # Not `sys.exit`: nothing may be finalised that others still use, and no thread joined that is not there.
    os._exit(record["exit_code"] or 0)


def _gifts(channel: socket.socket, count: int) -> list[int]:
    """The descriptors that the supervisor gives when it is this clone's turn."""
    gifts: list[int] = []
    while len(gifts) < count:
        data, fds, _, _ = socket.recv_fds(channel, 1, FDS_IN_ONE_MESSAGE)
        if not data:
            os._exit(1)  # there is no supervisor any more
        gifts += fds
    return gifts


def _revive_threads() -> None:
    """Threads do not survive a clone, as they do a restore: let our own engine do without those it had."""
    engine = sys.modules.get("snapstart_hooks._engine")
    if engine is not None:
        engine.forget_threads()
