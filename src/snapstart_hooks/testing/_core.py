"""What the local SnapStart and the command use of the core beside its public names: all of it is here."""

from __future__ import annotations

from snapstart_hooks import default_registry
from snapstart_hooks._discovery import UNUSED, remedies
from snapstart_hooks._hook import normalise
from snapstart_hooks._plan import batches
from snapstart_hooks._registry import state_of
from snapstart_hooks._report import logger
from snapstart_hooks._settings import RESTORE_LIMIT, Settings
from snapstart_hooks.runtime.awslambdaric import connect, disconnect, is_dispatcher

__all__ = (
    "RESTORE_LIMIT",
    "UNUSED",
    "Settings",
    "batches",
    "connect",
    "default_registry",
    "disconnect",
    "is_dispatcher",
    "logger",
    "normalise",
    "remedies",
    "state_of",
)
