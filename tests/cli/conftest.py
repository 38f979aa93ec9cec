"""A process in which no function has been loaded."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import snapshot_restore_py

from snapstart_hooks import default_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No hooks, no settings, and no module that the test before has imported."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("COLUMNS", raising=False)
    modules = set(sys.modules)
    lists = snapshot_restore_py.get_before_snapshot(), snapshot_restore_py.get_after_restore()
    before = [list(entries) for entries in lists]
    for entries in lists:
        entries.clear()
    with default_registry.isolated():
        yield
    for entries, old in zip(lists, before, strict=True):
        entries[:] = old
    for name in sys.modules.keys() - modules:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]
