"""Closes the idle connections of urllib3's pools before the snapshot; the next request opens a new one.

At risk: a connection of the snapshot is dead.  urllib3 repeats a GET, but not a POST; where the network drops packets,
both wait for their whole timeout; and two clones that write on one TLS connection use the same nonces.  This also
serves libraries on top of urllib3: requests, boto3, elasticsearch, opensearch-py, the OTLP exporters over HTTP, the
Sentry SDK.

A connection in use stays open, such as one whose streamed response is being read.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Protocol

from ._live import Live
from ._probe import Library

if TYPE_CHECKING:
    import queue

VERSIONS: Final = "urllib3>=1.26.15,<3"
COST: Final = "nothing after a restore; a handshake with the first request"
NEEDLESS: Final = "no release yet: it closes nothing before a snapshot"

Library(VERSIONS)

priority: Final = -200  # Priority.CONNECTIONS
required: Final = False


class Connection(Protocol):
    """A connection, which reconnects by itself."""

    def close(self) -> None:
        """Close the socket, if there is one."""


class Pool(Protocol):
    """The connections to one host."""

    @property
    def pool(self) -> queue.Queue[Connection | None] | None:
        """The idle connections; ``None`` after the pool was closed."""


instances: Final = Live[Pool]("urllib3.connectionpool:HTTPConnectionPool")


def before_snapshot(pool: Pool) -> None:
    """Close the idle connections, and leave them in the pool, as urllib3 does when a server closes one."""
    if (idle := pool.pool) is None:
        return
    with idle.mutex:
        connections = [connection for connection in idle.queue if connection is not None]
    with ExitStack() as stack:  # all of them, whatever one raises
        for connection in connections:
            stack.callback(connection.close)
