"""A library that ships hooks, installed once."""

from __future__ import annotations

from pathlib import Path

import pytest
from runtime.installing import install


@pytest.fixture(scope="session")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the distribution `acme-driver` is installed."""
    return install(Path(__file__).parent / "acme", tmp_path_factory.mktemp("acme"))
