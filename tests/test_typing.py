"""The same verdict in five type checkers, and complete types.

The files in ``typing/`` are read and never executed.  In ``wrong_*.py`` every statement below
a comment ``# wrong: why`` has to be an error in each checker; nothing else there, and nothing
in the other files, may be one.  They are checked as in the project of a user who has installed
our wheel, AWS's packages, and nothing else: no setting, no path.

Left out there, because the checkers do not agree and nothing that we write can change it:

- a generator function as a hook: none reports it, registration refuses it;
- a class that needs arguments, below an ``@``: pyrefly does not look at decorators of
  classes (as a plain call, all reject it); registration refuses it;
- an abstract class: none reports it, registration refuses it;
- ``functools.cache`` of a function that needs arguments: its type takes any; and
  ``functools.partial`` of one whose argument is still missing: mypy accepts it.
  Registration refuses both;
- a lambda registered with too many arguments: pyrefly accepts it, registration refuses it;
- a method below ``@cached_until_restore``: mypy and pyright know its parameters, ty and pyrefly
  its result alone, because they do not solve a ``ParamSpec`` in the type of ``self``;
- an object whose ``before_snapshot`` is set in ``__init__``: mypy and pyright take it for a
  provider, ty and pyrefly want a method. It works.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from checkers import CHECKERS, Setting, disagreements, environment, executable, missing, run, wrong_uses

import snapstart_hooks

if TYPE_CHECKING:
    from checkers import Checker

HERE = Path(__file__).parent
ROOT = HERE.parent
PACKAGE = Path(snapstart_hooks.__file__).parent

OLDEST_MYPY = "1.8.0"
"""The oldest supported release; 1.7.0 and 1.6 reject an overloaded function, such as `print`, in a call form."""

OLDEST_PYTHON, NEWEST_PYTHON = "3.11", "3.14"

NEEDED = ("awslambdaric", "importlib-metadata", "snapshot-restore-py", "typing-extensions")

WEAKER = "weaker_hooks"
"""A copy of the package whose decorators accept more."""

WEAK_SAMPLE = "wrong_weaker_decorators.py"
"""What shows that."""

# Basedpyright is pyright with more rules: each looks at one of the Pythons.
RUNS = [
    pytest.param((checker, python), id=f"{checker.name} for {python}")
    for checker in CHECKERS
    for python in (OLDEST_PYTHON, NEWEST_PYTHON)
    if (checker.name, python) not in {("pyright", NEWEST_PYTHON), ("basedpyright", OLDEST_PYTHON)}
]


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a user who has installed our wheel; beside it the weaker copy."""
    if not (ROOT / "src").is_dir():
        missing("the sources are not here: the wheel under test was built from them elsewhere")
    folder = tmp_path_factory.mktemp("user")
    built = run([executable("uv"), "build", "--wheel", "--quiet", "--out-dir", str(folder)], ROOT)
    assert built.returncode == 0, built.stderr
    python = environment(folder / "venv", *folder.glob("*.whl"), *(f"{name}=={version(name)}" for name in NEEDED))
    (package,) = folder.glob("venv/**/snapstart_hooks")
    weaker = package.with_name(WEAKER)
    shutil.copytree(package, weaker)
    for file in weaker.glob("*.py"):
        text = file.read_text(encoding="utf-8").replace("snapstart_hooks", WEAKER)
        if file.name == "_decorators.py":
            text, changes = re.subn(re.escape('TypeVar("F", bound=Callable[[], object])'), 'TypeVar("F")', text)
            assert changes == 1
        file.write_text(text, encoding="utf-8")
    return python


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of ``typing/`` far from our configuration, with more that is made of it.

    AWS's samples as they are after migrating; and a sample that uses the weaker copy.
    """
    copy = tmp_path_factory.mktemp("typing") / "project"
    shutil.copytree(HERE / "typing", copy)

    def importing(package: str, sample: str, other: str, file: Path) -> None:
        text = (copy / sample).read_text(encoding="utf-8")
        changed, changes = re.subn(rf"(?m)^from {package} import", f"from {other} import", text)
        assert changes == 1, f"{sample} has {changes} imports of {package}, not one"
        file.write_text(changed, encoding="utf-8")

    for sample in ("aws_hooks.py", "wrong_aws_hooks.py"):
        migrated = copy / f"{sample.removesuffix('.py')}_migrated.py"
        importing("snapshot_restore_py", sample, "snapstart_hooks", migrated)
    importing("snapstart_hooks", "wrong_decorators.py", WEAKER, copy / WEAK_SAMPLE)
    # AWS's runtime is typed for our own code alone: the wheel does not hold its stubs.
    shutil.copytree(ROOT / "stubs" / "awslambdaric", copy.with_name("stubs") / "awslambdaric")
    return copy


def differences(checker: Checker, setting: Setting) -> tuple[list[str], list[str]]:
    """On which uses of the package the checker disagrees with us, and on which of the weaker copy."""
    problems, uses = checker.check(setting), wrong_uses(setting.project)
    ours, weaker = (
        disagreements(
            checker.name,
            [problem for problem in problems if (problem.file == WEAK_SAMPLE) is weak],
            [use for use in uses if (use.file == WEAK_SAMPLE) is weak],
        )
        for weak in (False, True)
    )
    return ours, weaker


@pytest.mark.parametrize("which", RUNS)
def test_checkers_reject_the_wrong_uses_and_nothing_else(
    which: tuple[Checker, str], project: Path, python: Path
) -> None:
    """All have the same verdict on each statement, for the oldest Python that we support and the newest there is.

    The comparison shows what a weaker type would accept: without the bound of the decorators'
    type variable, hooks that need arguments go unseen.
    """
    checker, target = which
    ours, weaker = differences(checker, Setting(project, python, target, paths=(project.with_name("stubs"),)))
    assert not ours, "\n".join(ours)
    why = "a hook is called without arguments"
    assert any(told.startswith(f"{checker.name} accepts") and told.endswith(why) for told in weaker), weaker


def test_wrong_uses_are_many(project: Path) -> None:
    """The comparison compares something in every file that says so."""
    marked = {use.file for use in wrong_uses(project)}
    assert marked == {str(file.relative_to(project)) for file in project.rglob("wrong_*.py")}
    assert len(wrong_uses(project)) > 100


def test_public_names_are_completely_typed_for_pyright(python: Path) -> None:
    """``pyright --verifytypes`` knows the type of everything that is public, and of all that it is made of."""
    command = [executable("pyright"), "--ignoreexternal", "--verifytypes", "snapstart_hooks", "--outputjson"]
    done = run([*command, "--pythonpath", str(python)], python.parent)
    report = json.loads(done.stdout)["typeCompleteness"]
    unknown = [symbol["name"] for symbol in report["symbols"] if symbol["isExported"] and not symbol["isTypeKnown"]]
    assert not unknown
    assert report["completenessScore"] == 1
    assert {f"snapstart_hooks.{name}" for name in snapstart_hooks.__all__} <= {
        symbol["name"] for symbol in report["symbols"]
    }


def test_public_names_are_completely_typed_for_pyrefly() -> None:
    """Pyrefly's coverage of public names is 100 %."""
    done = run([executable("pyrefly"), "coverage", "check", "--public-only", str(PACKAGE)], PACKAGE.parent)
    assert done.returncode == 0, done.stdout + done.stderr


def test_oldest_supported_mypy_agrees(project: Path, python: Path) -> None:
    """It must not fall silent: of syntax that it does not know, an old mypy makes ``Any``."""
    uv, package = executable("uv"), f"mypy=={OLDEST_MYPY}"
    command = (uv, "tool", "run", "--python", str(python), "--from", package, "mypy")
    answer = run([*command, "--version"], project)
    if answer.returncode:
        missing(f"{package} cannot be installed here: {answer.stderr.strip()}")
    assert answer.stdout.startswith(f"mypy {OLDEST_MYPY}")
    (mypy,) = (checker for checker in CHECKERS if checker.name == "mypy")
    setting = Setting(project, python, version="3.12", paths=(project.with_name("stubs"),))
    ours, _ = differences(replace(mypy, command=command), setting)
    assert not ours, "\n".join(ours)
