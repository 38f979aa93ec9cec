"""The fixture of our plugin, which is not loaded where the plugin itself is tested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from snapstart_hooks.testing._fresh_registry import fresh_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from snapstart_hooks import Registry


@pytest.fixture
def hook_registry() -> Iterator[Registry]:
    """The default registry, without hooks for this test."""
    with fresh_registry() as registry:
        yield registry
