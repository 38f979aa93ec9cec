"""TCP connections whose other end is gone, as a restored function finds its own.

In resumed VMs such a connection looks healthy: no error is pending and the first
``send`` succeeds.  Then the network answers with a reset (``reset``), or nothing
answers, until the reader's own timeout (``blackhole``).  A dead connection here is a
loopback connection whose far end is held by the supervisor, which resets it when the
first byte arrives, or never reads.  The real connection is not touched: the clone only
drops its descriptor, and the zygote keeps another.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from typing import TYPE_CHECKING, Final

from .descriptors import replace

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ("dead_pair", "put_in_place", "reset")

_KEPT_OPTIONS: Final = (
    (socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16),
    (socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 4),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 4),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 4),
)
"""What a client sets once and relies on later."""


def dead_pair() -> tuple[socket.socket, socket.socket]:
    """The near end, for the clone, and the far end, for the supervisor."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        near = socket.create_connection(listener.getsockname())
        while True:
            far, address = listener.accept()
            if address == near.getsockname():
                return near, far
            far.close()  # somebody else on this machine was quicker


def reset(far: socket.socket) -> None:
    """Let the near end get a reset instead of an answer."""
    with contextlib.suppress(OSError):  # it may be reset itself
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    far.close()


def put_in_place(near: socket.socket, fds: Collection[int]) -> None:
    """Put the dead connection where a living one was, with the options of that, and use it up."""
    for fd in fds:
        living = socket.socket(fileno=fd)
        for level, option, size in _KEPT_OPTIONS:
            near.setsockopt(level, option, living.getsockopt(level, option, size))
        living.detach()
        os.set_blocking(near.fileno(), os.get_blocking(fd))
        replace(fd, near.fileno())
    near.close()
