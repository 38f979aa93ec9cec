"""The pytest plugin, in pytest sessions of its own."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import metadata
from typing import ForwardRef, Protocol

import pytest
from testing.clone_helpers import namespace_only

from snapstart_hooks.testing import CloneOptions
from snapstart_hooks.testing._clones import Function


class Run(Protocol):
    """Runs a test file in a session with this plugin alone."""

    def __call__(self, source: str = "", *arguments: str, process: bool = False) -> pytest.RunResult: ...


needs_namespace = pytest.fixture(name="namespace")(namespace_only)

APP = """
import os, random, uuid

ID = str(uuid.uuid4())

def handler(event, context):
    return {"id": ID, "new": str(uuid.uuid4()), "event": event, "folder": os.getcwd()}

def failing(event, context):
    raise ValueError("it does not work")

quiet = handler
"""

UNSUPPORTED = """
import pytest
from snapstart_hooks.testing import CloneUnsupported, _clones

@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    def refuse(*job):
        raise CloneUnsupported("no namespaces in this kernel")
    monkeypatch.setattr(_clones, "run", refuse)

def test_it(snapstart):
    snapstart.restore("app.handler", backend="namespace")
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """The function `APP` is beside the test file."""
    pytester.makepyfile(app=APP)

    def run(source: str = "", *arguments: str, process: bool = False) -> pytest.RunResult:
        if source:
            pytester.makepyfile(test_app=source)
        run = pytester.runpytest_subprocess if process else pytester.runpytest_inprocess
        plugin = ("--disable-plugin-autoload", "-p", "pytest_snapstart_hooks", "-p", "no:cacheprovider")
        return run(*plugin, "--strict-markers", *arguments)

    return run


def test_a_function_is_restored_in_clones(run: Run, namespace: None) -> None:
    result = run("""
        import app

        def test_by_string(snapstart, tmp_path, monkeypatch):
            monkeypatch.chdir(tmp_path)  # found below pytest's rootdir all the same
            result = snapstart.restore("app.handler", event={"order": 7})
            assert result.backend in ("criu", "namespace")
            assert [clone.index for clone in result.clones] == [0, 1]
            assert [answer["event"] for answer in result.responses] == [{"order": 7}] * 2
            snapstart.assert_unique(result, "$.new")

        def test_by_itself_with_options(snapstart):
            result = snapstart.restore(app.handler, clones=3, environment={"TZ": "X"}, events=[1, 2], elapsed=60)
            assert [answer.response["event"] for clone in result.clones for answer in clone.invocations] == [1, 2] * 3
    """)
    result.assert_outcomes(passed=2)


