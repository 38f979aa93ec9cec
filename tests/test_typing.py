"""The same verdict in five type checkers, and complete types.

The files in ``typing/`` are read and never executed.  In ``wrong_*.py`` every statement below
a comment ``# wrong: why`` has to be an error in each checker; nothing else there, and nothing
in the other files, may be one.

Left out there, because the checkers do not agree and nothing that we write can change it:

- a generator function as a hook: none reports it, registration refuses it;
- a class that needs arguments, below an ``@``: pyrefly does not look at decorators of
  classes (as a plain call, all reject it); registration refuses it;
- an abstract class: none reports it, registration refuses it;
- ``functools.cache`` of a function that needs arguments: its type takes any; and
  ``functools.partial`` of one whose argument is still missing: mypy accepts it.
  Registration refuses both;
- a lambda registered with too many arguments: pyrefly accepts it, registration refuses it;
- an object whose ``before_snapshot`` is set in ``__init__``: mypy and pyright take it for a
  provider, ty and pyrefly want a method. It works.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from checkers import CHECKERS, NAMES, Checker, Setting, disagreements, executable, missing, run, wrong_uses

import snapstart_hooks

HERE = Path(__file__).parent
STUBS = HERE.parent / "stubs"
PACKAGE = Path(snapstart_hooks.__file__).parent

OLDEST_MYPY = "1.8.0"
"""The oldest supported release; 1.7.0 and 1.6 reject an overloaded function, such as `print`, in a call form."""

OLDEST_PYTHON, NEWEST_PYTHON = "3.11", "3.14"

SEARCH = (STUBS,) if "site-packages" in PACKAGE.parts else (STUBS, PACKAGE.parent)
"""Where checkers find what is not installed. An installed package is to be found as users' checkers find it."""


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of ``typing/`` far from our configuration, with AWS's samples also as they are after migrating."""
    copy = tmp_path_factory.mktemp("typing") / "project"
    shutil.copytree(HERE / "typing", copy)
    for sample in ("aws_hooks.py", "wrong_aws_hooks.py"):
        text = (copy / sample).read_text(encoding="utf-8")
        migrated, changes = re.subn(r"(?m)^from snapshot_restore_py import", "from snapstart_hooks import", text)
        assert changes == 1, f"{sample} has {changes} imports of AWS's package, not one"
        (copy / f"{sample.removesuffix('.py')}_migrated.py").write_text(migrated, encoding="utf-8")
    return copy


@pytest.mark.parametrize("version", [OLDEST_PYTHON, NEWEST_PYTHON])
@pytest.mark.parametrize("checker", CHECKERS, ids=NAMES)
def test_checkers_reject_the_wrong_uses_and_nothing_else(checker: Checker, version: str, project: Path) -> None:
    """All have the same verdict on each statement, for the oldest Python that we support and the newest there is."""
    problems = checker.check(Setting(project, version=version, paths=SEARCH))
    differences = disagreements(checker.name, problems, wrong_uses(project))
    assert not differences, "\n".join(differences)


def test_wrong_uses_are_many(project: Path) -> None:
    """The comparison compares something in every file that says so."""
    marked = {use.file for use in wrong_uses(project)}
    assert marked == {str(file.relative_to(project)) for file in project.rglob("wrong_*.py")}
    assert len(wrong_uses(project)) > 100


@pytest.mark.parametrize("checker", CHECKERS, ids=NAMES)
def test_comparison_shows_what_a_weaker_type_would_accept(checker: Checker, project: Path, tmp_path: Path) -> None:
    """Without the bound of the decorators' type variable, hooks that need arguments go unseen, and that is told."""
    package = tmp_path / "weaker" / "snapstart_hooks"
    shutil.copytree(PACKAGE, package)
    decorators = package / "_decorators.py"
    strict = decorators.read_text(encoding="utf-8")
    weaker = strict.replace('TypeVar("F", bound=Callable[[], object])', 'TypeVar("F")')
    assert weaker != strict
    decorators.write_text(weaker, encoding="utf-8")
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(project / "wrong_decorators.py", folder)
    problems = checker.check(Setting(folder, paths=(package.parent,)))
    differences = disagreements(checker.name, problems, wrong_uses(folder))
    why = "a hook is called without arguments"
    assert any(told.startswith(f"{checker.name} accepts") and told.endswith(why) for told in differences), differences


def test_public_names_are_completely_typed_for_pyright() -> None:
    """``pyright --verifytypes`` knows the type of everything that is public, and of all that it is made of."""
    command = [executable("pyright"), "--ignoreexternal", "--verifytypes", "snapstart_hooks", "--outputjson"]
    done = run([*command, "--pythonpath", sys.executable], PACKAGE.parent)
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


def test_oldest_supported_mypy_agrees(project: Path) -> None:
    """It must not fall silent: of syntax that it does not know, an old mypy makes ``Any``."""
    uv, package = executable("uv"), f"mypy=={OLDEST_MYPY}"
    command = (uv, "tool", "run", "--python", sys.executable, "--from", package, "mypy")
    answer = run([*command, "--version"], project)
    if answer.returncode:
        missing(f"{package} cannot be installed here: {answer.stderr.strip()}")
    assert answer.stdout.startswith(f"mypy {OLDEST_MYPY}")
    (mypy,) = (checker for checker in CHECKERS if checker.name == "mypy")
    problems = replace(mypy, command=command).check(Setting(project, version="3.12", paths=SEARCH))
    differences = disagreements(package, problems, wrong_uses(project))
    assert not differences, "\n".join(differences)
