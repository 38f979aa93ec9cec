"""Runs the function up to its snapshot, and makes the clones."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import socket
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Final, NoReturn, TextIO, cast

from ..kernel import clock
from ..kernel.connections import connections, machinery, put_in_place
from ..kernel.linux import libc
from ..kernel.mounts import Folders
from ..kernel.objects import own_epolls, own_objects
from ..kernel.proc import descriptors, replace
from ..runtime.client import ScriptedClient, drive
from ..runtime.moments import Instruments
from ..wire import FAULT, CloneRecord, encode, send
from .cloning import Fork, RawClone
from .criu import hand_over
from .stacks import write_stack_to
from .supervisor import FIXED_GIFTS, Supervisor, gifts, make_clones

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..kernel.connections import Connection
    from ..runtime.moments import Moment
    from ..wire import ErrorRecord, Message, Plan, RuntimeRecord

__all__ = ("live", "plan")

_plan: Plan | None = None

_PATIENCE: Final = 0.5
"""Seconds that threads have to end by themselves before the snapshot."""


def plan() -> Plan:
    """The plan of this run."""
    if _plan is None:
        raise LookupError
    return _plan


def live(plan: Plan, control: int, stack: int, guardian: socket.socket | None = None) -> NoReturn:
    """Run the function, in the zygote to its snapshot, in each clone to its end; a guardian, if any, restores it."""
    global _plan  # noqa: PLW0603 - one process, one plan
    _plan = plan
    folders = Folders(os.getcwd()) if plan["method"] == "namespace" else None
    plan["notes"] += folders.notes if folders else ()
    sys.path[:] = plan["path"]
    sys.argv[:] = ["bootstrap.py", plan["handler"]]
    life = _Life(plan, control, stack, folders, guardian)
    if plan["moved"]:
        clock.prepare()
        clock.move(plan["moved"])
    send(control, {"type": "begun"})
    try:
        drive(plan["handler"], life.client)
    except KeyboardInterrupt:
        traceback.print_exc()
        life.client.ended(1)
    life.end()


class _Life:
    """This process: first the zygote, later, in another process, a clone."""

    def __init__(
        self, plan: Plan, control: int, stack: int, folders: Folders | None, guardian: socket.socket | None
    ) -> None:
        self._plan: Final = plan
        self._control: Final = control
        self._stack: Final = stack
        self._folders: Final = folders
        self._guardian: Final = guardian
        self._ours: Final = {control, stack, *(folders.fds if folders else ())}
        if guardian is not None:
            self._ours.add(guardian.fileno())
            machinery.add(guardian.fileno())
        self._channel: socket.socket | None = None
        self._instruments: Final = Instruments(plan["instruments"])
        self.client: Final = ScriptedClient(
            plan["events"],
            reached=self.reached,
            function_arn=plan["function_arn"],
            timeout=plan["timeout"],
            hooks=plan["hooks"],
        )

    def reached(self, moment: Moment) -> None:
        """Let the instruments look.  At the snapshot, return in each clone; the zygote ends, if clones are made."""
        if moment == "snapshot" and self._plan["count"]:
            _let_threads_end()
        self._look(moment)
        if moment == "snapshot":
            self._snapshot()
        elif moment in ("ready", "answered") and self._channel is not None:
            self._channel.sendall(encode(self.client.record))  # it may be the last thing that this clone can send

    def _snapshot(self) -> None:
        if not self._plan["count"]:
            self._send({"type": "snapshot", "record": self.client.record, "threads": [], "notes": []})
            _change_environment(self._plan["environment"][0])
            self._restored()
            return
        if self._guardian is not None:
            self._stop(self._guardian)
            return
        own = bool(self._folders and self._folders.fds)
        maker = Fork() if self._plan["method"] == "fork" else RawClone(folders=own)
        notes = [*self._plan["notes"], *maker.notes]
        self._send({"type": "snapshot", "record": self.client.record, "threads": _threads(), "notes": notes})
        if any(self._plan["elapsed"]):
            clock.prepare()
        outside = [each for each in connections(self._ours) if not each.twin]
        dead = outside if self._plan["dead_connections"] else []
        self._clone(maker, dead)

    def _stop(self, guardian: socket.socket) -> None:
        """Be dumped and restored by CRIU."""
        self._send({"type": "snapshot", "record": self.client.record, "threads": [], "notes": self._plan["notes"]})
        if any(self._plan["elapsed"]):
            clock.prepare()
        _flush()
        collecting = gc.isenabled()
        gc.disable()
        self._ours.discard(self._control)
        os.close(self._control)
        live = self._plan["dead_connections"] is None
        index = hand_over(guardian, self._stack, but=self._ours, live=live)
        if collecting:
            gc.enable()
        self._channel = guardian
        clock.move(self._plan["elapsed"][index])
        _change_environment(self._plan["environment"][index])
        self._restored()

    def _clone(self, maker: Fork | RawClone, dead: list[Connection]) -> None:
        """Return in each clone, when it is its turn."""
        collecting = gc.isenabled()
        gc.disable()  # a finalizer that ran in the zygote would close what the clones are to have
        made = make_clones(self._plan["count"], maker.make)
        if isinstance(made, tuple):
            self._become(*made, dead)
            if collecting:
                gc.enable()
            self._restored()
            return
        try:
            maker.done()
            Supervisor(self._plan, made, dead, self._tell).run()
            self._send({"type": "end"})
        except BaseException:  # noqa: BLE001 - a fault of ours, which the runtime would take for a hook's
            traceback.print_exc()
            os._exit(os.EX_SOFTWARE)
        os._exit(0)

    def _become(self, index: int, channel: socket.socket, dead: list[Connection]) -> None:
        """Wait for this clone's turn; then let the process be what a resumed VM would hold."""
        self._ours.discard(self._control)
        os.close(self._control)
        self._channel = channel
        try:
            stdout, stderr, stack, *near_ends = gifts(channel, FIXED_GIFTS + len(dead))
            write_stack_to(stack)
            ours = {*self._ours, channel.fileno(), stack, *near_ends}
            found = descriptors(ours)
            for standard, given in ((1, stdout), (2, stderr)):
                for fd, what in found.items():
                    if what == found.get(standard) and fd != given:
                        replace(fd, given)
                os.close(given)
            if self._folders is not None:
                self._folders.copy()
                ours |= self._folders.fds
            own_objects(ours, self._folders.shared if self._folders else {})
            for near, connection in zip(near_ends, dead, strict=True):
                put_in_place(socket.socket(fileno=near), connection.fds)
            own_epolls(ours)
            _change_environment(self._plan["environment"][index])
            clock.move(self._plan["elapsed"][index])
            _revive_threads()
        except BaseException:  # noqa: BLE001 - a fault of ours, not of the function's hooks
            self.client.record["error"], self.client.record["exit_code"] = _fault(), os.EX_SOFTWARE
            _end(channel, self.client.record)

    def _restored(self) -> None:
        record = self.client.record
        record["reports"].clear()
        record["observations"].clear()
        self._look("restored")

    def end(self) -> NoReturn:
        """The runtime has ended."""
        record = self.client.record
        if self._channel is not None:
            self._look("finished")
            _end(self._channel, record)
        _flush()
        if self._plan["count"] or record["before_seconds"] is None:
            self._send({"type": "init failed", "record": record})
            os._exit(record["exit_code"] or 1)
        self._look("finished")
        self._tell(
            CloneRecord(
                index=0,
                record=record,
                exit_code=record["exit_code"],
                signal=None,
                timed_out=False,
                stack="",
                stdout="",
                stderr="",
                seconds=0.0,
            )
        )
        self._send({"type": "end"})
        os._exit(0)

    def _look(self, moment: Moment) -> None:
        self._instruments.look(moment, self.client.record)

    def _tell(self, record: CloneRecord) -> None:
        self._send({"type": "clone", "clone": record})

    def _send(self, message: Message) -> None:
        send(self._control, message)


