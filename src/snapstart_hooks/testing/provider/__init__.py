"""Checks the hooks that a library ships, for the author of the library."""

from __future__ import annotations

from snapstart_hooks.testing.provider._check import check_provider
from snapstart_hooks.testing.provider._model import (
    ClonesCompared,
    LoadCost,
    ProviderCheckFailed,
    ProviderHook,
    ProviderProblem,
    ProviderReport,
    ShippedProvider,
    TypesChecked,
)
from snapstart_hooks.testing.provider._text import loaded, options

__all__ = (
    "ClonesCompared",
    "LoadCost",
    "ProviderCheckFailed",
    "ProviderHook",
    "ProviderProblem",
    "ProviderReport",
    "ShippedProvider",
    "TypesChecked",
    "check_provider",
    "loaded",
    "options",
)
