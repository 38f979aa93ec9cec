"""What importing the package and restoring cost: counted in modules and files, in fresh interpreters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HEAVY = (
    "asyncio",
    "concurrent.futures",
    "dataclasses",
    "importlib.metadata",
    "importlib_metadata",
    "inspect",
    "logging.config",
    "typing_extensions",
)
OTHERS = ("awslambdaric", "snapshot_restore_py")
OWN = {
    "snapstart_hooks",
    "snapstart_hooks._callables",
    "snapstart_hooks._decorators",
    "snapstart_hooks._hook",
    "snapstart_hooks._registry",
}
OWN_UNDER_SNAPSTART = OWN | {
    "snapstart_hooks._report",
    "snapstart_hooks.errors",
    "snapstart_hooks.runtime",
    "snapstart_hooks.runtime.awslambdaric",
}
INITIALIZATION_TYPE = "AWS_LAMBDA_INITIALIZATION_TYPE"
SNAPSTART = {INITIALIZATION_TYPE: "snap-start"}

# Python 3.11 takes `override` from typing_extensions, which imports inspect; no managed
# runtime of Lambda has both that version and SnapStart.
lean = pytest.mark.skipif(sys.version_info < (3, 12), reason="imports typing_extensions for `override`")

elsewhere = pytest.mark.parametrize(
    "environment",
    [
        pytest.param({}, id="outside of Lambda"),
        pytest.param({INITIALIZATION_TYPE: "on-demand"}, id="on demand"),
        pytest.param({INITIALIZATION_TYPE: "provisioned-concurrency"}, id="provisioned concurrency"),
    ],
)

DECLARING = """
    import sys

    before = set(sys.modules)
    import snapstart_hooks

    @snapstart_hooks.before_snapshot
    def disconnect(): ...

    @snapstart_hooks.after_restore(priority=-200, timeout=1.5, concurrent=True, required=False, after=["acme"])
    async def reconnect(): ...

    def greet(whom, *, loudly): ...

    snapstart_hooks.register_after_restore(greet, "all", loudly=True)
    print(*sorted(set(sys.modules) - before))
"""


def imported(statements: str, environment: Mapping[str, str], *, first: str = "sys") -> set[str]:
    """The modules that `statements` add to those that are there after ``import first``."""
    program = f"import sys, {first}\nbefore = set(sys.modules)\n{statements}\nprint(*sorted(set(sys.modules) - before))"
    return set(run(program, environment).split())


def within(modules: set[str], *packages: str) -> set[str]:
    return {name for name in modules if any(name == package or name.startswith(f"{package}.") for package in packages)}


@elsewhere
@lean
@pytest.mark.parametrize("heavy", HEAVY)
def test_importing_the_package_imports_nothing_heavy(heavy: str, environment: dict[str, str]) -> None:
    assert within(imported("import snapstart_hooks", environment), heavy) == set()


@elsewhere
def test_importing_the_package_imports_nothing_of_the_runtime(environment: dict[str, str]) -> None:
    assert within(imported("import snapstart_hooks", environment), *OTHERS) == set()


@elsewhere
def test_importing_the_package_loads_few_modules_of_it(environment: dict[str, str]) -> None:
    assert within(imported("import snapstart_hooks", environment), "snapstart_hooks") == OWN


@elsewhere
def test_declaring_hooks_loads_no_more(environment: dict[str, str]) -> None:
    new = set(run(textwrap.dedent(DECLARING), environment).split())
    assert within(new, "snapstart_hooks") == OWN
    assert within(new, *OTHERS) == set()
    if sys.version_info >= (3, 12):
        assert within(new, *HEAVY) == set()


@lean
def test_under_snapstart_little_is_added_to_what_the_runtime_has_imported() -> None:
    new = imported("import snapstart_hooks", SNAPSTART, first="awslambdaric.bootstrap")
    assert within(new, "snapstart_hooks") == OWN_UNDER_SNAPSTART
    rest = new - within(new, "snapstart_hooks", "snapshot_restore_py")
    assert rest <= {"__future__", "_typing", "typing", "typing.io", "typing.re"}
    assert within(new, *HEAVY) == set()


def test_under_snapstart_the_package_loads_few_modules_of_it() -> None:
    new = imported("import snapstart_hooks", SNAPSTART, first="awslambdaric.bootstrap")
    assert within(new, "snapstart_hooks") == OWN_UNDER_SNAPSTART
    assert within(new, *OTHERS) == {"snapshot_restore_py"}


@pytest.mark.parametrize("kind", ["on-demand", "snap-start"])
def test_importing_discovers_nothing(kind: str, tmp_path: Path) -> None:
    """An installed provider that would not survive its import, and whose metadata nobody opens."""
    (tmp_path / "acme_hooks.py").write_text("raise SystemExit('loaded')\n")
    metadata = tmp_path / "acme_hooks-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-hooks\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[snapstart.hooks]\nacme = acme_hooks\n")
    new = run(
        f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        opened = []
        sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
        before = set(sys.modules)
        import snapstart_hooks
        print(*sorted(set(sys.modules) - before))
        assert not [path for path in opened if ".dist-info" in path], opened
        assert snapstart_hooks.default_registry.providers == ()
        """,
        {INITIALIZATION_TYPE: kind},
    )
    assert within(set(new.split()), "acme_hooks", "snapstart_hooks._discovery") == set()
    if sys.version_info >= (3, 12):
        assert within(set(new.split()), "importlib.metadata", "importlib_metadata") == set()


