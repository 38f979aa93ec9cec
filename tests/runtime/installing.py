"""Installs distributions as a packager for Lambda does: into a folder of their own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def install(project: Path, target: Path) -> Path:
    """Build `project` and install it to `target`, offline; return `target`."""
    uv = (sys.executable, "-m", "uv", "pip", "install", f"--python={sys.executable}")
    options = ("--quiet", "--offline", "--no-deps", "--no-build-isolation", f"--target={target}")
    subprocess.run([*uv, *options, project], check=True, timeout=60)
    return target


def install_module(folder: Path, name: str, source: str, **entry_points: str) -> Path:
    """Make and install a distribution of one module, which declares hooks; return where it is."""
    module = name.replace("-", "_")
    project = folder / "project"
    project.mkdir()
    (project / f"{module}.py").write_text(source, encoding="utf-8")
    declared = "".join(f'{entry_point} = "{value}"\n' for entry_point, value in entry_points.items())
    (project / "pyproject.toml").write_text(
        f"""
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "1.0"

[project.entry-points."snapstart.hooks"]
{declared}
[tool.hatch.build.targets.wheel]
include = ["{module}.py"]
""",
        encoding="utf-8",
    )
    return install(project, folder / "installed")
