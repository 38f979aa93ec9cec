"""What a user installs: metadata, files, command."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
import zlib
from importlib import metadata
from pathlib import Path, PurePosixPath

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import snapstart_hooks
import snapstart_hooks.__main__

ROOT = Path(__file__).parents[1]
PACKAGE = Path(snapstart_hooks.__file__).parent
INSTALLED = metadata.distribution("snapstart-hooks")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")

# Tracked, but of use in a clone only.
NOT_IN_SDIST = {".ci/run", ".pre-commit-config.yaml"}


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of this tree, and the wheel that is built from that sdist."""
    if not (ROOT / "src").is_dir():
        pytest.skip("these are the tests of an sdist without its sources: what they test is the built wheel itself")
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT))
    return folder


@pytest.fixture(scope="session")
def wheel(dist: Path) -> zipfile.ZipFile:
    """The built wheel."""
    (path,) = dist.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="session")
def sdist(dist: Path) -> set[str]:
    """The names of the files in the sdist, without its top folder."""
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


def test_version_is_the_installed_one_and_read_when_asked_for() -> None:
    program = """
import snapstart_hooks
print("__version__" in vars(snapstart_hooks), snapstart_hooks.__version__)
"""
    assert run(sys.executable, "-c", program).split() == ["False", INSTALLED.version]


@pytest.mark.parametrize(
    ("python", "expected"),
    [("3.11", {"importlib-metadata", "typing-extensions"}), ("3.12", {"typing-extensions"}), ("3.13", set[str]())],
)
def test_newer_pythons_need_fewer_dependencies(python: str, expected: set[str]) -> None:
    environment = {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
    requirements = map(Requirement, INSTALLED.requires or ())
    assert {each.name for each in requirements if each.marker is None or each.marker.evaluate(environment)} == expected


def test_metadata_tell_license_pythons_and_typing() -> None:
    told = INSTALLED.metadata
    assert told["License-Expression"] == "Apache-2.0"
    assert told["License-File"] == "LICENSE"
    classifiers = told.get_all("Classifier") or []
    assert "Typing :: Typed" in classifiers
    pythons = [
        line.rpartition(" :: ")[2] for line in classifiers if line.startswith("Programming Language :: Python ::")
    ]
    assert pythons == list(PYTHONS)
    admitted = SpecifierSet(told["Requires-Python"])
    assert Version(pythons[0]) in admitted
    assert Version("3.10") not in admitted
    assert set(told.get_all("Provides-Extra") or ()) == {"cli", "lint", "plot", "testing"}


def test_command_starts_as_script_and_as_module() -> None:
    script = Path(sysconfig.get_path("scripts")) / "snapstart-hooks"
    told = run(str(script), "--help")
    assert told.startswith("usage: snapstart-hooks")
    assert run(sys.executable, "-m", "snapstart_hooks", "--help") == told


def test_a_deployment_without_the_command_says_what_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "snapstart_hooks.cli", None)
    assert snapstart_hooks.__main__.main() == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{PACKAGE / 'cli'} does not exist" in told.err
    assert "pip install --force-reinstall 'snapstart-hooks[cli]'" in told.err


def test_what_the_command_itself_cannot_import_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "snapstart_hooks.cli", None)
    monkeypatch.setattr(snapstart_hooks.__main__, "DEVELOPMENT", ())
    with pytest.raises(ModuleNotFoundError, match=r"snapstart_hooks\.cli"):
        snapstart_hooks.__main__.main()


@pytest.mark.once
def test_the_documented_sizes_are_those_of_the_package() -> None:
    """Within 5 %, in thousands of bytes; a zip compresses each file for itself."""
    measured = {"core": [0, 0], "integrations": [0, 0], "development": [0, 0]}
    rooms = {"integrations": "integrations", **dict.fromkeys(snapstart_hooks.__main__.DEVELOPMENT, "development")}
    for file in PACKAGE.rglob("*.py"):
        content = file.read_bytes()
        size = measured[rooms.get(file.relative_to(PACKAGE).parts[0], "core")]
        size[0] += len(content)
        size[1] += len(zlib.compress(content))
    _, _, section = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8").partition("## On disk")
    rows = re.findall(r"^\|.*\| (\d+) \| (\d+) \|$", section, re.MULTILINE)
    assert [[int(size) for size in row] for row in rows] == [
        [pytest.approx(size / 1000, rel=0.05) for size in sizes] for sizes in measured.values()
    ], f"docs/cost.md, On disk: bytes are {measured}"


@pytest.mark.once
def test_wheel_holds_the_package_and_the_stubs_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = {PurePosixPath(name) for name in wheel.namelist()}
    info = f"snapstart_hooks-{INSTALLED.version}.dist-info"
    assert {name.parts[0] for name in names} == {
        "snapstart_hooks",
        "pytest_snapstart_hooks.py",  # outside, so that pytest does not import the package with it
        "snapshot_restore_py-stubs",
        info,
    }
    assert PurePosixPath(info, "licenses/LICENSE") in names
    expected = {PurePosixPath("snapshot_restore_py-stubs/__init__.pyi"), PurePosixPath("pytest_snapstart_hooks.py")}
    expected |= {
        PurePosixPath(path.relative_to(PACKAGE.parent))
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if name.parts[0] != info} == expected
    assert wheel.read("snapstart_hooks/py.typed") == b""
    stub = "snapshot_restore_py{}/__init__.pyi"
    assert wheel.read(stub.format("-stubs")) == (ROOT / "stubs" / stub.format("")).read_bytes()


@pytest.mark.once
def test_sdist_holds_what_is_tracked(sdist: set[str]) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    tracked = set(run("git", "-C", str(ROOT), "ls-files").splitlines())
    assert tracked
    assert {name for name in tracked - sdist if not name.startswith(".github/")} == NOT_IN_SDIST


@pytest.mark.once
def test_sdist_holds_nothing_that_tools_made(sdist: set[str]) -> None:
    made = ("__pycache__", ".venv", ".nox", ".reports", ".mypy_cache")
    assert not [name for name in sdist if set(made) & set(PurePosixPath(name).parts)]
