"""Makes the room in which the zygote lives, and sees that nothing of it outlives the run.

Runs as ``python -c`` in a process of its own.  The zygote is its child and the first
process of a PID namespace: when it ends, the kernel ends everything in there.  It ends
when this process does, and this process ends the zygote when its lifeline, a pipe that
the caller holds open, is closed.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from typing import TYPE_CHECKING, Final, NoReturn, cast

from ..kernel import clock, linux, proc
from ..wire import decode, send
from .stacks import end_with_stack, write_stack_to

if TYPE_CHECKING:
    from ..wire import Method, Plan

__all__ = ("main",)


class Unsupported(Exception):
    """Clones cannot be made here."""


def main(plan_fd: int, control: int, lifeline: int, stack: int) -> NoReturn:
    """Keep the zygote until the lifeline ends; messages go to `control`, the stack of one that hangs to `stack`."""
    proc.close_on_exec((plan_fd, control, lifeline, stack))
    with open(plan_fd, "rb") as file:
        plan = cast("Plan", decode(file.read()))
    linux.die_with_parent(signal.SIGKILL)
    try:
        if plan["method"] != "fork":
            _enter_namespace(plan)
            if not plan["count"]:
                with contextlib.suppress(OSError):  # then times of this clock are not found
                    clock.start_ahead()
        else:
            linux.adopt_orphans()
    except Unsupported as error:
        send(control, {"type": "unsupported", "reason": str(error)})
        sys.exit(1)
    alive, tell_alive = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(tell_alive)
        os.close(lifeline)
        linux.die_with_parent(signal.SIGKILL)
        if not os.read(alive, 1):
            os._exit(1)  # the keeper ended before it could be noticed
        os.close(alive)
        write_stack_to(stack)
        if plan["method"] == "namespace":
            try:
                _try_clone()
            except Unsupported as error:
                send(control, {"type": "unsupported", "reason": str(error)})
                os._exit(1)
        if plan["method"] == "criu":
            from .criu import guard

            guard(plan, control, stack)
        from .zygote import live

        live(plan, control, stack)
    os.close(alive)
    os.write(tell_alive, b"!")
    _guard(pid, control, lifeline, stack, plan["method"])


def _guard(zygote: int, control: int, lifeline: int, stack: int, method: Method) -> NoReturn:
    """Wait until the zygote ends, or until the caller wants it to."""
    poll = select.poll()
    ended = os.pidfd_open(zygote)
    poll.register(ended, select.POLLIN)
    poll.register(lifeline, 0)  # poll always reports its end
    if ended not in dict(poll.poll()):
        end_with_stack(zygote, stack)
    status = os.waitstatus_to_exitcode(os.waitpid(zygote, 0)[1])
    if method == "fork":
        _end_children()
    send(control, {"type": "zygote ended", "status": status})
    os._exit(0)


def _end_children() -> None:
    """End and reap what the kernel does not: without a namespace, orphans come to this process."""
    me = os.getpid()
    while pids := proc.text(f"{me}/task/{me}/children").split():
        for pid in map(int, pids):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, linux.WALL)


def _enter_namespace(plan: Plan) -> None:
    """See that the next child is the first process of a PID namespace."""
    ids = os.getuid(), os.getgid()
    try:
        if linux.may_administer():
            linux.unshare(linux.CLONE_NEWPID)
            return
        linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWPID)
        # The user stays the same: files have the owners and permissions that they had.
        inside = ids
        if plan["method"] == "criu":  # but a program, such as CRIU, keeps its rights only as root
            inside = 0, 0
            plan["criu"].append("--unprivileged")
        maps = {"setgroups": "deny", "uid_map": f"{inside[0]} {ids[0]} 1", "gid_map": f"{inside[1]} {ids[1]} 1"}
        for name, value in maps.items():
            fd = os.open(f"/proc/self/{name}", os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(fd, value.encode())
            finally:
                os.close(fd)
    except OSError as error:
        raise Unsupported(_why_not(error)) from error


def _try_clone() -> None:
    """Make one clone that does nothing: better here than after minutes of initialisation."""
    try:
        pid = linux.raw_clone(linux.CLONE_NEWPID)
    except OSError as error:
        raise Unsupported(_why_not(error)) from error
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, linux.WALL)


def _why_not(error: OSError) -> str:
    """What forbids a namespace, as far as the kernel shows it, and what to do."""
    known = [remedy for path, forbidding, remedy in _SWITCHES if proc.sysctl(path) == forbidding]
    if not known and dict(proc.fields("self/status")).get("Seccomp") == "2":
        known = [
            (
                "a seccomp filter is active, as in a container with Docker's default profile: "
                "start the container with --security-opt seccomp=unconfined or --cap-add SYS_ADMIN"
            )
        ]
    return f"{error.strerror}; " + ("; ".join(known) or "nothing this process can see says why")


_SWITCHES: Final = (
    (
        "user/max_user_namespaces",
        "0",
        "user namespaces are switched off: set the sysctl user.max_user_namespaces above 0",
    ),
    ("user/max_pid_namespaces", "0", "PID namespaces are switched off: set the sysctl user.max_pid_namespaces above 0"),
    (
        "kernel/unprivileged_userns_clone",
        "0",
        "user namespaces are for root only: set the sysctl kernel.unprivileged_userns_clone=1",
    ),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        (
            "AppArmor restricts user namespaces, as Ubuntu does from 23.10 on: "
            "set the sysctl kernel.apparmor_restrict_unprivileged_userns=0"
        ),
    ),
)
