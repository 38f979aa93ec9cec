"""The example does what it is to show, with a library that is really installed and a real PostgreSQL."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from runtime.installing import install
from testing.clone_helpers import namespace_only

from snapstart_hooks.testing import clones

if TYPE_CHECKING:
    from collections.abc import Iterator

    import acme_driver
    import acme_driver._snapstart

    from snapstart_hooks import AfterRestoreProvider, BeforeSnapshotProvider

    # A type checker sees whether a library's hooks are hooks; the library itself needs us for nothing.
    _module: AfterRestoreProvider = acme_driver._snapstart
    _object: BeforeSnapshotProvider = acme_driver.metrics

# Both the demo and what it shows ask nothing of the interpreter.
pytestmark = pytest.mark.once

PROJECT = Path(__file__).parents[1]
EXAMPLES = PROJECT / "examples"
HANDLER = "app.lambda_handler"
BEFORE = ["orders.prime", "acme-driver:metrics", "orders.database"]
AFTER = ["orders.numbers", "acme-driver:tracing", "orders.database"]


@pytest.fixture(scope="module", name="installed")
def acme_driver_installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder into which acme-driver is installed; it is on the path, here and in other processes."""
    folder = tmp_path_factory.mktemp("acme")
    # A fresh copy: a wheel that was built of this folder before cannot be taken for it.
    project = shutil.copytree(EXAMPLES / "acme-driver", folder / "project")
    target = install(project, folder / "installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PROJECT)  # for what the demo itself can do
        patch.syspath_prepend(target)
        patch.setenv("PYTHONPATH", str(target), prepend=os.pathsep)
        yield target


@pytest.fixture
def database(postgres: str, installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty database, which the function will use."""
    from examples.demo import own_schema

    with own_schema(postgres) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        yield url


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=EXAMPLES / "orders", capture_output=True, text=True, timeout=120, check=False
    )


def test_the_library_needs_nothing(installed: Path) -> None:
    (distribution,) = importlib.metadata.distributions(path=[str(installed)])
    assert distribution.name == "acme-driver"
    assert distribution.requires is None
    entry_points = distribution.entry_points.select(group="snapstart.hooks")
    modules = ", ".join(entry_point.module for entry_point in entry_points)
    program = f"import sys; sys.path.append({str(installed)!r}); import {modules}; print(*sys.modules)"
    done = command("-I", "-S", "-c", program)  # without site-packages
    assert done.returncode == 0, done.stderr
    assert "acme_driver._snapstart" in done.stdout.split()
    assert "snapstart_hooks" not in done.stdout


def test_the_plan(database: str, installed: Path) -> None:
    done = command("-m", "snapstart_hooks", "plan", HANDLER, "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    before, after = plan["phases"]["before_snapshot"], plan["phases"]["after_restore"]
    assert [hook["name"] for hook in before] == BEFORE
    assert [hook["name"] for hook in after] == AFTER
    assert [hook["priority"] for hook in after] == [-400, -100, -200]  # the edge beats the priority
    assert [(hook["distribution"], hook["version"]) for hook in after] == [
        (None, None),
        ("acme-driver", "1.2"),
        (None, None),
    ]
    assert after[1]["location"].startswith(f"{installed / 'acme_driver' / '_snapstart.py'}:")


def test_a_run(database: str) -> None:
    from examples.demo import rows

    bad = '{"item": "anvil", "quantity": 0}'
    done = command("-m", "snapstart_hooks", "run", HANDLER, "--json", "--event=event.json", "--event", bad)
    assert done.returncode == 1, done.stderr  # as one invocation failed
    run = json.loads(done.stdout)
    for phase, names in (("before", BEFORE), ("after", AFTER)):
        results = run[f"{phase}_report"]["hooks"]
        assert [(result["hook"], result["outcome"]) for result in results] == [(name, "ok") for name in names]
    order, refused = run["invocations"]
    written = order["response"]
    assert rows(database) == [(written["id"], "anvil", 2, written["trace"], written["session"])]
    assert refused["error"]["type"] == "ValueError"
    assert "this is no order: {'item': 'anvil', 'quantity': 0}" in refused["error"]["message"]
    # Counted before the snapshot, sent before the snapshot.
    sent = [line for line in done.stderr.splitlines() if line.startswith("acme-metrics")]
    assert sent == ["acme-metrics connections=1", "acme-metrics connections=1 orders=1"]


def test_no_connection_is_open_when_the_snapshot_is_taken(database: str) -> None:
    program = """
        import app
        from snapstart_hooks import default_registry

        first = app.database.connection()
        default_registry.discover()
        default_registry.run_before_snapshot()
        assert first.closed
        default_registry.run_after_restore()
        assert app.database._connection is not first
        assert not app.database._connection.closed
    """
    done = command("-c", textwrap.dedent(program))
    assert done.returncode == 0, done.stderr


def test_nothing_can_be_written_nowhere(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    done = command("-m", "snapstart_hooks", "run", HANDLER, "--json")
    assert done.returncode == 3, done.stderr
    assert "DATABASE_URL is not set" in json.loads(done.stdout)["error"]["message"]


def test_without_the_hooks_of_the_library_its_state_is_multiplied(database: str) -> None:
    namespace_only()
    found: dict[str, list[tuple[str, str]]] = {}
    for disabled in ("", "acme-driver"):
        environment = {"SNAPSTART_HOOKS_DISABLE": disabled}
        run = clones(
            2, HANDLER, event={"item": "anvil"}, environment=environment, task_root=EXAMPLES / "orders", parallel=1
        )
        ids = {response["id"] for response in run.responses}
        assert len(ids) == 2  # the application's own hooks run
        found[disabled] = [
            (clone.response["trace"], clone.stdout.splitlines()[-1].removeprefix("acme-metrics "))
            for clone in run.clones
        ]
    (one, sent), (other, sent_by_other) = found[""]
    assert one != other
    assert sent == sent_by_other == "connections=1 orders=1"
    (one, sent), (other, sent_by_other) = found["acme-driver"]
    assert one == other
    assert sent == sent_by_other == "connections=2 orders=1"  # the connection before the snapshot was one, not two


def test_the_demo(postgres: str, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    namespace_only()
    monkeypatch.setenv("DATABASE_URL", postgres)
    monkeypatch.delenv("SNAPSTART_HOOKS_DISABLE")  # as `make demo` has it, with the hooks of this package
    done = command(EXAMPLES / "demo.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("\nAll of this is as it should be.\n")
    assert "$ snapstart-hooks plan app.lambda_handler\n" in done.stdout
    assert "$ snapstart-hooks run app.lambda_handler --event event.json\n" in done.stdout
    without, _, with_hooks = done.stdout.partition("The same with hooks")
    assert without.count("order 0: OperationalError") == 3
    assert without.count("order 1: UniqueViolation") == 2
    assert with_hooks.count(': {"id": ') == 6
    with psycopg.connect(postgres) as connection:  # it tidies up
        schemas = "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'snapstart%'"
        assert connection.execute(schemas).fetchall() == []


def test_the_demo_notices_what_is_wrong(postgres: str, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres)
    monkeypatch.setenv("SNAPSTART_HOOKS_DISABLE", "acme-driver:tracing")
    done = command(EXAMPLES / "demo.py")
    assert done.returncode == 1
    assert "Not as expected: in this order: orders.prime, " in done.stderr


def test_the_demo_says_which_database_is_wrong(postgres: str, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.replace("/postgres?", "/nowhere?"))
    done = command(EXAMPLES / "demo.py")
    assert done.returncode == 1
    assert done.stderr.startswith("The database cannot be used; DATABASE_URL names another. ")
    assert 'database "nowhere" does not exist' in done.stderr
