"""What the local SnapStart and the command use of the core beside its public names: all of it is here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from snapstart_hooks import default_registry
from snapstart_hooks._discovery import UNUSED
from snapstart_hooks._hook import normalise
from snapstart_hooks._plan import batches
from snapstart_hooks._registry import state_of
from snapstart_hooks._report import logger
from snapstart_hooks._settings import RESTORE_LIMIT, Settings
from snapstart_hooks.runtime.awslambdaric import connect, disconnect, is_dispatcher

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = (
    "RESTORE_LIMIT",
    "UNUSED",
    "Settings",
    "batches",
    "connect",
    "connection",
    "default_registry",
    "is_dispatcher",
    "logger",
    "normalise",
)


def connection() -> Callable[[], None]:
    """What puts back whether the default registry is connected to the Lambda runtime."""
    adopt = state_of(default_registry).adopt

    def put_back() -> None:
        if "snapshot_restore_py" in sys.modules:
            disconnect(default_registry)  # so that a dropped entry is not logged
        state_of(default_registry).adopt = adopt

    return put_back
