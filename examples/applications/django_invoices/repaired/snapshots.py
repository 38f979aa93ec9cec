"""What SnapStart asks of this service."""

from __future__ import annotations

import logging

from django.core.cache import cache
from django.db import connections
from views import today

from snapstart_hooks import Priority, after_restore, before_snapshot, register_after_restore

register_after_restore(today.cache_clear)


@before_snapshot
def write_log() -> None:
    """Or every environment would write the lines of the initialisation."""
    for handler in logging.getLogger("invoices").handlers:
        handler.flush()


@before_snapshot(priority=Priority.CONNECTIONS)
def disconnect() -> None:
    """Django connects again by itself when it is asked for something."""
    connections.close_all()


@after_restore
def be_a_new_node() -> None:
    """What was cached is another environment's."""
    cache.clear()
