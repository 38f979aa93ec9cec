"""Gives each MongoClient a new topology before the snapshot: without connections, monitors and sessions.

At risk: the sessions of a snapshot.  All clones send the same session id and transaction number with their writes, so
the server takes the writes of all but one clone for repetitions: it drops them and reports success.
And the connections: reads and writes that can be repeated are, once, and commands fail.

The reset is private: the client does what it does in a forked child, and the old topology is closed.  The next
operation opens the new topology.  A session or cursor that is in use at the snapshot is lost with the old one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, cast

from ._live import Live
from ._loops import loop_of
from ._probe import Library

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Awaitable, Mapping

VERSIONS: Final = "pymongo>=4.9,<5"
COST: Final = "nothing after a restore; the first operation finds the servers again"
NEEDLESS: Final = "no release yet: a closed client cannot be opened again"

_library: Final = Library(VERSIONS)

priority: Final = -200  # Priority.CONNECTIONS
required: Final = False


class Topology(Protocol):
    """The topology of a client: its servers, the connections and monitors for them, and its sessions."""

    _closed: bool

    def close(self) -> Awaitable[None] | None:
        """Close all that, for good."""


class Executor(Protocol):
    """The thread, or task, that ends unused cursors."""

    def close(self) -> None:
        """End it soon."""


class Client(Protocol):
    """A client, sync or async."""

    _topology: Topology | None
    _kill_cursors_executor: Executor

    def _after_fork(self) -> None:
        """Take a new topology, which the next operation opens."""


_living: Final = Live[Client]("pymongo:MongoClient", "pymongo:AsyncMongoClient")


def instances() -> list[Client]:
    """Return all clients; pymongo's own registry has those that `gc.freeze` hides."""
    found = _living()
    for cls in _living.classes():
        registry = cast("Mapping[object, Client]", getattr(cls, "_clients", {}))
        found += [client for client in [*registry.values()] if not any(client is each for each in found)]
    return found


def loop(client: Client) -> AbstractEventLoop | None:
    """Return the event loop of an async client; ``None`` if the client is closed."""
    topology = getattr(client, "_topology", None)
    if not hasattr(client, "aconnect") or topology is None or getattr(topology, "_closed", True):
        return None
    return loop_of(client)


def before_snapshot(client: Client) -> Awaitable[None] | None:
    """Give a client a new topology, and close the old one."""
    lost = "clones write in the same sessions, and the server drops what they write"
    if not _library.has(client, "_topology", "_after_fork", "_kill_cursors_executor", lost=lost):
        return None
    topology, executor = client._topology, client._kill_cursors_executor
    if topology is None or topology._closed:  # for good, and so it stays
        return None
    client._after_fork()
    executor.close()
    return topology.close()
