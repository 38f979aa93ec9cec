"""The stubs agree with AWS's packages, and our wheel gives them to whoever uses AWS's hooks package."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from checkers import CHECKERS, NAMES, Checker, Setting, disagreements, executable, missing, run, wrong_uses

HERE = Path(__file__).parent
ROOT = HERE.parent
STUBS = ROOT / "stubs"
SAMPLES = ("aws_hooks.py", "wrong_aws_hooks.py")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel, built from this tree."""
    if not (ROOT / "src").is_dir():
        missing("the sources are not here: the wheel under test was built from them elsewhere")
    folder = tmp_path_factory.mktemp("wheel")
    built = run([executable("uv"), "build", "--wheel", "--quiet", "--out-dir", str(folder)], ROOT)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def environment(folder: Path, *packages: str | Path) -> Path:
    """A virtual environment with AWS's hooks package and `packages`; its interpreter."""
    uv = executable("uv")
    made = run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], folder.parent)
    assert made.returncode == 0, made.stderr
    (python,) = (*folder.glob("bin/python"), *folder.glob("Scripts/python.exe"))
    aws = f"snapshot-restore-py=={version('snapshot-restore-py')}"
    install = [uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python), aws, *map(str, packages)]
    installed = run(install, folder.parent)
    assert installed.returncode == 0, installed.stderr
    return python


@pytest.fixture(scope="module")
def with_us(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a user who has installed AWS's package and our wheel."""
    return environment(tmp_path_factory.mktemp("with_us") / "venv", wheel)


@pytest.fixture(scope="module")
def without_us(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a user who has installed AWS's package alone."""
    return environment(tmp_path_factory.mktemp("without_us") / "venv")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that uses AWS's package directly and knows nothing of us."""
    folder = tmp_path_factory.mktemp("project")
    for sample in SAMPLES:
        shutil.copy(HERE / "typing" / sample, folder)
    return folder


@pytest.mark.parametrize("package", ["snapshot_restore_py", "awslambdaric"])
def test_stubs_agree_with_the_installed_package(package: str) -> None:
    """Every name, parameter, default and kind; nothing is allowed to differ."""
    done = run([executable("stubtest"), package], ROOT, mypy_path=[STUBS])
    assert done.returncode == 0, done.stdout + done.stderr


def test_stubtest_would_see_a_difference(tmp_path: Path) -> None:
    """It does compare our stubs, and not what it infers from the module itself."""
    wrong = tmp_path / "stubs"
    shutil.copytree(STUBS, wrong)
    stub = wrong / "snapshot_restore_py" / "__init__.pyi"
    text = stub.read_text(encoding="utf-8")
    stub.write_text(text.replace("(func: Callable", "(function: Callable"), encoding="utf-8")
    done = run([executable("stubtest"), "snapshot_restore_py"], tmp_path, mypy_path=[wrong])
    assert done.returncode == 1
    assert 'stub parameter "function" differs from runtime parameter "func"' in done.stdout


def test_wheel_ships_the_stub_of_the_hooks_package(with_us: Path) -> None:
    """As a stub-only package (PEP 561), beside AWS's module and not in place of it."""
    where = "import snapshot_restore_py; print(snapshot_restore_py.__file__)"
    module = Path(run([str(with_us), "-Ic", where], with_us.parent).stdout.strip())
    assert module.name == "snapshot_restore_py.py"
    shipped = module.parent / "snapshot_restore_py-stubs" / "__init__.pyi"
    assert shipped.read_bytes() == (STUBS / "snapshot_restore_py" / "__init__.pyi").read_bytes()


@pytest.mark.parametrize("checker", CHECKERS, ids=NAMES)
def test_installing_us_types_code_that_uses_the_hooks_package(checker: Checker, with_us: Path, project: Path) -> None:
    """No setting, no path: being installed is enough."""
    problems = checker.check(Setting(project, python=with_us))
    differences = disagreements(checker.name, problems, wrong_uses(project))
    assert not differences, "\n".join(differences)


@pytest.mark.parametrize("checker", CHECKERS, ids=NAMES)
def test_without_us_the_same_code_is_not_typed(checker: Checker, without_us: Path, project: Path) -> None:
    """What the stubs are for: wrong uses pass, and the results of right ones are ``Any``."""
    problems = checker.check(Setting(project, python=without_us))
    differences = disagreements(checker.name, problems, wrong_uses(project))
    assert any("accepts" in told and told.endswith("the function needs its argument") for told in differences)
    assert any("rejects aws_hooks.py" in told for told in differences)