def test_what_repeats_fails_the_test_and_is_told(run: Run) -> None:
    result = run("""
        def test_ids(snapstart):
            snapstart.assert_unique(snapstart.restore("app.handler", backend="fork"), "$.id")
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E *AssertionError: $.id is not unique:", "E * in clone 0, clone 1", "E *PerRestore(uuid.uuid4)*"],
        consecutive=False,
    )
    result.stdout.no_fnmatch_line("*_unique.py*")  # the traceback ends where the test is


def test_a_function_that_fails_fails_the_test_readably(run: Run) -> None:
    result = run("""
        import app

        def test_it(snapstart):
            snapstart.restore(app.failing, backend="fork")

        def test_unchecked(snapstart):
            result = snapstart.restore(app.failing, backend="fork", check=False)
            assert result.failures == ("clone 0: ValueError: it does not work", "clone 1: ValueError: it does not work")
    """)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [">*snapstart.restore(app.failing*", "E *clone 0: ValueError: it does not work", "E *app.py*in failing"]
    )
    result.stdout.no_fnmatch_line("*_pytest_fixture.py*")
    result.stdout.no_fnmatch_line("*_outcome.py*")


def test_a_handler_without_a_string_is_refused(run: Run) -> None:
    result = run("""
        import functools
        import app, pytest

        def here(event, context): ...

        here.__qualname__ = "elsewhere"

        @pytest.mark.parametrize(("handler", "why"), [
            (lambda event, context: None, "is not at the top of its module"),
            (functools.partial(app.handler), "it is no function"),
            (here, "test_app.elsewhere is something else"),
            (7, "it is no function"),
        ])
        def test_it(snapstart, handler, why):
            with pytest.raises(TypeError, match=f"has no handler string, for .*{why}; give the string"):
                snapstart.restore(handler)
    """)
    result.assert_outcomes(passed=4)


def test_targets_are_restored_too(run: Run) -> None:
    result = run("""
        import random
        from snapstart_hooks.testing import Target

        def probe(own):
            return own.random()

        def test_it(snapstart):
            result = snapstart.restore(Target(probe, init=random.Random), backend="fork", clones=3)
            assert len(set(result.responses)) == 1
    """)
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("settings", "outcome"),
    [(("", None), "skipped"), (("true", None), "failed"), (("true", "0"), "skipped"), (("false", "1"), "failed")],
)
def test_where_clones_are_impossible_tests_are_skipped_or_fail(
    run: Run,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    settings: tuple[str, str | None],
    outcome: str,
) -> None:
    configured, variable = settings
    if configured:
        pytester.makeini(f"[pytest]\nsnapstart_require_clones = {configured}\n")
    if variable is not None:
        monkeypatch.setenv("SNAPSTART_HOOKS_REQUIRE_CLONES", variable)
    result = run(UNSUPPORTED, "-ra")
    result.assert_outcomes(**{outcome: 1})
    result.stdout.fnmatch_lines(["*cannot be made here: no namespaces in this kernel*"])


def test_a_setting_that_is_not_understood_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_REQUIRE_CLONES", "maybe")
    result = run(UNSUPPORTED)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: SNAPSTART_HOOKS_REQUIRE_CLONES='maybe' is not understood; it is 1 or 0"])


def test_the_folder_of_the_function_is_configured(run: Run, pytester: pytest.Pytester) -> None:
    (pytester.mkdir("code") / "app.py").write_text("def handler(event, context): return __file__\n", encoding="utf-8")
    pytester.makeini("[pytest]\nsnapstart_task_root = code\n")
    result = run("""
        from pathlib import Path

        def test_configured(snapstart):
            result = snapstart.restore("app.handler", backend="fork")
            assert {Path(answer).parent.name for answer in result.responses} == {"code"}

        def test_given(snapstart):
            result = snapstart.restore("app.handler", backend="fork", task_root=Path(__file__).parent)
            assert {answer["folder"] for answer in result.responses} == {str(Path(__file__).parent)}
    """)
    result.assert_outcomes(passed=2)
    pytester.makeini("[pytest]\nsnapstart_task_root = nowhere\n")
    result = run()
    result.stdout.fnmatch_lines(["E *ValueError: task_root='*nowhere' is not a directory"])


def test_settings_are_explained(run: Run) -> None:
    result = run("", "--help")
    result.stdout.fnmatch_lines(["*snapstart_task_root (string):*", "*snapstart_require_clones (bool):*"])
    result = run("", "--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.snapstart_accept(hazard, [*]hazards, reason): *"])
    result = run("", "--fixtures")
    result.stdout.fnmatch_lines(["snapstart -- *", "hook_registry -- *"])


# What is found is for other tests to show.
FOUND = """
import dataclasses
import pytest
from snapstart_hooks.testing import Hazard, HazardReport, _pytest_fixture, clones

HAZARDS = [
    Hazard("repeated", "app.ID", "0 and 0", "app.py:4", "make it in the handler", "error"),
    Hazard("open-connection", "app.db", "to 10.0.0.1", "", "close it", "warning"),
]

@pytest.fixture(autouse=True)
def found(monkeypatch):
    def find(*args, accept, **options):
        found = [] if args[1] == "app.quiet" else HAZARDS
        hazards = [dataclasses.replace(hazard, accepted=accept.get(hazard.code)) for hazard in found]
        return HazardReport(clones(*args, **options), tuple(hazards))
    monkeypatch.setattr(_pytest_fixture, "find_hazards", find)
"""


def test_hazards_fail_a_test_with_evidence_and_remedy(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(FOUND)
    result = run("""
        def test_asserted(snapstart):
            snapstart.assert_no_hazards("app.handler", backend="fork")

        def test_looked_at(snapstart):
            report = snapstart.hazards("app.handler", {"order": 7}, clones=3, backend="fork")
            assert [hazard.code for hazard in report.open] == ["repeated", "open-connection"]
            assert [answer["event"] for answer in report.run.responses] == [{"order": 7}] * 3
    """)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "E *AssertionError: 2 hazards that are not accepted:",
            "E *error repeated: app.ID",
            "E *0 and 0",
            "E *from: app.py:4",
            "E *remedy: make it in the handler",
            "E *warning open-connection: app.db",
            "E *to 10.0.0.1",
            "E *remedy: close it",
            'E *@pytest.mark.snapstart_accept("repeated:app.ID", reason="...")',
        ],
        consecutive=True,
    )
    result.stdout.no_fnmatch_line("*_pytest_fixture.py*")


def test_hazards_are_accepted_by_marks_and_by_the_project(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(FOUND)
    pytester.makepyprojecttoml('[tool.snapstart-hooks.hazards.accept]\nopen-connection = "it is lazy"\n')
    source = """
        import pytest

        def test_project_only(snapstart):
            assert [hazard.code for hazard in snapstart.hazards("app.handler", backend="fork").open] == ["repeated"]

        @pytest.mark.snapstart_accept("repeated:app.*", reason="read once")
        def test_both(snapstart):
            report = snapstart.assert_no_hazards("app.handler", backend="fork")
            assert [hazard.accepted for hazard in report.hazards] == ["read once", "it is lazy"]

        @pytest.mark.snapstart_accept("repeated", "open-connection", reason="far")
        class TestNearest:
            @pytest.mark.snapstart_accept("repeated", reason="near")
            def test_it(self, snapstart):
                report = snapstart.assert_no_hazards("app.handler", backend="fork")
                assert [hazard.accepted for hazard in report.hazards] == ["near", "far"]
    """
    result = run(source, "-W", "always")
    result.assert_outcomes(passed=3, warnings=2)
    result.stdout.fnmatch_lines(["*backend='fork' proves nothing about repeated values: *"])


def test_what_is_accepted_and_not_found_is_warned_of(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(FOUND)
    source = """
        import pytest

        @pytest.mark.snapstart_accept("repeated", "gone:app.x", reason="old")
        def test_it(snapstart):
            snapstart.hazards("app.quiet", backend="fork")
            snapstart.hazards("app.handler", backend="fork")

        @pytest.mark.snapstart_accept("gone", reason="nobody looked")
        def test_other(snapstart): ...
    """
    result = run(source, "-W", "always")
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(["*test_app.py:*PytestWarning: snapstart_accept: *'gone:app.x' (old)*"])
    result.stdout.no_fnmatch_line("*not found: 'repeated'*")  # the second look found it
    run(source, "-W", "error").assert_outcomes(passed=2, errors=1)


@pytest.mark.parametrize(
    "mark",
    [
        "('code')",
        "(reason='why')",
        "('code', reason=' ')",
        "(7, reason='why')",
        "('code', reason='why', x=1)",
        "('', reason='why')",
    ],
)
def test_a_mark_that_is_not_understood_is_refused(run: Run, mark: str) -> None:
    result = run(f"""
        import pytest

        @pytest.mark.snapstart_accept{mark}
        def test_it(snapstart): ...
    """)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"@pytest.mark.snapstart_accept{mark} is not understood; write *reason=*"])


def test_a_function_that_fails_is_told_before_its_hazards(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(FOUND)
    result = run("""
        def test_asserted(snapstart):
            snapstart.assert_no_hazards("app.failing", backend="fork")

        def test_looked_at(snapstart):
            assert not snapstart.hazards("app.failing", backend="fork").run.ok
    """)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["E *ClonesFailed: clone 0: ValueError: it does not work"])


@pytest.mark.parametrize("method", ["hazards", "assert_no_hazards"])
def test_where_clones_are_impossible_nobody_looks_for_hazards(run: Run, method: str) -> None:
    result = run(UNSUPPORTED.replace("restore", method))
    result.assert_outcomes(skipped=1)


REGISTRY = """
import snapshot_restore_py
from snapstart_hooks import after_restore, default_registry, register_before_snapshot
from snapstart_hooks._registry import state_of
from snapstart_hooks.runtime.awslambdaric import connect
from snapstart_hooks.testing import run_in_process

def ours(): ...
def theirs(): ...

after_restore(ours)
snapshot_restore_py.register_after_restore(theirs)

def state():
    lists = snapshot_restore_py.get_before_snapshot(), snapshot_restore_py.get_after_restore()
    return [default_registry.hooks, state_of(default_registry).adopt, *map(list, lists)]

BEFORE = state()
"""


def test_a_test_has_hooks_of_its_own(run: Run) -> None:
    result = run(
        REGISTRY
        + """
def test_alone(hook_registry):
    assert hook_registry is default_registry
    assert hook_registry.hooks == ()
    assert state()[2:] == [[], []]
    snapshot_restore_py.register_before_snapshot(theirs)
    register_before_snapshot(ours)
    hook_registry.run_after_restore()
    assert hook_registry.generation == 1

def test_as_it_was():
    assert state() == BEFORE
    assert default_registry.generation == 0

def test_alone_with_the_runtime(hook_registry):
    assert run_in_process("app.handler").ok
    connect(hook_registry)
    assert state()[1:] != BEFORE[1:]

def test_as_it_was_again():
    assert state() == BEFORE
""",
        process=True,
    )
    result.assert_outcomes(passed=4)


def test_what_connects_the_runtime_stays_and_comes_back(run: Run) -> None:
    result = run(
        REGISTRY
        + """
connect(default_registry)
default_registry.hooks
CONNECTED = state()

def test_alone(hook_registry):
    first, second = state()[2:]
    assert len(first) == 1 and len(second) == 1
    snapshot_restore_py.register_after_restore(theirs)
    assert [hook.func for hook in hook_registry.plan("after_restore")] == [theirs]
    second.clear()

def test_as_it_was():
    assert state() == CONNECTED
""",
        process=True,
    )
    result.assert_outcomes(passed=2)


def test_aws_lists_that_a_test_has_imported_are_emptied(run: Run) -> None:
    result = run(
        """
        import sys

        def test_alone(hook_registry):
            assert "snapshot_restore_py" not in sys.modules
            import snapshot_restore_py
            snapshot_restore_py.register_after_restore(print)

        def test_as_it_was():
            import snapshot_restore_py
            assert snapshot_restore_py.get_after_restore() == []
        """,
        process=True,
    )
    result.assert_outcomes(passed=2)


def test_nothing_but_the_plugin_is_imported_until_a_fixture_is_used(run: Run) -> None:
    result = run(
        """
        import sys

        HEAVY = {"snapstart_hooks", "snapshot_restore_py", "awslambdaric", "rich", "time_machine", "simplejson"}

        def test_before():
            assert "pytest_snapstart_hooks" in sys.modules
            assert {name for name in sys.modules if name.partition(".")[0] in HEAVY} == set()

        def test_while(snapstart):
            assert "snapstart_hooks.testing" in sys.modules
            assert "awslambdaric" not in sys.modules
        """,
        process=True,
    )
    result.assert_outcomes(passed=2)


def test_the_plugin_adds_one_module() -> None:
    program = (
        "import pytest, sys; before = set(sys.modules); import pytest_snapstart_hooks; print(set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "{'pytest_snapstart_hooks'}\n"


def test_the_installed_plugin_is_found_by_its_name(run: Run, pytester: pytest.Pytester) -> None:
    (entry,) = metadata.entry_points(group="pytest11", name="snapstart_hooks")
    assert entry.value == "pytest_snapstart_hooks"
    pytester.makepyfile("def test_it(snapstart, hook_registry): ...")
    named = pytester.runpytest_subprocess("--disable-plugin-autoload", "-p", "snapstart_hooks")
    named.assert_outcomes(passed=1)
    found = pytester.runpytest_subprocess()
    found.assert_outcomes(passed=1)


def test_it_works_in_several_processes_at_once(run: Run) -> None:
    result = run(
        """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(snapstart, hook_registry, number, worker_id):
            assert worker_id.startswith("gw")
            result = snapstart.restore("app.handler", event=number, backend="fork")
            assert [answer["event"] for answer in result.responses] == [number] * 2
            snapstart.assert_unique(result, "$.new")
        """,
        "-p",
        "xdist",
        "-n",
        "2",
        process=True,
    )
    result.assert_outcomes(passed=4)


def test_every_option_is_taken() -> None:
    offered: dict[str, ForwardRef] = inspect.get_annotations(CloneOptions)
    taken = inspect.signature(Function).parameters.values()
    options = {each.name: each.annotation for each in taken if each.kind is each.KEYWORD_ONLY}
    assert {name: annotation.__forward_arg__ for name, annotation in offered.items()} == options
