"""What authors of libraries are told of the hooks that they ship."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import pytest
from plugins.building import declare, write
from runtime.installing import install
from testing.clone_helpers import namespace_only

from snapstart_hooks.testing import (
    CloneOutcome,
    CloneRun,
    ClonesCompared,
    Hazard,
    HazardReport,
    ProviderCheckFailed,
    ShippedProvider,
    SnapshotOutcome,
    check_provider,
)
from snapstart_hooks.testing.provider._judge import of_clones

if TYPE_CHECKING:
    from collections.abc import Iterator

    from snapstart_hooks.testing import ProviderHook, ProviderProblem, ProviderReport

PROJECT: Final = Path(__file__).parents[2]
CREAKY: Final = "creaky-driver"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder into which the faulty library is installed; it is on the path."""
    folder = tmp_path_factory.mktemp("creaky")
    target = install(Path(__file__).parent / "creaky", folder / "installed")
    (folder / "creaky_app.py").write_text("import creaky_driver\nsessions = creaky_driver.Pool('sessions')\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(target)
        patch.setenv("SNAPSTART_HOOKS_DISABLE", "*")  # of this shell, not of the library's users
        yield folder


@pytest.fixture(scope="module")
def report(installed: Path) -> ProviderReport:
    """All that one look at it tells."""
    return check_provider("Creaky_Driver", app="creaky_app.handler", clones=0, types="no", task_root=installed)


def of(report: ProviderReport, code: str) -> list[ProviderProblem]:
    return [problem for problem in report.problems if problem.code == code]


def hooks(provider: ShippedProvider) -> dict[str, ProviderHook]:
    return {hook.phase: hook for hook in provider.hooks}


def test_it_tells_what_is_declared_and_when_that_is_loaded(report: ProviderReport) -> None:
    assert (report.distribution, report.version, report.rounds) == ("Creaky.Driver", "0.3", 3)
    packages = {provider.name: provider.package for provider in report.providers}
    assert packages.pop(f"{CREAKY}:always") is None
    assert packages.pop(f"{CREAKY}:moved") == "creaky_drivers"
    assert set(packages.values()) == {"creaky_driver"}


def test_each_live_object_has_hooks_with_the_options_of_their_phase(report: ProviderReport) -> None:
    (each,) = (provider for provider in report.providers if provider.name == f"{CREAKY}:each")
    assert "instances" in each.names
    before, after = hooks(each)["before_snapshot"], hooks(each)["after_restore"]
    assert before.name == after.name == f"{CREAKY}:each[sessions]"
    assert (before.priority, after.priority) == (-100, -200)
    assert (before.is_async, after.is_async) == (False, True)
    assert (after.timeout, after.concurrent, after.required) == (2.5, True, True)
    assert Path(after.location.rpartition(":")[0]).name == "_each.py"


def test_what_every_function_loads_is_told_with_what_that_imports(report: ProviderReport) -> None:
    (problem,) = of(report, "always-loaded")
    assert (problem.subject, problem.severity) == (f"{CREAKY}:always", "warning")
    assert "2 modules" in problem.message
    assert problem.message.endswith("creaky_driver among them")


def test_what_a_package_costs_is_not_what_its_provider_costs(report: ProviderReport) -> None:
    (each,) = (provider for provider in report.providers if provider.name == f"{CREAKY}:each")
    assert each.cost is not None
    assert each.package_cost is not None
    assert each.cost.modules == each.cost.foreign == ("creaky_driver._each",)
    assert each.package_cost.modules == ()  # the one that is always loaded has imported it


def test_discovery_has_the_word_for_what_is_misspelt_or_refused(report: ProviderReport) -> None:
    misspelt = [problem.message for problem in of(report, "discovery-warns")]
    for wrong, right in (("[snapstart.hook]", "[snapstart.hooks]"), ("`priorty`", "`priority`")):
        assert any(wrong in message and right in message for message in misspelt)
    assert any("`after_restored`" in message for message in misspelt)
    assert len(misspelt) == len(report.warnings) == 3
    refused = {problem.subject: problem for problem in of(report, "refused")}
    assert refused.keys() == {f"{CREAKY}:moved", f"{CREAKY}:refused"}
    assert "needs the argument 'pool'" in refused[f"{CREAKY}:refused"].message
    # Nobody would ever be told of this: no function imports a package that is not there.
    assert "No module named 'creaky_drivers'" in refused[f"{CREAKY}:moved"].message


def test_what_loading_does_besides_is_told(report: ProviderReport) -> None:
    problems = of(report, "acts-when-loaded")
    assert {(problem.subject, problem.severity) for problem in problems} == {(f"{CREAKY}:loud", "warning")}
    started, opened, did = (problem.message for problem in problems)
    assert started == "loading it starts thread 'loud'"
    assert opened.count("a socket") == 2
    assert "connects to ('127.0.0.1'" in did
    assert "starts the process" in did


def test_hooks_run_again_and_what_grows_is_named(report: ProviderReport) -> None:
    (again,) = of(report, "not-repeatable")
    assert (again.subject, again.severity) == (f"{CREAKY}:fails", "error")
    assert again.message.endswith("RuntimeError: it is closed already")
    (failing,) = of(report, "hook-fails")
    assert failing.severity == "warning"  # it is not required
    assert failing.message.endswith("OSError: nobody answers")
    threads, files = (problem.message for problem in of(report, "grows"))
    assert threads.endswith("new are thread 'keeper', thread 'keeper'")
    assert files.startswith("each time that both phases have run there are more open files")


def test_the_report_is_for_people_for_machines_and_for_tests(report: ProviderReport) -> None:
    assert not report.ok
    assert [problem.severity for problem in report.problems] == sorted(problem.severity for problem in report.problems)
    with pytest.raises(ProviderCheckFailed, match=r"creaky-driver:each = creaky_driver\._each") as failed:
        report.check()
    assert str(failed.value) == str(report)
    assert all(problem.message in str(report) for problem in report.problems)
    document = json.loads(json.dumps(report.to_dict()))
    assert document["ok"] is False
    assert document["clones"] is None
    assert [problem["code"] for problem in document["problems"]] == [problem.code for problem in report.problems]
    assert [provider["name"] for provider in document["providers"]] == [provider.name for provider in report.providers]


@pytest.mark.once
def test_a_hook_that_ends_the_process_or_never_ends_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    ends = "import os\ndef before_snapshot(): print('written before'); os._exit(7)\n"
    hangs = "import threading\ndef before_snapshot(): threading.Event().wait()\n"
    for name, source in (("ends", ends), ("hangs", hangs)):
        write(tmp_path, name, entry_points=declare(default=f"{name}_hooks"), modules={f"{name}_hooks": source})
    (problem,) = check_provider("ends", types="no").problems
    assert problem.code == "ended"
    assert problem.message.startswith("while running both phases, time 1: it ended the process with exit code 7")
    (problem,) = check_provider("hangs", types="no", init_timeout=6).problems
    assert problem.message.startswith("while running both phases, time 1: it was not done in 6 s")
    assert "hangs_hooks.py" in problem.message  # where it stands


@pytest.mark.once
def test_a_library_that_declares_nothing_or_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    write(tmp_path, "Silent_Driver", "1.5")
    report = check_provider("silent-driver", types="no")
    assert [problem.code for problem in report.problems] == ["no-provider"]
    assert (report.distribution, report.version, report.ok) == ("Silent_Driver", "1.5", False)
    with pytest.raises(ValueError, match=r"'silent-drivr' is installed here\. Did you mean 'Silent_Driver'"):
        check_provider("silent-drivr")
    with pytest.raises(ValueError, match="clones=-1"):
        check_provider("silent-driver", clones=-1)


@pytest.mark.once
def test_the_example_has_its_own_test(tmp_path: Path) -> None:
    namespace_only()
    project = shutil.copytree(PROJECT / "examples" / "acme-driver", tmp_path / "acme-driver")
    environment = {**os.environ, "PYTHONPATH": str(install(project, tmp_path / "installed"))}
    plugins = ["--disable-plugin-autoload", "-p", "pytest_snapstart_hooks", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *plugins, "tests"]
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_clones_show_is_held_against_the_hooks() -> None:
    def found(provider: str, *hazards: tuple[str, Literal["error", "warning"]]) -> HazardReport:
        report = {"hooks": [{"provider": provider}]}
        run = CloneRun("fork", (), SnapshotOutcome(), (CloneOutcome(after_report=report),))
        return HazardReport(run, tuple(Hazard(code, "app.x", "seen", "", "mend it", grave) for code, grave in hazards))

    without = found("", ("cured", "error"), ("left", "error"))
    compared = ClonesCompared(without, found("mine:pool", ("left", "error"), ("caused", "warning")))
    assert [hazard.code for hazard in compared.cured] == ["cured"]
    mine = ShippedProvider("mine:pool", "mine", None, False, (), None, None, None, ())
    told = {problem.code: problem for problem in of_clones(compared, "mine", [mine])}
    assert told.keys() == {"hazard-left", "hazard-caused"}
    assert (told["hazard-left"].severity, told["hazard-caused"].severity) == ("error", "warning")
    assert told["hazard-left"].message == "left, with the hooks too: seen"
    (unheard, *_) = of_clones(ClonesCompared(without, found("others:pool")), "mine", [mine])
    assert unheard.code == "did-not-run"
