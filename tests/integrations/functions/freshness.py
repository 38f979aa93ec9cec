"""Keeps what gets old: credentials, keys, parameters, metadata."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
import jwt
from aws_lambda_powertools.utilities.metadata import get_lambda_metadata
from aws_lambda_powertools.utilities.parameters.base import BaseProvider
from typing_extensions import override

import snapstart_hooks
from snapstart_hooks.integrations.caches import clear_on_restore

if TYPE_CHECKING:
    from collections.abc import Mapping

session = boto3.Session(region_name="us-east-1")
credentials = session.get_credentials()
keys = jwt.PyJWKClient(f"{os.environ['STATE_URL']}/jwks", cache_keys=True)


class Numbered(BaseProvider):
    """Counts how often it was asked."""

    asked = 0

    @override
    def _get(self, name: str, **sdk_options: Any) -> str:
        self.asked += 1
        return str(self.asked)

    @override
    def _get_multiple(self, path: str, **sdk_options: Any) -> dict[str, str]:
        return {}


parameters = Numbered()
tokens: dict[str, int] = clear_on_restore({})


def look() -> Mapping[str, object]:
    """What each says."""
    return {
        "key": credentials.get_frozen_credentials().access_key,
        "kids": [key.key_id for key in keys.get_signing_keys()],
        "parameter": parameters.get("/shop/name", max_age=3600),
        "zone": get_lambda_metadata().availability_zone_id,
        "token": tokens.setdefault("token", snapstart_hooks.default_registry.generation),
    }


look()


def lambda_handler(event: object, context: object) -> Mapping[str, object]:
    return look()