# Lambda's runtime puts a handler on the root logger; the level INFO is what `connect` sets.
LOGGING = """
    import json, logging, sys, time

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="[%(levelname)s]\\t%(asctime)s\\t%(message)s")
    logging.getLogger("snapstart_hooks").setLevel(logging.INFO)
"""
HOOKS = """
    from snapstart_hooks import Registry

    registry = Registry()
    ran = []

    @registry.before_snapshot
    def before(): ran.append("before")

    @registry.after_restore
    def plain(): ran.append("plain")

    @registry.after_restore
    async def coroutine(): ran.append("coroutine")

    @registry.after_restore(timeout=5)
    def limited(): ran.append("limited")

    @registry.after_restore(timeout=5)
    async def limited_coroutine(): ran.append("limited_coroutine")

    for number in range(3):
        @registry.after_restore(priority=50, concurrent=True)
        def together(): ran.append("together")

        @registry.after_restore(priority=50, concurrent=True, timeout=5)
        async def together_coroutine(): ran.append("together_coroutine")
"""
FAILING = """
    @registry.after_restore(required=False)
    def failing():
        ran.append("failing")
        raise ValueError("no such host")

    @registry.after_restore(required=False)
    async def failing_coroutine():
        ran.append("failing_coroutine")
        raise ValueError("no such host")
"""
OVERDUE = """
    @registry.after_restore(required=False, timeout=0.05)
    def overdue():
        ran.append("overdue")
        time.sleep(5)

    async def forever():
        ran.append("overdue_coroutine")
        await waiting.sleep(5)

    import asyncio as waiting  # the hook's own import
    registry.after_restore(required=False, timeout=0.05)(forever)
"""
COUNTING = """
    told = []
    counting = False

    def watch(event, args):
        if counting and event in ("open", "import", "os.listdir", "os.scandir", "socket.__new__", "subprocess.Popen"):
            told.append(f"{event} {args[0]}")

    sys.addaudithook(watch)
    registry.run_before_snapshot()
    ran.clear()
    before = set(sys.modules)
    counting = True
    for _ in range(2):
        registry.run_after_restore()
    counting = False
    print(json.dumps({"ran": ran, "told": told, "modules": sorted(set(sys.modules) - before)}))
"""
ALWAYS = ["coroutine", "limited", "limited_coroutine", "plain", *["together"] * 3, *["together_coroutine"] * 3]


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"SNAPSTART_HOOKS_BUDGET": "9"}, id="budget"),
        pytest.param({}, id="no budget"),
        pytest.param(SNAPSTART, id="SnapStart"),
    ],
)
@pytest.mark.parametrize(
    ("more", "also", "level"),
    [
        pytest.param("", [], "INFO", id="all well"),
        pytest.param(FAILING, ["failing", "failing_coroutine"], "WARNING", id="failing"),
        pytest.param(OVERDUE, ["overdue", "overdue_coroutine"], "WARNING", id="overdue"),
    ],
)
def test_a_restore_imports_nothing_and_opens_no_file(
    environment: dict[str, str], more: str, also: list[str], level: str
) -> None:
    program = "".join(textwrap.dedent(part) for part in (LOGGING, HOOKS, more, COUNTING))
    ended = start(program, environment)
    result = cast("dict[str, list[str]]", json.loads(ended.stdout))
    assert sorted(result["ran"]) == sorted([*ALWAYS, *also] * 2)
    assert result["told"] == []
    assert result["modules"] == []
    lines = [line for line in ended.stderr.splitlines() if "after_restore" in line and line.startswith(f"[{level}]")]
    assert len(lines) == 2, ended.stderr


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"SNAPSTART_HOOKS_BUDGET": "9"}, id="budget"),
        pytest.param({}, id="no budget"),
        pytest.param({"SNAPSTART_HOOKS_EMF": "Orders"}, id="metrics"),
    ],
)
@pytest.mark.parametrize(
    ("options", "hook"),
    [
        pytest.param("", "def hook(): ran.append('x')", id="plain"),
        pytest.param("", "async def hook(): ran.append('x')", id="coroutine"),
        pytest.param("", "def hook(): return later()", id="plain with an awaitable"),
        pytest.param("timeout=5", "def hook(): ran.append('x')", id="limited"),
        pytest.param("timeout=5", "async def hook(): ran.append('x')", id="limited coroutine"),
        pytest.param("concurrent=True", "def hook(): ran.append('x')", id="concurrent"),
        pytest.param("required=False", "def hook(): ran.append('x'); 1 / 0", id="failing"),
        pytest.param("required=False", "def hook(): ran.append('x'); sys.exit(1)", id="exiting"),
        pytest.param("required=False, timeout=0.05", "def hook(): ran.append('x'); time.sleep(5)", id="overdue"),
    ],
)
def test_a_hook_alone_finds_all_that_it_needs(environment: dict[str, str], options: str, hook: str) -> None:
    """No other hook of the registry has had something imported that this one needs."""
    registering = f"""
from snapstart_hooks import Registry

registry = Registry()
ran = []

async def later(): ran.append("x")

@registry.after_restore({options})
{hook}
"""
    ended = start("".join([textwrap.dedent(LOGGING), registering, textwrap.dedent(COUNTING)]), environment)
    result = cast("dict[str, list[str]]", json.loads(ended.stdout.splitlines()[-1]))
    if "later()" in hook:  # nobody knew that an event loop, which has two sockets, would be needed
        result["told"] = [event for event in result["told"] if not event.startswith("socket.__new__")]
    assert result == {"ran": ["x", "x"], "told": [], "modules": []}


def test_the_counting_sees_what_a_hook_does() -> None:
    hook = """
        @registry.after_restore
        def careless():
            import wave

        @registry.after_restore
        def reading():
            open("/dev/null").close()
            import colorsys
    """
    ended = start("".join(textwrap.dedent(part) for part in (LOGGING, HOOKS, hook, COUNTING)), {})
    result = cast("dict[str, list[str]]", json.loads(ended.stdout))
    assert {"import wave", "import colorsys", "open /dev/null"} <= set(result["told"])
    assert {"wave", "colorsys"} <= set(result["modules"])


def run(program: str, environment: Mapping[str, str]) -> str:
    return start(program, environment).stdout


def start(program: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `program` in a fresh interpreter that inherits no setting, nor a coverage that imports and opens too."""
    ended = subprocess.run(
        [sys.executable, "-I", "-c", textwrap.dedent(program)],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    return ended
