"""Flushes the buffers of log handlers before the snapshot, and closes their sockets, which reconnect by themselves.

At risk: each clone writes the records in the buffer of a ``MemoryHandler`` or the queue of a ``QueueListener`` once;
records that a ``SocketHandler`` or ``SysLogHandler`` sends after a restore are lost with its dead connection.

This handles the classes of `logging.handlers` and their subclasses: other handlers write at once.
"""

from __future__ import annotations

import logging
import logging.handlers
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol, cast

from ._live import Live
from ._probe import Library

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Generator

__all__ = ("before_snapshot",)

VERSIONS: Final = "python>=3.11"
COST: Final = "nothing after a restore; up to 2 s before the snapshot, if a queue does not become empty"
NEEDLESS: Final = "no Python yet"

priority: Final = -150  # Priority.TELEMETRY: while connections are still open
timeout: Final = 5.0
required: Final = False

_SECONDS: Final = 2.0


class _Queue(Protocol):
    all_tasks_done: threading.Condition
    unfinished_tasks: int


_python: Final = Library(VERSIONS)
_listeners: Final = Live[logging.handlers.QueueListener]("logging.handlers:QueueListener")
_buffers: Final = Live[logging.handlers.BufferingHandler]("logging.handlers:BufferingHandler")
_sockets: Final = Live[logging.Handler]("logging.handlers:SocketHandler")
_syslogs: Final = Live[logging.Handler]("logging.handlers:SysLogHandler")


def before_snapshot() -> None:
    """Empty queues, then buffers, then close sockets: each of them may write to the next."""
    for listener in _listeners.now():
        with _python.attempt("records that wait for a listener are written once by each clone"):
            if getattr(listener, "_thread", None) is not None:
                _wait(cast("_Queue", listener.queue))
    for buffer in _buffers():
        with _python.attempt("records in the buffer of a handler are written once by each clone"), _held(buffer):
            buffer.flush()
    for handlers, name in ((_sockets(), "sock"), (_syslogs(), "socket")):
        for handler in handlers:
            with _python.attempt("log records sent over a dead connection are lost"), _held(handler):
                _close(handler, name)


def _close(handler: logging.Handler, name: str) -> None:
    """Close the socket of a handler; ``close`` would also exclude the handler from the flush at exit."""
    connection = cast("socket.socket | None", getattr(handler, name, None))
    if connection is not None:
        setattr(handler, name, None)
        connection.close()


def _wait(queue: _Queue) -> None:
    """Wait until the listener has handled all records, as ``Queue.join`` does, but with a time limit."""
    if not hasattr(queue, "all_tasks_done"):
        return  # not a queue for threads
    end = time.monotonic() + _SECONDS
    with queue.all_tasks_done:
        while queue.unfinished_tasks and (left := end - time.monotonic()) > 0:
            queue.all_tasks_done.wait(left)


@contextmanager
def _held(handler: logging.Handler) -> Generator[None]:
    handler.acquire()
    try:
        yield
    finally:
        handler.release()
