"""Empties the key caches of PyJWT's `PyJWKClient` before the snapshot.

At risk: PyJWT measures the age of the keys with a clock that stands still between snapshot and restore, so that clones
accept revoked keys, and refuse new ones.
"""

from __future__ import annotations

from typing import Final, Protocol

from ._live import Live
from ._probe import Library

__all__ = ("before_snapshot", "instances")

VERSIONS: Final = "PyJWT>=2.8,<3"
COST: Final = "nothing after a restore; a request for the keys with the next token"
NEEDLESS: Final = "no PyJWT yet; a release that measures the age with the wall clock would"

priority: Final = -300  # Priority.CREDENTIALS
required: Final = False

_jwt: Final = Library(VERSIONS)


class _Set(Protocol):
    def put(self, jwk_set: None) -> None: ...


class _Client(Protocol):
    jwk_set_cache: _Set | None
    get_signing_key: object


instances: Final = Live[_Client]("jwt.jwks_client:PyJWKClient")


def before_snapshot(client: _Client) -> None:
    """Drop all keys."""
    with _jwt.attempt("clones accept keys that were revoked"):
        if client.jwk_set_cache is not None:
            client.jwk_set_cache.put(None)
        clear = getattr(client.get_signing_key, "cache_clear", None)
        if clear is not None:
            clear()
