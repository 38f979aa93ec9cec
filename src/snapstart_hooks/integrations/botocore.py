"""Lets boto3 and botocore fetch new credentials after a restore.

At risk: a session from before the snapshot keeps its credentials until they expire, hours later, or fails as soon as
Lambda revokes them.

The next request of each session fetches new credentials; if that fails, the old ones are used until they expire. Access
keys that the application gives to a session stay.  Connections are those of urllib3, which has its own integration.
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
"""The remaining lifetime at which botocore refreshes credentials, and keeps the old ones if that fails."""


class _Credentials(Protocol):
    _expiry_time: dt.datetime | None


_botocore: Final = Library(VERSIONS)

instances: Final = Live[_Credentials]("botocore.credentials:RefreshableCredentials")


def after_restore(credentials: _Credentials) -> None:
    """Make the credentials count as nearly expired."""
    if not _botocore.has(credentials, "_expiry_time", lost="sessions keep the credentials of the snapshot"):
        return
    expires = credentials._expiry_time
    soon = dt.datetime.now(dt.UTC) + _LEFT
    if expires is not None and expires > soon:
        credentials._expiry_time = soon
