"""The sessions in which the project is checked, measured and shown.

``make help`` lists the usual ones; ``nox -l`` lists all.  Sessions tagged ``check`` are
what ``make test`` runs, several at a time; ``sum`` follows when they are done.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path

import nox
from packaging.requirements import Requirement

ROOT = Path(__file__).parent
REPORTS = ROOT / ".reports"
PYPROJECT = nox.project.load_toml("pyproject.toml")

# Verdicts and formats change with the tools' releases: `make lock` says when.
CONSTRAINTS = ROOT / "constraints.txt"
# They need the checkers and ask nothing of the interpreter: once, in the session `types`.
TYPING_TESTS = ("tests/test_typing.py", "tests/test_stubs.py")
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"].values()
DEPENDENCIES = {Requirement(each).name for each in (*PROJECT["dependencies"], *chain.from_iterable(EXTRAS))}

SUPPORTED = nox.project.python_versions(PYPROJECT)
UPCOMING = ["3.14"]


def interpreters() -> list[str]:
    """The versions of Python that run here; the folder of each goes to the front of ``PATH``.

    A ``python3.X`` on ``PATH`` may be a shim for a version that is not selected, while
    the interpreter itself stands in pyenv's folder: so each is asked.
    """
    found: list[str] = []
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for version in (*SUPPORTED, *UPCOMING):
        folders = [Path(folder) for folder in os.get_exec_path()]
        folders += sorted(pyenv.glob(f"versions/{version}*/bin"), reverse=True)
        for folder in folders:
            if runs(folder / f"python{version}", version):
                os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
                found.append(version)
                break
    return found


def runs(python: Path, version: str) -> bool:
    """Whether `python` starts, and is what its name says."""
    if not os.access(python, os.X_OK):
        return False
    ask = [str(python), "-Ic", "import sys; print('%d.%d' % sys.version_info[:2])"]
    answer = subprocess.run(ask, capture_output=True, text=True, check=False)
    return answer.stdout.strip() == version


# Settings of whoever runs this must change no verdict.
for variable in list(os.environ):
    if variable.startswith(("AWS_", "COVERAGE_", "MYPY", "PYTEST", "PYTHON", "SNAPSTART_HOOKS_")):
        del os.environ[variable]
os.environ["PATH"] += f"{os.pathsep}{Path(sys.executable).parent}"  # uv stands beside nox
os.environ["UV_PYTHON_DOWNLOADS"] = "never"
PYTHONS = interpreters()
if not PYTHONS:
    sys.exit(f"None of Python {', '.join(SUPPORTED)} runs here, neither from PATH nor from pyenv.")
# What is asked once is asked of the oldest Python that Lambda restores from a snapshot.
PYTHON = "3.12" if "3.12" in PYTHONS else PYTHONS[-1]

# Of these some lines of the core are for one only; on the others measuring would only take time.
MEASURED = ("3.11", "3.12")

nox.needs_version = ">=2026.2"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", f"tests-{PYTHON}"]


def install(session: nox.Session, *what: str, group: str | None = None) -> None:
    """Install `what` and a dependency group, in the versions of ``constraints.txt``."""
    groups = ("--group", f"{ROOT / 'pyproject.toml'}:{group}") if group else ()
    session.install(*what, *groups, env={"UV_CONSTRAINT": str(CONSTRAINTS)})


@nox.session(python=PYTHON, tags=["check"])
def types(session: nox.Session) -> None:
    """Check all types with five checkers, and the verdicts that users will get from them."""
    install(session, "-e", ".[cli,testing]", group="types")
    python = f"{session.bin}/python"
    failed: list[str] = []
    for command in (
        *(("mypy", "--python-version", version) for version in SUPPORTED),
        ("pyright", "--pythonpath", python),
        ("basedpyright", "--pythonpath", python),
        ("ty", "check", "--python", python),
        ("pyrefly", "check", "--python-interpreter-path", python),
        ("python", "-m", "pytest", f"--junit-xml={REPORTS / session.name}.xml", *TYPING_TESTS),
    ):
        try:  # one checker's finding must not hide the others'
            session.run(*command, env={"SNAPSTART_HOOKS_REQUIRE_CHECKERS": "1"})
        except nox.command.CommandFailed:
            failed.append(" ".join(command))
    if failed:
        session.error("\n    ".join(("These checks failed:", *failed)))


def pytest_arguments(session: nox.Session, which: str = "not once") -> tuple[str, ...]:
    """All tests but those of another session, or what was asked for; with a report for the summary."""
    others = (f"--ignore={file}" for file in TYPING_TESTS)
    return (f"--junit-xml={REPORTS / session.name}.xml", *others, "-m", which, *session.posargs)


@nox.session(python=PYTHONS, tags=["check"])
def tests(session: nox.Session) -> None:
    """Run the tests on the source tree; on those Pythons that have lines of their own, note which lines run."""
    install(session, "-e", ".[cli,testing]", group="test")
    python = ("coverage", "run") if session.python in MEASURED else ("python",)
    session.run(*python, "-m", "pytest", *pytest_arguments(session))


@nox.session(python=PYTHON, tags=["check"])
def once(session: nox.Session) -> None:
    """Run the tests that take long and ask nothing of the interpreter."""
    install(session, "-e", ".[cli,testing]", group="test")
    session.run("python", "-m", "pytest", *pytest_arguments(session, "once"))


@nox.session(python=PYTHON, tags=["check"])
def wheel(session: nox.Session) -> None:
    """Run the tests of the sdist on the wheel, with the oldest dependencies that it admits."""
    folder = Path(session.create_tmp())
    session.env.pop("TMPDIR", None)  # the tests' own folders must not lie below this project's pyproject.toml
    dist, tree, tools = folder / "dist", folder / "tree", folder / "tools.txt"
    for old in (dist, tree):
        shutil.rmtree(old, ignore_errors=True)
    session.run("uv", "build", "--quiet", "--out-dir", str(dist), external=True)
    (sdist,), (built,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    shutil.unpack_archive(sdist, tree)
    (top,) = tree.iterdir()
    shutil.rmtree(top / "src")

    # What we depend on comes in its oldest version, what only the tests use as everywhere.
    tools.write_text("".join(line for line in CONSTRAINTS.open() if line.partition("==")[0] not in DEPENDENCIES))
    oldest = (
        "--upgrade",
        "--resolution=lowest-direct",
        "--requirements=pyproject.toml",
        "--all-extras",
        "--group=test",
    )
    session.install(*oldest, env={"UV_CONSTRAINT": str(tools)})
    session.install("--reinstall", "--no-deps", str(built))
    session.chdir(top)
    session.run("python", "-m", "pytest", *pytest_arguments(session))


@nox.session(python=PYTHON, tags=["check"])
def lint(session: nox.Session) -> None:
    """Check style and format."""
    install(session, group="lint")
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--diff")


@nox.session(python=PYTHON, tags=["check"])
def docs(session: nox.Session) -> None:
    """Build the documentation; a dead link fails."""
    install(session, group="docs")
    session.run("zensical", "build", "--strict", "--clean")


@nox.session(python=PYTHON, tags=["sum"])
def coverage(session: nox.Session) -> None:
    """Put together what the sessions `tests` covered; the core has to be covered completely."""
    install(session, "coverage")
    session.run("coverage", "combine", "--keep", "--quiet")
    whole = set(MEASURED) <= set(PYTHONS)
    session.run("coverage", "report", *(() if whole else ("--fail-under=0",)))
    if not whole:
        session.warn("Not judged: some lines of the core are for Pythons that are not here.")


@nox.session(python=PYTHON)
def format(session: nox.Session) -> None:  # noqa: A001 - the word that one types
    """Mend style and format where ruff can."""
    install(session, group="lint")
    session.run("ruff", "check", "--fix", "--exit-zero")
    session.run("ruff", "format")


@nox.session(python=PYTHON)
def demo(session: nox.Session) -> None:
    """Publish and restore the example, with a real PostgreSQL and a library that ships hooks."""
    # As it is now: uv would not notice that a file of it has changed.
    install(session, "-e", ".[cli]", "--reinstall-package=acme-driver", "examples/acme-driver", group="demo")
    session.run("python", "examples/demo.py", *session.posargs)


@nox.session(python=PYTHON)
def survey(session: nox.Session) -> None:
    """Restore applications of well-known libraries in clones, and list what that shows."""
    session.install("-e", ".[testing]", "--group", "survey")  # as they are today
    session.run("python", "examples/applications/survey.py", *session.posargs)


@nox.session(python=PYTHON)
def bench(session: nox.Session) -> None:
    """Measure import, registration and running, beside AWS's loop, pluggy and stevedore."""
    install(session, "-e", ".[cli]", group="bench")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(venv_backend="none")
def lock(session: nox.Session) -> None:
    """Write the newest versions of all tools to ``constraints.txt``."""
    everything = ("--all-extras", "--group=dev", "--universal", f"--python-version={SUPPORTED[0]}")
    plain = ("--no-header", "--no-annotate", "--quiet", "--upgrade")
    session.run("uv", "pip", "compile", "pyproject.toml", *everything, *plain, f"--output-file={CONSTRAINTS}")
