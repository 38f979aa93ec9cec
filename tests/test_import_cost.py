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
AWS = ("awslambdaric", "snapshot_restore_py")
# What is needed when the snapshot is taken, or never on Lambda.
LATER = tuple(
    f"snapstart_hooks.{room}" for room in ("_audit", "_discovery", "_engine", "_manifest", "cli", "lint", "testing")
)
INITIALIZATION_TYPE = "AWS_LAMBDA_INITIALIZATION_TYPE"
SNAPSTART = {INITIALIZATION_TYPE: "snap-start"}

# Python 3.11 takes `override` from typing_extensions, which imports inspect; no managed
# runtime of Lambda has both that version and SnapStart.
LEAN = sys.version_info >= (3, 12)

DECLARING = """
    @snapstart_hooks.before_snapshot
    def disconnect(): ...

    @snapstart_hooks.after_restore(priority=-200, timeout=1.5, concurrent=True, required=False, after=["acme"])
    async def reconnect(): ...

    def greet(whom, *, loudly): ...

    snapstart_hooks.register_after_restore(greet, "all", loudly=True)
"""


def imported(environment: Mapping[str, str], *, first: str = "sys") -> list[set[str]]:
    """The modules that importing the package adds to ``import first``, and those that declaring hooks adds then."""
    program = f"""
import sys, {first}
before = set(sys.modules)
import snapstart_hooks
added = set(sys.modules) - before
print(*sorted(added))
{textwrap.dedent(DECLARING)}
print("", *sorted(set(sys.modules) - before - added))
"""
    return [set(line.split()) for line in run(program, environment).splitlines()]


def within(modules: set[str], *packages: str) -> set[str]:
    return {name for name in modules if any(name == package or name.startswith(f"{package}.") for package in packages)}


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({}, id="outside of Lambda"),
        pytest.param({INITIALIZATION_TYPE: "on-demand"}, id="on demand"),
        pytest.param({INITIALIZATION_TYPE: "provisioned-concurrency"}, id="provisioned concurrency"),
    ],
)
def test_importing_and_declaring_load_little_that_is_ours_and_nothing_heavy(environment: dict[str, str]) -> None:
    importing, declaring = imported(environment)
    assert "snapstart_hooks" in importing
    assert within(importing | declaring, *AWS, *LATER) == set()
    assert within(declaring, "snapstart_hooks") == set()
    if LEAN:
        assert within(importing | declaring, *HEAVY) == set()


def test_under_snapstart_little_is_added_to_what_the_runtime_has_imported() -> None:
    importing, declaring = imported(SNAPSTART, first="awslambdaric.bootstrap")
    assert within(importing, *AWS) == {"snapshot_restore_py"}
    assert within(declaring, "snapstart_hooks") == set()
    if LEAN:
        rest = importing - within(importing, "snapstart_hooks", "snapshot_restore_py")
        small = {"bisect", "contextvars", "graphlib", "heapq", "queue", "signal"}
        small |= {"_bisect", "_contextvars", "_heapq", "_queue", "gc"}
        assert rest <= {"__future__", "_typing", "typing", "typing.io", "typing.re"} | small
        assert within(importing | declaring, *HEAVY) == set()


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
    assert within(set(new.split()), "acme_hooks") == set()
    if LEAN:
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
    EVENTS = "open", "import", "os.listdir", "os.scandir", "socket.__new__", "subprocess.Popen"
    EVENTS += "_thread.start_new_thread", "_thread.start_joinable_thread"
    told = []
    counting = False

    def watch(event, args):
        if counting and event in EVENTS:
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


def test_a_restore_imports_nothing_opens_no_file_and_starts_no_thread() -> None:
    environments: dict[str, dict[str, str]] = {
        "a budget": {"SNAPSTART_HOOKS_BUDGET": "9"},
        "no budget": {},
        "SnapStart": SNAPSTART,
    }
    hooks = {
        "all well": ("", [], ""),
        "failing": (FAILING, ["failing", "failing_coroutine"], "WARNING"),
        "overdue": (OVERDUE, ["overdue", "overdue_coroutine"], "WARNING"),
    }
    asked = {
        f"{what}, {where}": (LOGGING + HOOKS + more + COUNTING, environment)
        for where, environment in environments.items()
        for what, (more, _, _) in hooks.items()
    }
    for case, (out, err) in answers(asked).items():
        _, also, level = hooks[case.partition(",")[0]]
        result = cast("dict[str, list[str]]", json.loads(out))
        assert sorted(result["ran"]) == sorted([*ALWAYS, *also] * 2), case
        assert (result["told"], result["modules"]) == ([], []), case
        levels = [line.partition("]")[0] for line in err.splitlines() if "after_restore" in line]
        assert levels == [f"[{level}"] * 2 * bool(also), (case, err)


