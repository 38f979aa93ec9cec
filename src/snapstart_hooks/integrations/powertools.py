"""Empties the caches of Powertools for AWS Lambda before the snapshot; its loggers decide again what they sample.

At risk: the metadata name the availability zone of the snapshot, parameters and secrets are as old as the snapshot, all
clones use the same token for AppConfig, which is valid once, and a logger that decided to log everything does so in
all clones.
"""

from __future__ import annotations

import sys
from typing import Final, Protocol

from ._live import Live
from ._probe import Library

__all__ = ("after_restore", "before_snapshot")

VERSIONS: Final = "aws-lambda-powertools>=3,<4"
COST: Final = "10 µs for each logger that samples, after a restore"
NEEDLESS: Final = "no release yet: it has functions for this, which the application has to call"

priority: Final = -300  # Priority.CREDENTIALS
required: Final = False

_METADATA: Final = "aws_lambda_powertools.utilities.metadata"


class _Provider(Protocol):
    def clear_cache(self) -> None: ...


class _Logger(Protocol):
    sampling_rate: object

    def refresh_sample_rate_calculation(self) -> None: ...


_powertools: Final = Library(VERSIONS)
_providers: Final = Live[_Provider]("aws_lambda_powertools.utilities.parameters.base:BaseProvider")
_loggers: Final = Live[_Logger]("aws_lambda_powertools.logging.logger:Logger")
_sampling: Final[list[_Logger]] = []


def before_snapshot() -> None:
    """Empty the caches of metadata, parameters and secrets."""
    metadata = sys.modules.get(_METADATA)
    if metadata is not None:
        with _powertools.attempt("the metadata name the availability zone of the snapshot"):
            metadata.clear_metadata_cache()
    for provider in _providers.now():
        with _powertools.attempt("parameters are as old as the snapshot"):
            provider.clear_cache()
            tokens: dict[str, str] = getattr(provider, "_next_token", {})  # of AppConfig
            tokens.clear()
    _sampling[:] = [logger for logger in _loggers() if logger.sampling_rate]


def after_restore() -> None:
    """Let each logger decide again, after `random` was reseeded."""
    for logger in _sampling:
        with _powertools.attempt("the loggers of all clones sample the same invocations"):
            logger.refresh_sample_rate_calculation()
