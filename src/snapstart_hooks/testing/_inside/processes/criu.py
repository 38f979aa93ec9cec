"""Lets CRIU stop the zygote with all its threads and children, and restore it in the clones.

The first process of the PID namespace, the guardian, starts the zygote, has it dumped, and
makes a process for each clone, the first of a PID namespace of its own, in which CRIU
restores the image.  What no image can hold, or no clone may share, the zygote hands over
before: in its place comes one end of a socket pair, which CRIU takes for a descriptor that
it inherits.  So each clone finds its own there: a dead connection, its outputs, its
channel to the supervisor, while none of its threads has run.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, NoReturn, TypeAlias, cast

from ..kernel import linux
from ..kernel.connections import Connection, connections, feed, pair, put_options
from ..kernel.mounts import Folders
from ..kernel.objects import own_epolls
from ..kernel.proc import close_on_exec, descriptors, inode, replace
from ..wire import UNRESTORED, decode, encode, send
from .stacks import SIGNAL, write_stack_to
from .supervisor import FDS_IN_ONE_MESSAGE, FIXED_GIFTS, Supervisor, gifts, make_clones

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..wire import Plan

__all__ = ("guard", "hand_over", "main")

_FIRST_PID: Final = 1000
"""Of the zygote: the pids below are for what restores it."""

_OPTIONS: Final = (
    "--file-locks",
    "--tcp-close",
    "--ghost-limit",
    "64M",
    "--link-remap",
    "--manage-cgroups=ignore",
    "--network-lock=skip",
    "-v1",
)


Role: TypeAlias = Literal["dead", "same", "pair", "own"]


class _Place(NamedTuple):
    """Something that the zygote has handed over.

    Attributes:
        role: What comes in its place: a ``dead`` connection, the ``same`` thing, a ``pair`` with
            both ends anew; ``own`` are the last three: the file for the stack, the channel, and
            where the clone learns which one it is.
        inode: Of the socket that stands for it.
        family: Of a connection.
        kind: Likewise.
        twin: Of a pair: where among all places its other end is.
    """

    role: Role
    inode: int
    family: int = 0
    kind: int = 0
    twin: int = -1


def hand_over(guardian: socket.socket, stack: int, *, but: Collection[int], live: bool) -> int:
    """In the zygote: hand over, but for what is ours, and wait to be stopped; returns in each clone, with its index."""
    groups = [each for each in connections(but) if not each.twin or each.family != socket.AF_UNIX]
    known = {fd for each in groups for fd in each.fds}
    shared = [Connection(fds, 0, 0, "", []) for fds in _other_sockets({*but, *known})]
    first = {each.fds[0]: at for at, each in enumerate(groups)}
    places: list[_Place] = []
    away: list[int] = []
    for each in (*groups, *shared, Connection([stack], 0, 0, "", [])):
        stand_in, other = socket.socketpair()
        away += [os.dup(each.fds[0]), other.detach()]
        role: Role = "pair" if each.twin else "same" if live or each in shared else "dead"
        twin = first[each.twin[0]] if each.twin else -1
        places.append(_Place(role, os.fstat(stand_in.fileno()).st_ino, each.family, each.kind, twin))
        for fd in each.fds:
            replace(fd, stand_in.fileno())
        stand_in.close()
    places[-1] = places[-1]._replace(role="own")
    own_epolls(but)  # while what they watch is still open
    turn, ours = socket.socketpair()
    away.append(ours.detach())
    places += [_Place("own", os.fstat(fd).st_ino) for fd in (guardian.fileno(), turn.fileno())]
    outputs = [os.readlink(f"/proc/self/fd/{fd}") for fd in (1, 2)]
    guardian.sendall(encode({"places": places, "fds": len(away), "outputs": outputs}))
    for at in range(0, len(away), FDS_IN_ONE_MESSAGE):
        socket.send_fds(guardian, [b"!"], away[at : at + FDS_IN_ONE_MESSAGE])
    for fd in away:
        os.close(fd)
    index = turn.recv(16)
    if not index:
        os._exit(1)  # there is no guardian any more
    turn.close()
    return int(index)


def _other_sockets(but: Collection[int]) -> list[list[int]]:
    """Those that are bound or listen, of which two clones cannot have their own in one network."""
    found: dict[int, list[int]] = {}
    for fd, what in descriptors(but).items():
        if what.startswith("socket:"):
            sock = socket.socket(fileno=fd)
            try:
                name: object = sock.getsockname()
            finally:
                sock.detach()
            internal = sock.family == socket.AF_UNIX and not name
            unbound = isinstance(name, tuple) and not name[1] and sock.family in (socket.AF_INET, socket.AF_INET6)
            if not internal and not unbound:
                found.setdefault(inode(what), []).append(fd)
    return list(found.values())


def guard(plan: Plan, control: int, stack: int) -> NoReturn:
    """Be the first process of the namespace; ends as the zygote does, or when all clones have ended."""
    folders = Folders(os.getcwd())
    plan["notes"] += folders.notes
    ours, theirs = socket.socketpair()
    with contextlib.suppress(OSError), open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as file:
        file.write(str(_FIRST_PID - 1))
    zygote = os.fork()
    if zygote == 0:
        ours.close()
        _start(plan, control, stack, theirs.detach())
    theirs.close()
    _pass_on(zygote)
    line = bytearray()
    while not line.endswith(b"\n") and (chunk := ours.recv(1)):
        line += chunk
    if not line:  # it needed no snapshot, or did not get that far
        send(control, {"type": "zygote ended", "status": os.waitstatus_to_exitcode(os.waitpid(zygote, 0)[1])})
        os._exit(0)
    given = decode(bytes(line))
    places = [_Place(*place) for place in cast("list[tuple[Role, int, int, int, int]]", given["places"])]
    fds = gifts(ours, cast("int", given["fds"]))
    images = os.open(plan["images"], os.O_RDONLY | os.O_DIRECTORY)
    if (reason := _dump(plan, zygote, places, images)) is not None:
        send(control, {"type": "unsupported", "reason": f"CRIU cannot dump the function: {reason}"})
        os._exit(1)
    os.waitpid(zygote, 0)
    send(control, {"type": "zygote ended", "status": 0})
    statuses = os.memfd_create("snapstart-statuses", os.MFD_CLOEXEC)
    restorer = _Restorer(plan, zygote, places, fds, cast("list[str]", given["outputs"]), folders, images, statuses)
    flags = linux.CLONE_NEWPID | (linux.CLONE_NEWNS if folders.fds else 0)
    made = make_clones(plan["count"], lambda: linux.raw_clone(flags))
    if isinstance(made, tuple):
        os.close(control)
        restorer.restore(*made)
    dead = [Connection([], place.family, place.kind, "", []) for place in places if place.role == "dead"]
    Supervisor(plan, made, dead, lambda record: send(control, {"type": "clone", "clone": record}), statuses).run()
    send(control, {"type": "end"})
    os._exit(0)


def _start(plan: Plan, control: int, stack: int, guardian: int) -> NoReturn:
    """Become the zygote; one that is to be dumped, with nothing open or mapped that is not of this mount namespace."""
    if not plan["count"]:
        from .zygote import live

        os.close(guardian)
        live(plan, control, stack)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    file = os.memfd_create("snapstart-plan")
    os.write(file, encode(plan))
    os.lseek(file, 0, os.SEEK_SET)
    given = (file, control, stack, guardian)
    for fd in given:
        os.set_inheritable(fd, True)  # noqa: FBT003
    python, option, program, folder, *_ = sys.orig_argv
    os.execv(sys.executable or python, [python, option, program, folder, "criu", *map(str, given)])  # noqa: S606 - this very program


def main(plan_fd: int, control: int, stack: int, guardian: int) -> NoReturn:
    """Be the zygote."""
    from .zygote import live

    close_on_exec((control, stack, guardian))
    with open(plan_fd, "rb") as file:
        plan = cast("Plan", decode(file.read()))
    write_stack_to(stack)
    live(plan, control, stack, socket.socket(fileno=guardian))


def _pass_on(pid: int) -> None:
    """Let a process write its stack when this one is asked to."""

    def ask(number: int, frame: object) -> None:  # noqa: ARG001 - what a handler is given
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    signal.signal(SIGNAL, ask)


def _dump(plan: Plan, pid: int, places: list[_Place], images: int) -> str | None:
    """Write the image, with which the zygote ends; why that cannot be."""
    command = [*plan["criu"], "dump", "-t", str(pid), "-D", f"/proc/self/fd/{images}", "-o", "dump.log", *_OPTIONS]
    for place in places:
        command += ["--external", f"unix[{place.inode}]"]
    done = subprocess.run(command, pass_fds=[images], capture_output=True, text=True, check=False)
    return _why(images, "dump.log") or done.stderr if done.returncode else None


def _why(images: int, log: str) -> str:
    try:
        with open(os.open(log, os.O_RDONLY, dir_fd=images), encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file if "Error" in line and "RLIMIT" not in line]  # which it does without
    except OSError:
        return ""  # it did not get that far
    return "; ".join(line.partition("): ")[2] or line for line in lines[:3])


class _Restorer(NamedTuple):
    """Makes of the first process of a namespace a clone."""

    plan: Plan
    pid: int
    places: list[_Place]
    fds: list[int]
    outputs: list[str]
    folders: Folders
    images: int
    statuses: int

    def restore(self, index: int, channel: socket.socket) -> NoReturn:
        """Wait for this clone's turn, restore the image, and end when what was restored does."""
        status = os.EX_SOFTWARE << 8
        try:
            status = self._restored(index, channel)
        except BaseException:  # noqa: BLE001 - a fault of ours; nothing may run on in here
            os.write(2, traceback.format_exc().encode())
        os.pwrite(self.statuses, status.to_bytes(4, sys.byteorder), 4 * index)
        os._exit(0)

    def _restored(self, index: int, channel: socket.socket) -> int:
        dead = [at for at, place in enumerate(self.places) if place.role == "dead"]
        stdout, stderr, stack, *near_ends = gifts(channel, FIXED_GIFTS + len(dead))
        write_stack_to(stack)
        for fd, given in ((1, stdout), (2, stderr)):
            os.dup2(given, fd)
        self.folders.copy()
        inherited = {stdout: self.outputs[0], stderr: self.outputs[1]}
        for at, near in zip(dead, near_ends, strict=True):
            put_options(near, self.fds[2 * at])
            inherited[near] = self._resource(at)
        inherited |= self._ours()
        turn, say = socket.socketpair()
        for fd, at in ((stack, -3), (channel.fileno(), -2), (turn.detach(), -1)):
            inherited[fd] = self._resource(at)
        if not self._run(inherited, f"restore.{index}.log"):
            return os.EX_SOFTWARE << 8
        say.sendall(str(index).encode())  # not before: CRIU has to be done with it when it ends
        _pass_on(self.pid)
        for fd in {*inherited, 1, 2}:
            os.close(fd)
        say.close()
        while True:
            pid, status = os.wait()
            if pid == self.pid:
                return status

    def _ours(self) -> dict[int, str]:
        """What is shared by all clones, and this one's own connections with itself."""
        inherited: dict[int, str] = {}
        for at, place in enumerate(self.places):
            if place.role == "same":
                inherited[self.fds[2 * at]] = self._resource(at)
            elif place.role == "pair" and at < place.twin:
                one, other = pair(place.family, place.kind)
                for mine, its, far in ((one, at, other), (other, place.twin, one)):
                    feed(self.fds[2 * its], far)
                    put_options(mine.fileno(), self.fds[2 * its])
                    inherited[os.dup(mine.fileno())] = self._resource(its)
                one.close()
                other.close()
        return inherited

    def _run(self, inherited: dict[int, str], log: str) -> bool:
        command = [*self.plan["criu"], "restore", "-D", f"/proc/self/fd/{self.images}", "-o", log, "-d", *_OPTIONS]
        for fd, what in inherited.items():
            command += ["--inherit-fd", f"fd[{fd}]:{what}"]
        passed = [self.images, *inherited]
        done = subprocess.run(command, pass_fds=passed, capture_output=True, text=True, check=False)
        if done.returncode:
            why = _why(self.images, log) or done.stderr
            os.write(2, f"{UNRESTORED}{why}\n".encode())
        return not done.returncode

    def _resource(self, at: int) -> str:
        return f"socket:[{self.places[at].inode}]"