def test_a_hook_alone_finds_all_that_it_needs() -> None:
    """No other hook of the registry has had something imported that this one needs."""
    environments: dict[str, dict[str, str]] = {
        "a budget": {"SNAPSTART_HOOKS_BUDGET": "9"},
        "no budget": {},
        "metrics": {"SNAPSTART_HOOKS_EMF": "Orders"},
    }
    hooks = {
        "plain": ("", "def hook(): ran.append('x')"),
        "coroutine": ("", "async def hook(): ran.append('x')"),
        "plain with an awaitable": ("", "def hook(): return later()"),
        "limited": ("timeout=5", "def hook(): ran.append('x')"),
        "limited coroutine": ("timeout=5", "async def hook(): ran.append('x')"),
        "concurrent": ("concurrent=True", "def hook(): ran.append('x')"),
        "failing": ("required=False", "def hook(): ran.append('x'); 1 / 0"),
        "exiting": ("required=False", "def hook(): ran.append('x'); sys.exit(1)"),
        "overdue": ("required=False, timeout=0.05", "def hook(): ran.append('x'); time.sleep(5)"),
    }
    registering = """
    from snapstart_hooks import Registry

    registry = Registry()
    ran = []

    async def later(): ran.append("x")

    @registry.after_restore({})
    {}
    """
    asked = {
        f"{what}, {where}": (LOGGING + registering.format(options, hook) + COUNTING, environment)
        for where, environment in environments.items()
        for what, (options, hook) in hooks.items()
    }
    for case, (out, _) in answers(asked).items():
        result = cast("dict[str, list[str]]", json.loads(out.splitlines()[-1]))
        if "awaitable" in case:  # nobody knew that an event loop, which has two sockets, would be needed
            result["told"] = [event for event in result["told"] if not event.startswith("socket.__new__")]
        assert result == {"ran": ["x", "x"], "told": [], "modules": []}, case


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
    ((out, _),) = answers({"careless": (LOGGING + HOOKS + hook + COUNTING, {})}).values()
    result = cast("dict[str, list[str]]", json.loads(out))
    assert {"import wave", "import colorsys", "open /dev/null"} <= set(result["told"])
    assert {"wave", "colorsys"} <= set(result["modules"])


# A child of this interpreter has imported what it has: what `LOGGING` would import anyway.
FORKING = """
    import json, logging, os, sys, time, traceback

    def child(program, environment, streams):
        os.environ.clear()
        os.environ.update(environment)
        for stream, number in zip(streams, (1, 2)):
            os.dup2(stream, number)
        try:
            exec(compile(program, "<string>", "exec"), {"__name__": "__main__"})
            code = 0
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        os._exit(code)

    answers = {}
    for case, (program, environment) in json.load(sys.stdin).items():
        pipes = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            child(program, environment, [write for _, write in pipes])
        for _, write in pipes:
            os.close(write)
        answers[case] = [open(read).read() for read, _ in pipes]
        if os.waitpid(pid, 0)[1]:
            sys.exit(f"{case}: {answers[case][1]}")
    json.dump(answers, sys.stdout)
"""


def answers(asked: Mapping[str, tuple[str, Mapping[str, str]]]) -> dict[str, list[str]]:
    """What each program, in its environment, writes to standard output and standard error."""
    dedented = {case: (textwrap.dedent(program), environment) for case, (program, environment) in asked.items()}
    told: dict[str, list[str]] = json.loads(run(FORKING, {}, json.dumps(dedented)))
    assert told.keys() == asked.keys()
    return told


def run(program: str, environment: Mapping[str, str], typed: str = "") -> str:
    """Run `program` in a fresh interpreter that inherits no setting, nor a coverage that imports and opens too."""
    ended = subprocess.run(
        [sys.executable, "-I", "-c", textwrap.dedent(program)],
        env={"PATH": os.environ["PATH"], **environment},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
