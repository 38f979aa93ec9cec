"""Closes the idle connections of redis-py's pools, sync, async and of clusters, before the snapshot.

At risk: without retries the first command after a restore fails; with retries, the default since version 6, the command
is repeated, but only when the connection turns out to be dead: where the network drops packets that takes the whole
timeout, or for ever without one.

Connections in use stay open: subscriptions, transactions, blocking reads.  Those of an async client are closed on its
own event loop.
"""

from __future__ import annotations

from contextlib import ExitStack
from queue import Queue
from typing import TYPE_CHECKING, Final, Protocol, cast

from ._live import Live
from ._loops import loop_of
from ._probe import Library

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Awaitable, Iterable, Mapping, Sequence

VERSIONS: Final = "redis>=5.0.1,<9"
COST: Final = "nothing after a restore; a handshake with the first command"
NEEDLESS: Final = "no release yet; a patch with hooks is offered to it"

_library: Final = Library(VERSIONS)

priority: Final = -200  # Priority.CONNECTIONS
required: Final = False


class Connection(Protocol):
    """A connection, which reconnects by itself."""

    def disconnect(self) -> Awaitable[None] | None:
        """Close it."""


class Pool(Protocol):
    """A pool of any kind."""

    def disconnect(self, *, inuse_connections: bool) -> Awaitable[None] | None:
        """Close its connections."""


class Node(Protocol):
    """A node of an async cluster client."""

    _free: Iterable[Connection]


class Cluster(Protocol):
    """The async client of a cluster."""

    nodes_manager: NodesManager

    def get_nodes(self) -> Sequence[Node]:
        """Those that it uses."""
        ...


class NodesManager(Protocol):
    """The nodes of the cluster."""

    startup_nodes: Mapping[str, Node]
    """The nodes that the client asked for the others, by name; they have their own connections."""


instances: Final = Live[object](
    "redis.connection:ConnectionPool",
    "redis.asyncio.connection:ConnectionPool",
    "redis.asyncio.cluster:RedisCluster",  # whose nodes have no pools
)


def loop(thing: object) -> AbstractEventLoop | None:
    """Return the event loop of the connections; ``None`` if none is idle."""
    if hasattr(thing, "get_nodes"):
        return loop_of([getattr(node, "_free", None) for node in _nodes(cast("Cluster", thing))])
    if not hasattr(thing, "aclose"):
        return None
    idle: Iterable[object] = getattr(thing, "_available_connections", (thing,))
    return loop_of([each for each in idle if getattr(each, "is_connected", True)])


def before_snapshot(thing: object) -> Awaitable[None] | None:
    """Close what is idle."""
    if hasattr(thing, "get_nodes"):
        return _close(cast("Cluster", thing))
    waiting = getattr(thing, "pool", None)
    if isinstance(waiting, Queue):  # of a BlockingConnectionPool, whose `disconnect` spares nobody before version 7
        with waiting.mutex:
            idle = [cast("Connection", each) for each in waiting.queue if each is not None]
        with ExitStack() as stack:  # all of them, whatever one raises
            for connection in idle:
                stack.callback(connection.disconnect)
        return None
    return cast("Pool", thing).disconnect(inuse_connections=False)


def _nodes(cluster: Cluster) -> list[Node]:
    asked: Sequence[Node] = getattr(cluster, "startup_nodes", ())
    return [*cluster.get_nodes(), *cluster.nodes_manager.startup_nodes.values(), *asked]


async def _close(cluster: Cluster) -> None:
    for node in _nodes(cluster):
        if _library.has(node, "_free", lost="the idle connections of async clusters stay open"):
            for connection in [*node._free]:
                if (closed := connection.disconnect()) is not None:
                    await closed
