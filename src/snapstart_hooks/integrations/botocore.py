"""Has boto3 and botocore ask for new credentials after a restore.

At risk: a session that was made before the snapshot keeps the credentials of that time until they expire, hours
later, or fails as soon as Lambda takes them back.

The next request of each session asks for new ones; if none can be had, the old ones are used while they last. Keys that
somebody gave to a session are left alone.  Its connections are urllib3's, which has an integration of its own.
"""

from __future__ import annotations

import datetime as dt
from typing import Final, Protocol

from ._live import Live
from ._probe import Library

__all__ = ("after_restore", "instances")

VERSIONS: Final = "botocore>=1.34,<2"
COST: Final = "10 µs for each session after a restore, and a request to the credentials endpoint with its next call"
NEEDLESS: Final = "no botocore yet"

priority: Final = -300  # Priority.CREDENTIALS
required: Final = False

_LEFT: Final = dt.timedelta(minutes=12)
"""With so much time left botocore tries to refresh them, and goes on with the old ones if that fails."""


class _Credentials(Protocol):
    _expiry_time: dt.datetime | None


_botocore: Final = Library(VERSIONS)

instances: Final = Live[_Credentials]("botocore.credentials:RefreshableCredentials")


def after_restore(credentials: _Credentials) -> None:
    """Let them count as nearly expired."""
    if not _botocore.has(credentials, "_expiry_time", lost="sessions keep the credentials of the snapshot"):
        return
    expires = credentials._expiry_time
    soon = dt.datetime.now(dt.UTC) + _LEFT
    if expires is not None and expires > soon:
        credentials._expiry_time = soon
