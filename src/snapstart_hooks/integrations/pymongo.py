"""Gives each MongoClient a new topology before the snapshot: no connections, monitors or sessions; it opens by itself.

At risk: the sessions of a snapshot.  All clones send the same session id and transaction number with their
writes, so the server takes those of all but one for repetitions: it drops them and answers that all is well.
And the connections: what can be repeated is, once, and commands fail.

What is reset is not public: the client is told what it is told in a forked child, and the old topology is closed.
A session or cursor that is in use when the snapshot is taken goes with the old one.
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
COST: Final = "nothing after a restore; the servers are found anew with the first operation"
NEEDLESS: Final = "no release yet: a client that is closed stays closed"

_library: Final = Library(VERSIONS)

priority: Final = -200  # Priority.CONNECTIONS
required: Final = False


class Topology(Protocol):
    """What a client knows of its servers, with the connections to them, what watches them, and its sessions."""

    _closed: bool

    def close(self) -> Awaitable[None] | None:
        """Close all that, for good."""


class Executor(Protocol):
    """The thread, or task, that ends cursors which nobody needs any more."""

    def close(self) -> None:
        """End it soon."""


class Client(Protocol):
    """A client, sync or async."""

    _topology: Topology | None
    _kill_cursors_executor: Executor

    def _after_fork(self) -> None:
        """Take a new topology, which opens with the next operation."""


_living: Final = Live[Client]("pymongo:MongoClient", "pymongo:AsyncMongoClient")


def instances() -> list[Client]:
    """All clients; those that `gc.freeze` has hidden are in pymongo's own registry."""
    found = _living()
    for cls in _living.classes():
        registry = cast("Mapping[object, Client]", getattr(cls, "_clients", {}))
        found += [client for client in [*registry.values()] if not any(client is each for each in found)]
    return found


def loop(client: Client) -> AbstractEventLoop | None:
    """Where an async client has its tasks and connections; ``None`` if it was closed for good."""
    topology = getattr(client, "_topology", None)
    if not hasattr(client, "aconnect") or topology is None or getattr(topology, "_closed", True):
        return None
    return loop_of(client)


def before_snapshot(client: Client) -> Awaitable[None] | None:
    """Take a new topology, and close the old one."""
    lost = "clones write in the same sessions, and the server drops what they write"
    if not _library.has(client, "_topology", "_after_fork", "_kill_cursors_executor", lost=lost):
        return None
    topology, executor = client._topology, client._kill_cursors_executor
    if topology is None or topology._closed:  # for good, and so it stays
        return None
    client._after_fork()
    executor.close()
    return topology.close()
