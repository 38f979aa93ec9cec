"""Runs the function up to its snapshot, and makes the clones."""

from __future__ import annotations

import gc
import os
import socket
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Final, NoReturn

from . import clock
from .clone import become, end
from .cloning import Fork, RawClone
from .descriptors import tcp_connections
from .instruments import Instruments
from .occasions import Occasions
from .runtime import ScriptedClient, drive
from .supervisor import Supervisor
from .wire import send

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from .cloning import Maker
    from .instruments import Occasion
    from .wire import CloneRecord, ErrorRecord, Message, Plan

__all__ = ("live", "plan")

_plan: Plan | None = None


def plan() -> Plan:
    """The plan of this run."""
    if _plan is None:
        raise LookupError
    return _plan


def live(plan: Plan, control: int, stack: int) -> NoReturn:
    """Run the function, in the zygote to its snapshot, in each clone to its end."""
    global _plan  # noqa: PLW0603 - one process, one plan
    _plan = plan
    sys.path[:] = plan["path"]
    sys.argv[:] = ["bootstrap.py", plan["handler"]]
    life = _Life(plan, control, stack)
    try:
        drive(plan["handler"], life.client)
    except KeyboardInterrupt:
        traceback.print_exc()
        life.client.ended(1)
    life.end()


class _Life(Occasions):
    """This process: first the zygote, later, in another process, a clone."""

    def __init__(self, plan: Plan, control: int, stack: int) -> None:
        self._plan: Final = plan
        self._control: Final = control
        self._ours: Final = {control, stack}
        self._channel: socket.socket | None = None
        self._instruments: Final = Instruments(plan["instruments"])
        self.client: Final = ScriptedClient(
            plan["events"],
            occasions=self,
            function_arn=plan["function_arn"],
            timeout=plan["timeout"],
            hooks=plan["hooks"],
        )

    @override
    def initialized(self) -> None:
        """The handler is loaded."""
        self._ask("initialized")

    @override
    def snapshot(self) -> None:
        """Make the clones.  Returns in each of them; the zygote ends here."""
        self._ask("snapshot")
        if self._plan["elapsed"]:
            clock.prepare()
        connections = list(tcp_connections().values()) if self._plan["dead_connections"] else []
        maker: Maker = Fork() if self._plan["method"] == "fork" else RawClone()
        self._send({"type": "snapshot", "record": self.client.record, "threads": _threads(), "notes": maker.notes()})
        seats = [socket.socketpair() for _ in range(self._plan["count"])]
        collecting = gc.isenabled()
        gc.disable()  # a finalizer that ran in the zygote would close what the clones are to have
        waiting: list[tuple[int, socket.socket]] = []
        for index, (ours, theirs) in enumerate(seats):
            pid = maker.make()
            if pid == 0:
                self._ours.discard(self._control)
                os.close(self._control)
                for near, far in seats:
                    near.close()
                    if far is not theirs:
                        far.close()
                self._channel = theirs
                record = self.client.record
                record["reports"].clear()
                record["observations"].clear()
                try:
                    become(index, self._plan, theirs, connections, self._ours)
                except BaseException:  # noqa: BLE001 - a fault of ours, not of the function's hooks
                    record["error"], record["exit_code"] = _fault(), os.EX_SOFTWARE
                    end(theirs, record)
                if collecting:
                    gc.enable()
                self._ask("restored")
                return
            waiting.append((pid, ours))
        try:
            maker.done()
            for _, theirs in seats:
                theirs.close()
            Supervisor(self._plan, waiting, len(connections), self._tell).run()
            self._send({"type": "end"})
        except BaseException:  # noqa: BLE001 - a fault of ours, which the runtime would take for a hook's
            traceback.print_exc()
            os._exit(os.EX_SOFTWARE)
        os._exit(0)

    @override
    def ready(self) -> None:
        """The first event is next."""
        self._ask("ready")

    def end(self) -> NoReturn:
        """The runtime has ended."""
        record = self.client.record
        if self._channel is None:
            self._send({"type": "init failed", "record": record})
            _flush()
            os._exit(record["exit_code"] or 1)
        self._ask("finished")
        end(self._channel, record)

    def _ask(self, occasion: Occasion) -> None:
        self._instruments.ask(occasion, self.client.record["observations"])

    def _tell(self, record: CloneRecord) -> None:
        self._send({"type": "clone", "clone": record})

    def _send(self, message: Message) -> None:
        send(self._control, message)


def _fault() -> ErrorRecord:
    kind, error, _ = sys.exc_info()
    return {
        "kind": "LocalSnapStart.CloneError",
        "body": {
            "errorType": kind.__name__ if kind else "",
            "errorMessage": f"the local SnapStart could not set up this clone: {error}",
            "stackTrace": traceback.format_exc().splitlines(keepends=True),
        },
    }


def _threads() -> list[str]:
    """The names of threads that the clones will not have."""
    return [thread.name for thread in threading.enumerate() if thread is not threading.current_thread()]


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
