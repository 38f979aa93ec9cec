"""`Priority`: names for places in the restore order."""

from __future__ import annotations

from enum import IntEnum

from snapstart_hooks._hook import OF_LIBRARIES, OF_THE_APPLICATION

__all__ = ("Priority",)


class Priority(IntEnum):
    """Bands of the restore order; any other ``int`` may be used as well.

    A lower value comes back earlier after a restore and, as the order is
    mirrored, is put away later before the snapshot.
    """

    ENTROPY = -400
    """Random number generators: whatever follows may need ids and keys."""
    CREDENTIALS = -300
    """Secrets, tokens, configuration: connections need them."""
    CONNECTIONS = -200
    """Databases, brokers, HTTP pools."""
    LIBRARY = OF_LIBRARIES
    """The default of hooks that installed libraries ship."""
    APPLICATION = OF_THE_APPLICATION
    """The default of hooks that the application registers."""
    WARMUP = 100
    """Priming: before the snapshot it runs first, while all is still open."""
