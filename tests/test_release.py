"""A release says the same everywhere: `scripts/release.py`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

SCRIPT = Path(__file__).parents[1] / "scripts" / "release.py"
pytestmark = [pytest.mark.once, pytest.mark.skipif(not SCRIPT.exists(), reason="the sdist has no scripts")]


@pytest.fixture
def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n', encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text("## [Unreleased]\n\n## [1.2.3] - 2026-01-31\n", encoding="utf-8")
    (tmp_path / "dist").mkdir()
    for name in ("snapstart_hooks-1.2.3.tar.gz", "snapstart_hooks-1.2.3-py3-none-any.whl"):
        (tmp_path / "dist" / name).touch()
    return tmp_path


def test_what_agrees_may_be_released(release: ModuleType, project: Path) -> None:
    assert release.disagreements("v1.2.3", project) == []


def test_each_disagreement_is_named(release: ModuleType, project: Path) -> None:
    (project / "pyproject.toml").write_text('[project]\nversion = "1.2.4"\n', encoding="utf-8")
    tag, changelog, built = release.disagreements("v1.2.3", project)
    assert "the tag is v1.2.3" in tag
    assert "tag v1.2.4" in tag
    assert "'## [1.2.4] - <date>'" in changelog
    assert "snapstart_hooks-1.2.4.tar.gz" in built
