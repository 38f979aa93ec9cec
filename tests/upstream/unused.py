"""Uses none of the libraries that are installed beside it."""

from __future__ import annotations

import sys

import snapstart_hooks  # noqa: F401 - it connects itself to the runtime

LIBRARIES = {"opentelemetry", "psycopg", "psycopg_pool", "redis"}


def lambda_handler(event: object, context: object) -> list[str]:
    """Which modules of theirs are there."""
    return [name for name in sys.modules if name.partition(".")[0] in LIBRARIES]
