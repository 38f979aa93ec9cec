"""Closes the connections of idle gRPC channels before the snapshot; the next call opens a new one.

At risk: the first call after a restore fails with `UNAVAILABLE`; where the network drops packets, every call waits for
its deadline, and most calls have none.

A closed channel cannot be opened again, so only its sockets are closed: gRPC treats that as a server that went away,
and connects with the next call.  The sockets are found by their peer, the channel's target.  A channel stays open if
that channel, or another one to the same target, has active calls, such as streams; if it reaches its target through a
proxy, a load balancer or a Unix socket; or if it is an async channel of grpcio before 1.81, whose target is not known.
The audit of the snapshot reports these channels.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import time
from typing import TYPE_CHECKING, Final, Protocol, cast

from ._live import Live
from ._probe import Library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ("before_snapshot", "instances")

VERSIONS: Final = "grpcio>=1.60.0,<2"
COST: Final = "nothing after a restore; a handshake with the first call"
NEEDLESS: Final = "no release yet: it cannot disconnect a channel without closing it"

_library: Final = Library(VERSIONS)

priority: Final = -200  # Priority.CONNECTIONS
required: Final = False

_SHUTDOWN: Final = 4  # grpc.ChannelConnectivity.SHUTDOWN, as the core counts
_PATIENCE: Final = 2.0
"""Seconds until the threads of gRPC notice that a connection is closed."""


class Core(Protocol):
    """A channel of the compiled part of gRPC."""

    target: bytes | Callable[[], bytes]
    """Return the target, such as ``dns:///stock.example.org:443``; sync channels have it as a method."""

    def check_connectivity_state(self, try_to_connect: bool) -> int:  # noqa: FBT001 - as it is there
        """How it is connected.

        Raises:
            ValueError: It was closed.
        """
        ...


class Calls(Protocol):
    """The state of a sync channel, with its calls."""

    managed_calls: int


class Call(Protocol):
    """A call of an async channel."""

    def done(self) -> bool:
        """Return whether the call has ended."""
        ...


class Channel(Protocol):
    """A channel, sync or async; or the wrapper of a channel with interceptors."""

    _channel: Core


instances: Final = Live[Channel]("grpc:Channel", "grpc.aio:Channel")
_channels: Final = Live[Channel]("grpc:Channel", "grpc.aio:Channel")
_calls: Final = Live[Call]("grpc.aio:Call")
_sockets: Final = Live[socket.socket]("socket:socket")


def before_snapshot(channel: Channel) -> None:
    """Close the sockets to the target of a channel, unless there are active calls."""
    if not _is_open(channel):
        return
    in_use = {peer for other in _channels() if _is_open(other) and _is_busy(other) for peer in _peers(other)}
    peers = _peers(channel)
    if not peers.isdisjoint(in_use):  # channels to one server share its connections
        return
    shut = set(_shut(peers))
    end = time.monotonic() + _PATIENCE
    while not shut.isdisjoint(map(_inode, _descriptors())) and time.monotonic() < end:
        time.sleep(0.001)


def _shut(peers: set[tuple[str, int]]) -> Iterator[int]:
    """Shut the connections to `peers` that are not Python's own, perhaps to the same server; gives their inodes."""
    of_python = {socket.socket.fileno(each) for each in _sockets.now()}
    for fd in filter(_is_socket, _descriptors() - of_python):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fd)) as ours:  # not connected
            if ours.family in {socket.AF_INET, socket.AF_INET6}:
                host, port = ours.getpeername()[:2]
                if (host.removeprefix("::ffff:"), port) in peers:
                    yield os.fstat(ours.fileno()).st_ino
                    ours.shutdown(socket.SHUT_RDWR)


def _descriptors() -> set[int]:
    return {int(name) for name in os.listdir("/proc/self/fd")}  # noqa: PTH208 - no pathlib here


def _is_socket(fd: int) -> bool:
    with contextlib.suppress(OSError):  # closed
        return stat.S_ISSOCK(os.fstat(fd).st_mode)  # of anything else `socket` would leave the copy open
    return False


def _inode(fd: int) -> int | None:
    try:
        return os.fstat(fd).st_ino
    except OSError:  # closed
        return None


def _is_open(channel: Channel) -> bool:
    """Return whether a channel is open: asking a closed one for its target would end the process."""
    if not _library.has(channel, "_channel", lost="its connections stay open"):
        return False
    core = channel._channel
    if not hasattr(core, "check_connectivity_state"):  # another channel, which is given, too
        return False
    try:
        return core.check_connectivity_state(False) != _SHUTDOWN  # noqa: FBT003 - as it is there
    except Exception:  # noqa: BLE001 - how it says so depends on the version
        return False


def _is_busy(channel: Channel) -> bool:
    state = cast("Calls | None", getattr(channel, "_call_state", None))
    if state is not None:
        return state.managed_calls > 0
    calls = cast("Iterable[Call] | None", getattr(channel, "_active_calls", None))  # older ones know none
    return any(not call.done() for call in (_calls.now() if calls is None else [*calls]))


def _peers(channel: Channel) -> set[tuple[str, int]]:
    """Return the addresses of a channel's target."""
    core = channel._channel
    if not _library.has(core, "target", lost="its connections stay open"):
        return set()
    target = (core.target if isinstance(core.target, bytes) else core.target()).decode()
    scheme, _, rest = target.partition(":")
    if scheme in {"unix", "unix-abstract", "vsock", "xds"}:
        return set()
    found: set[tuple[str, int]] = set()
    for each in (rest.rpartition("/")[2] if scheme in {"dns", "ipv4", "ipv6"} else target).split(","):
        host, _, port = each.rpartition(":")
        if not port.isdecimal():
            host, port = each, "443"
        with contextlib.suppress(OSError):  # nobody knows the host any more
            answers = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
            found.update((str(address[0]), int(address[1])) for *_, address in answers)
    return found
