"""The example with ten planted mistakes: each is found, and none in its repaired twin."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from testing.clone_helpers import namespace_only

from snapstart_hooks.testing import HazardReport, find_hazards

if TYPE_CHECKING:
    from collections.abc import Iterator

# `testing/` looks for hazards on each interpreter.
pytestmark = pytest.mark.once

EXAMPLE = Path(__file__).parents[1] / "examples" / "hazards"


@pytest.fixture(scope="module")
def ledger() -> Iterator[str]:
    """Something that can be connected to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def report(twin: str, ledger: str, *, hooks: bool = True) -> HazardReport:
    namespace_only()
    found = find_hazards(
        3,
        "app.lambda_handler",
        task_root=EXAMPLE / twin,
        environment={"LEDGER": ledger},
        elapsed=6 * 3600,
        dead_connections=True,
        hooks=hooks,
    )
    found.run.check()
    return found


def test_every_planted_mistake_is_found_and_nothing_else_is_told(ledger: str) -> None:
    found = report("broken", ledger)
    seen = {(hazard.code, re.sub(r":\d+$|\[\.\.\.\]$", "", hazard.subject)) for hazard in found.hazards}
    # Whether something has drawn from OpenSSL by now depends on the Python; nothing here does.
    assert seen - {("repeated-random", "ssl.RAND_bytes (OpenSSL)")} == {
        ("repeated-random", "random (module-level generator)"),  # 1
        ("repeated-value", "response $.order"),
        ("repeated-random", "tempfile (names)"),
        ("repeated-random", "app.DICE"),  # 2
        ("repeated-value", "response $.discount"),
        ("repeated-value", "response $.worker"),  # 3
        ("stale-time", "response $.since"),  # 4
        ("open-connection", "tcp 127.0.0.1"),  # 5
        ("cached-credentials", "app.CREDENTIALS['AccessKeyId']"),  # 6
        ("unflushed-data", "app.JOURNAL.file"),  # 7
        ("open-temporary-file", "app.JOURNAL.file"),
        ("live-thread", "thread exporter"),  # 8
        ("unflushed-data", "app.EXPORTER"),  # 9
        ("child-process", "process python"),  # 10
    }
    for hazard in found.hazards:
        assert hazard.evidence
        assert hazard.remedy
    assert found.open == found.hazards


def test_none_is_found_in_the_repaired_twin(ledger: str) -> None:
    found = report("repaired", ledger)
    assert [f"{hazard.code} {hazard.subject}: {hazard.evidence}" for hazard in found.hazards] == []
    hooks = [each["hook"] for each in found.run.clones[0].after_report["hooks"]]  # type: ignore[index]
    assert hooks == ["app.make_unique", "app.renew", "app.open_again"]


def test_it_is_the_hooks_that_repair_it(ledger: str) -> None:
    codes = {hazard.code for hazard in report("repaired", ledger, hooks=False).hazards}
    assert codes >= {"repeated-random", "open-connection", "live-thread", "child-process", "unflushed-data"}
