"""The stubs agree with AWS's packages, which have no types themselves."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

from checkers import CHECKERS, Setting, disagreements, environment, executable, run, wrong_uses

HERE = Path(__file__).parent
STUBS = HERE.parent / "stubs"


def test_stubs_agree_with_the_installed_packages() -> None:
    """Every name, parameter, default and kind; nothing is allowed to differ."""
    packages = sorted(stub.name for stub in STUBS.iterdir())
    done = run([executable("stubtest"), *packages], HERE.parent, mypy_path=[STUBS])
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(packages) == 2


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


def test_without_us_code_that_uses_the_hooks_package_is_not_typed(tmp_path: Path) -> None:
    """What the stubs are for: wrong uses pass, and the results of right ones are ``Any``."""
    python = environment(tmp_path / "venv", f"snapshot-restore-py=={version('snapshot-restore-py')}")
    project = tmp_path / "project"
    project.mkdir()
    for sample in ("aws_hooks.py", "wrong_aws_hooks.py"):
        shutil.copy(HERE / "typing" / sample, project)
    (mypy,) = (checker for checker in CHECKERS if checker.name == "mypy")
    differences = disagreements("mypy", mypy.check(Setting(project, python)), wrong_uses(project))
    assert any("accepts" in told and told.endswith("the function needs its argument") for told in differences)
    assert any("rejects aws_hooks.py" in told for told in differences)