def _fault() -> ErrorRecord:
    kind, error, _ = sys.exc_info()
    return {
        "kind": FAULT,
        "body": {
            "errorType": kind.__name__ if kind else "",
            "errorMessage": f"the local SnapStart could not set up this clone: {error}",
            "stackTrace": traceback.format_exc().splitlines(keepends=True),
        },
    }


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread is not threading.current_thread()]


def _let_threads_end() -> None:
    """Wait for those that are about to end, so that it is no matter of chance whether the snapshot holds them."""
    patience = time.monotonic() + _PATIENCE
    while {*_threads()} - {"snapstart_hooks"} and time.monotonic() < patience:
        time.sleep(0.01)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(Exception):  # the function may have closed or replaced it
            cast("TextIO", stream).flush()


def _change_environment(changes: Mapping[str, str | None]) -> None:
    """Set some variables, and unset others."""
    for name, value in changes.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _end(channel: socket.socket, record: RuntimeRecord) -> NoReturn:
    """Hand in what the runtime did, and end this process as if it had been frozen for good."""
    _flush()
    libc.fflush(ctypes.c_void_p())
    channel.sendall(encode(record))
    # Not `sys.exit`: nothing may be finalised that others still use, and no thread joined that is not there.
    os._exit(record["exit_code"] or 0)


def _revive_threads() -> None:
    """Threads do not survive a clone, as they do a restore: let our own engine do without those it had."""
    engine = sys.modules.get("snapstart_hooks._engine")
    if engine is not None:
        engine.forget_threads()
