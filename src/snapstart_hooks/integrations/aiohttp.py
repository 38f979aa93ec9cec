"""Closes the idle connections of aiohttp's sessions before the snapshot, and forgets the addresses of hosts.

At risk: aiohttp repeats a GET once, but not a POST, and where packets vanish both wait for their timeout.

The next request opens a connection, to the address that the host has then.  Connections that carry a request stay as
they are, also WebSockets.  The others are closed on the session's own event loop, if that stands still.  aiohttp is
asked for what it does not tell in public.
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
"""Of the loop, until it has closed a socket whose transport was aborted, through TLS too."""


class Connection(Protocol):
    """The protocol at the end of a connection."""

    transport: asyncio.Transport | None

    def close(self) -> None:
        """Close it."""


class Connector(Protocol):
    """What a session gets its connections from."""

    _conns: Mapping[object, Iterable[Sequence[Connection]]]


instances: Final = Live[Connector]("aiohttp:BaseConnector")


def loop(connector: Connector) -> asyncio.AbstractEventLoop | None:
    """Where the idle connections are, if there are any."""
    return loop_of(getattr(connector, "_conns", None))


async def before_snapshot(connector: Connector) -> None:
    """Close what is idle.  The connector forgets what is closed with the next request."""
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
