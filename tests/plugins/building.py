"""Builds and installs the sample distributions of this folder; writes good and damaged metadata by hand."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from snapstart_hooks import Registry

SAMPLES: Final = Path(__file__).parent

Kind = Literal["wheel", "sdist"]


class Built:
    """The sample distributions, each form of each built at most once."""

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder
        self._built: Final[dict[tuple[str, Kind], Path]] = {}

    def project(self, sample: str) -> Path:
        """A copy of the sample's source tree, which a build may litter."""
        copy = self._folder / "projects" / sample
        if not copy.exists():
            shutil.copytree(SAMPLES / sample, copy, ignore=shutil.ignore_patterns("__pycache__"))
        return copy

    def build(self, sample: str, kind: Kind = "wheel") -> Path:
        """The built file, by the sample's own build backend without a network."""
        if (sample, kind) not in self._built:
            if sample == "creek":
                pytest.importorskip("setuptools")  # its build backend
            from build import ProjectBuilder
            from pyproject_hooks import quiet_subprocess_runner

            builder = ProjectBuilder(self.project(sample), runner=quiet_subprocess_runner)
            file = Path(builder.build(kind, self._folder / kind / sample))
            self._built[sample, kind] = file
        return self._built[sample, kind]

    def unpack(self, folder: Path, *samples: str) -> Path:
        """Unpack the samples' wheels, which is all that installing them means here; return `folder`."""
        for sample in samples:
            with zipfile.ZipFile(self.build(sample)) as wheel:
                wheel.extractall(folder)
        return folder


def uv_install(folder: Path, *what: str | Path) -> Path:
    """Install with uv into `folder`, offline; return it."""
    uv = (sys.executable, "-m", "uv", "pip", "install", f"--python={sys.executable}")
    options = ("--quiet", "--offline", "--no-deps", "--no-build-isolation", f"--target={folder}")
    subprocess.run([*uv, *options, *what], check=True, timeout=60)
    return folder


def pip_install(folder: Path, *what: str | Path) -> Path:
    """Install with pip into `folder`, offline; return it."""
    pip = (sys.executable, "-m", "pip", "--isolated", "install", "--quiet", "--disable-pip-version-check")
    options = ("--no-index", "--no-deps", "--no-build-isolation", "--no-compile", "--upgrade", f"--target={folder}")
    subprocess.run([*pip, *options, *what], check=True, timeout=60)
    return folder


def declare(**entry_points: str) -> str:
    """The text of an ``entry_points.txt`` that declares hooks."""
    return "[snapstart.hooks]\n" + "".join(f"{name} = {value}\n" for name, value in entry_points.items())


def write(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    entry_points: str | bytes | None = None,
    metadata: str | bytes | None = "",
    kind: Literal["dist-info", "egg-info"] = "dist-info",
    modules: Mapping[str, str] | None = None,
) -> Path:
    """Write a distribution as an installer leaves it.

    Args:
        folder: What is or will be on ``sys.path``.
        name: As in METADATA, and, with ``_`` for what is no letter or digit, in its folder's name.
        version: Its version.
        entry_points: What ``entry_points.txt`` holds; ``None`` if it is missing.
        metadata: What METADATA holds: ``""`` for name and version, ``None`` if it is missing.
        kind: Of the folder.
        modules: Source by module name, with slashes for those of a package.

    Returns:
        The metadata's folder.
    """
    where = folder / f"{name.replace('-', '_').replace('.', '_')}-{version}.{kind}"
    where.mkdir(parents=True)
    if metadata == "":
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    file = where / ("METADATA" if kind == "dist-info" else "PKG-INFO")
    for path, content in ((file, metadata), (where / "entry_points.txt", entry_points)):
        if content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for module, source in (modules or {}).items():
        (folder / module).parent.mkdir(exist_ok=True)
        (folder / f"{module}.py").write_text(source, encoding="utf-8")
    return where


def left_out(registry: Registry) -> tuple[str, ...]:
    """What discovery has left out of the distributions that are not ours."""
    return tuple(line for line in registry.skipped if not line.startswith("snapstart-hooks:"))
