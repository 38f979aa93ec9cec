"""Builds the wheel of a library with hooks for SnapStart, and prints its path: ``python build.py redis``.

pip downloads the released sdist and checks its hash, ``apply.py`` adds the hooks, and the
library's own build backend does the rest.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
LIBRARIES: Final = sorted(file.parent.name for file in HERE.glob("*/patch.toml"))


def build(library: str, out: Path, options: list[str]) -> Path:
    """The wheel, in the folder `out`.

    Args:
        library: One of `LIBRARIES`.
        out: Where wheels go.
        options: What pip is told when it downloads and when it builds.

    Raises:
        CalledProcessError: A step failed, and has said why.
    """
    patch = tomllib.loads((HERE / library / "patch.toml").read_text())
    with tempfile.TemporaryDirectory(prefix=f"{library}-") as name:
        folder = Path(name)
        pinned = folder / "requirements.txt"
        pinned.write_text(f"{patch['requirement']} --hash=sha256:{patch['sha256']}\n")
        _pip("download", "--no-binary=:all:", "--dest", name, "--requirement", str(pinned), *options)
        (sdist,) = folder.glob("*.tar.gz")
        with tarfile.open(sdist) as archive:
            archive.extractall(folder / "sources", filter="data")
        (sources,) = (folder / "sources").iterdir()
        subprocess.run([sys.executable, str(HERE / "apply.py"), library, str(sources)], check=True)
        _pip("wheel", "--wheel-dir", f"{name}/wheel", str(sources), *options)
        (wheel,) = (folder / "wheel").iterdir()
        out.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(wheel, out / wheel.name))


def _pip(command: str, *arguments: str) -> None:
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    subprocess.run((*pip, command, "--no-deps", *arguments), check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build libraries with hooks for SnapStart, and print their wheels.")
    parser.add_argument("libraries", nargs="*", metavar="library", help=f"of {', '.join(LIBRARIES)}; all by default")
    parser.add_argument("--out", type=Path, default="dist", help="the folder of the wheels (default: %(default)s)")
    parser.add_argument(
        "--no-build-isolation",
        action="store_true",
        help="build with the hatchling and setuptools that are installed here, which is quicker",
    )
    arguments = parser.parse_args()
    if unknown := sorted({*arguments.libraries} - {*LIBRARIES}):
        parser.error(f"there are no hooks here for {', '.join(unknown)}, but for {', '.join(LIBRARIES)}")
    try:
        for each in arguments.libraries or LIBRARIES:
            print(build(each, arguments.out, ["--no-build-isolation"] * arguments.no_build_isolation), flush=True)
    except subprocess.CalledProcessError as error:
        parser.exit(1, f"{error}\n")
