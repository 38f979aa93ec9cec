"""Closes the idle connections of aiohttp's sessions before the snapshot, and empties the cache of host addresses.

At risk: aiohttp repeats a GET once, but not a POST, and where the network drops packets both wait for their timeout.

The next request opens a connection, to the address that the host has then.  Connections that carry a request, and
WebSockets, stay open.  The others are closed on the session's own event loop, if that is not running.  This uses
private names of aiohttp.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from ._live import Live
from ._loops import loop_of
from ._probe import Library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

VERSIONS: Final = "aiohttp>=3.10.0,<4"
COST: Final = "nothing after a restore; a handshake with the first request"
NEEDLESS: Final = "no release yet: it closes nothing before a snapshot"

_library: Final = Library(VERSIONS)

priority: Final = -200  # Priority.CONNECTIONS
required: Final = False

_TURNS: Final = 3
"""Rounds of the event loop until a socket is closed whose transport was aborted, also with TLS."""


class Connection(Protocol):
    """The protocol at the end of a connection."""

    transport: asyncio.Transport | None

    def close(self) -> None:
        """Close the connection."""


class Connector(Protocol):
    """The connector of a session, which opens its connections."""

    _conns: Mapping[object, Iterable[Sequence[Connection]]]


instances: Final = Live[Connector]("aiohttp:BaseConnector")


def loop(connector: Connector) -> asyncio.AbstractEventLoop | None:
    """Return the event loop of the idle connections; ``None`` if there are none."""
    return loop_of(getattr(connector, "_conns", None))


async def before_snapshot(connector: Connector) -> None:
    """Close the idle connections, which the connector drops with the next request."""
    forget: Callable[[], None] | None = getattr(connector, "clear_dns_cache", None)
    if forget is not None:  # the entries would not get older while the snapshot is kept
        forget()
    if not _library.has(connector, "_conns", lost="the idle connections of its sessions stay open"):
        return
    idle = [kept[0] for each in connector._conns.values() for kept in each]
    for connection in idle:
        transport = connection.transport
        connection.close()
        if transport is not None:
            transport.abort()  # or one over TLS would wait for the peer's good-bye
    for _ in range(_TURNS):
        await asyncio.sleep(0)
