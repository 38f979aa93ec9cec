"""A process in which no function has been loaded."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from snapstart_hooks.testing._fresh_registry import fresh_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def own_hooks() -> Iterator[None]:
    """No hooks of others; put back when what the test has patched is itself again."""
    with fresh_registry():
        yield


@pytest.fixture(autouse=True)
def _fresh(own_hooks: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No hooks, no settings, and no module that the test before has imported."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    modules = set(sys.modules)
    yield
    for name in sys.modules.keys() - modules:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]
