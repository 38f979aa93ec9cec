"""Watches the clones: lets them go, reads what they say, ends them when their time is over.

Runs in the zygote, which is frozen at the snapshot but for this.  Everything that a
clone is given comes in one message when its turn is there, so that a hundred waiting
clones cost two descriptors each.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from ..kernel.connections import pair, reset
from ..kernel.linux import WALL
from ..kernel.proc import tasks, text
from ..wire import CloneRecord, decode
from .stacks import end_with_stack, read_stack, stack_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..kernel.connections import Connection
    from ..wire import Plan, RuntimeRecord

__all__ = ("FDS_IN_ONE_MESSAGE", "FIXED_GIFTS", "Supervisor", "gifts", "make_clones")

FIXED_GIFTS: Final = 3
"""Descriptors that every clone is given: stdout, stderr, and where its stack is written to."""

FDS_IN_ONE_MESSAGE: Final = 200
"""The kernel allows 253."""

_ROUND_TRIP: Final = 0.001
"""Seconds after which a peer that has forgotten a connection answers, if the request is complete by then."""

_LONGEST: Final = 0.5
"""Seconds that are waited for that: there are threads that are always busy."""

_LOG_LIMIT: Final = 1 << 20
"""Bytes of each output that are kept."""

_READ: Final = 1 << 16


def make_clones(count: int, make: Callable[[], int]) -> list[tuple[int, socket.socket]] | tuple[int, socket.socket]:
    """Duplicate this process `count` times by `make`, which returns 0 in the clone.

    Returns:
        The pid of each clone, and the near end of its channel; in a clone which one it is, and the far end.
    """
    channels = [socket.socketpair() for _ in range(count)]
    waiting: list[tuple[int, socket.socket]] = []
    for index, (near, far) in enumerate(channels):
        if not (pid := make()):
            for ours, theirs in channels:
                ours.close()
                if theirs is not far:
                    theirs.close()
            return index, far
        waiting.append((pid, near))
    for _, far in channels:
        far.close()
    return waiting


def gifts(channel: socket.socket, count: int) -> list[int]:
    """The descriptors that a process is given through its channel when its turn comes."""
    given: list[int] = []
    while len(given) < count:
        data, fds, _, _ = socket.recv_fds(channel, 1, FDS_IN_ONE_MESSAGE)
        if not data:
            os._exit(1)  # there is no supervisor any more
        given += fds
    return given


class _Stream:
    """One end that a clone writes to, and what was read from it."""

    def __init__(self, fd: int, limit: int | None = None) -> None:
        os.set_blocking(fd, False)
        self.fd: Final = fd
        self._limit: Final = limit
        self._data = bytearray()
        self._dropped = 0

    def read(self) -> bool:
        """Take what is there; whether more may come."""
        try:
            chunk = os.read(self.fd, _READ)
        except BlockingIOError:
            return True
        except ConnectionResetError:  # the clone ended without reading all
            return False
        room = len(chunk) if self._limit is None else max(0, self._limit - len(self._data))
        self._data += chunk[:room]
        self._dropped += len(chunk) - len(chunk[:room])
        return bool(chunk)

    def drain(self) -> None:
        """Take the rest, after the last writer has ended."""
        before = -1
        while before != (before := len(self._data) + self._dropped):
            if not self.read():
                break

    @property
    def data(self) -> bytes:
        return bytes(self._data)

    @property
    def text(self) -> str:
        text = self._data.decode(errors="replace")
        return text + f"\n[{self._dropped} more bytes were written]\n" if self._dropped else text


class _Clone:
    """One clone that runs."""

    def __init__(self, index: int, pid: int, channel: socket.socket, plan: Plan, dead: Sequence[Connection]) -> None:
        self.index: Final = index
        self.pid: Final = pid
        self.channel: Final = channel
        self.ended: Final = os.pidfd_open(pid)
        self.stack: Final = stack_file()
        self.timed_out = False
        self.far_ends: list[socket.socket] = []
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        near_ends: list[socket.socket] = []
        for connection in dead:
            near, far = pair(connection.family, connection.kind)
            near_ends.append(near)
            self.far_ends.append(far)
        gifts = [out_end, err_end, os.dup(self.stack), *(near.detach() for near in near_ends)]
        self.started: Final = time.monotonic()
        self.deadline: Final = self.started + plan["timeout"]
        with contextlib.suppress(BrokenPipeError):  # it was killed while it waited
            for first in range(0, len(gifts), FDS_IN_ONE_MESSAGE):
                socket.send_fds(channel, [b"!"], gifts[first : first + FDS_IN_ONE_MESSAGE])
        for gift in gifts:
            os.close(gift)
        self.stdout: Final = _Stream(out, _LOG_LIMIT)
        self.stderr: Final = _Stream(err, _LOG_LIMIT)
        self.records: Final = _Stream(channel.fileno())

    def record(self, statuses: int | None) -> CloneRecord:
        """What came of it; it has ended."""
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, WALL)[1])
        if statuses is not None and (raw := os.pread(statuses, 4, 4 * self.index)) and not self.timed_out:
            status = os.waitstatus_to_exitcode(int.from_bytes(raw, sys.byteorder))
        seconds = time.monotonic() - self.started
        streams = (self.stdout, self.stderr, self.records)
        for stream in streams:
            stream.drain()
        record: RuntimeRecord | None = None
        if complete := self.records.data.splitlines(keepends=True):  # each says more than the one before it
            last = next((line for line in reversed(complete) if line.endswith(b"\n")), None)
            record = None if last is None else cast("RuntimeRecord", decode(last))
        result = CloneRecord(
            index=self.index,
            record=record,
            exit_code=status if status >= 0 else None,
            signal=signal.Signals(-status).name if status < 0 else None,
            timed_out=self.timed_out,
            stack=read_stack(self.stack),
            stdout=self.stdout.text,
            stderr=self.stderr.text,
            seconds=seconds,
        )
        for fd in (self.stdout.fd, self.stderr.fd, self.ended, self.stack):
            os.close(fd)
        for closable in (self.channel, *self.far_ends):
            closable.close()
        return result


def _is_busy(pid: int) -> bool:
    """Whether a thread of a process, or of what it started, has a processor or waits for one."""
    return any(text(f"{task}/stat").rpartition(")")[2].split()[:1] in (["R"], ["D"]) for task in tasks(pid))


class Supervisor:
    """Watches clones that wait for their turn."""

    def __init__(
        self,
        plan: Plan,
        waiting: list[tuple[int, socket.socket]],
        dead: Sequence[Connection],
        on_record: Callable[[CloneRecord], None],
        statuses: int | None = None,
    ) -> None:
        """Take each clone's pid and our end of its channel; the statuses of another's children are in a file."""
        self._plan: Final = plan
        self._waiting: Final = list(enumerate(waiting))
        self._dead: Final = dead
        self._on_record: Final = on_record
        self._statuses: Final = statuses
        self._poll: Final = select.poll()
        self._running: dict[int, _Clone] = {}
        self._readable: dict[int, Callable[[], None]] = {}
        self._unanswered: list[tuple[_Clone, socket.socket, float]] = []

    def run(self) -> None:
        """Let every clone run, at most so many at a time, until all have ended.

        The last one runs alone: what others find at the same time in a database is the same, and not of the snapshot.
        """
        while self._waiting or self._running:
            while self._waiting and len(self._running) < (self._plan["parallel"] if len(self._waiting) > 1 else 1):
                self._start(*self._waiting.pop(0))
            now = time.monotonic()
            nearest = min(clone.deadline for clone in self._running.values())
            if self._unanswered:
                nearest = now + _ROUND_TRIP
            for fd, _ in self._poll.poll(max(0.0, nearest - now) * 1000 + 1):
                if fd in self._readable:
                    self._readable[fd]()
            now = time.monotonic()
            self._answer(now)
            for clone in self._running.values():
                if now >= clone.deadline and not clone.timed_out:
                    clone.timed_out = True
                    end_with_stack(clone.pid, clone.stack)

    def _start(self, index: int, waiting: tuple[int, socket.socket]) -> None:
        clone = _Clone(index, *waiting, self._plan, self._dead)
        self._running[index] = clone
        for stream in (clone.stdout, clone.stderr, clone.records):
            self._watch(stream.fd, partial(self._read, stream))
        if self._plan["dead_connections"] == "reset":
            for far in clone.far_ends:
                self._watch(far.fileno(), partial(self._asked, clone, far))
        self._watch(clone.ended, partial(self._finish, clone))

    def _read(self, stream: _Stream) -> None:
        if not stream.read():
            self._unwatch(stream.fd)

    def _asked(self, clone: _Clone, far: socket.socket) -> None:
        self._unwatch(far.fileno())
        self._unanswered.append((clone, far, time.monotonic()))

    def _answer(self, now: float) -> None:
        """Reset the connections of those that have sent all they want to, as what a client gets depends on it."""
        for waiting in [*self._unanswered]:
            clone, far, since = waiting
            if since + _ROUND_TRIP <= now and (since + _LONGEST <= now or not _is_busy(clone.pid)):
                self._unanswered.remove(waiting)
                reset(far)

    def _finish(self, clone: _Clone) -> None:
        far_ends = [far.fileno() for far in clone.far_ends]
        for fd in (clone.stdout.fd, clone.stderr.fd, clone.records.fd, clone.ended, *far_ends):
            self._unwatch(fd)
        del self._running[clone.index]
        self._on_record(clone.record(self._statuses))

    def _watch(self, fd: int, act: Callable[[], None]) -> None:
        self._readable[fd] = act
        self._poll.register(fd, select.POLLIN)

    def _unwatch(self, fd: int) -> None:
        if self._readable.pop(fd, None) is not None:
            self._poll.unregister(fd)
