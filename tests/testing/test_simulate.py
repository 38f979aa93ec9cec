"""Both phases in one process: order, reports, failures, and the clock."""

from __future__ import annotations

import datetime as dt
import random
import time
from typing import TYPE_CHECKING

import pytest

from snapstart_hooks import Outcome, Phase, Priority, Registry, default_registry
from snapstart_hooks.errors import HooksFailed, PhaseError
from snapstart_hooks.testing import simulate

if TYPE_CHECKING:
    from pathlib import Path


def test_both_phases_run_in_the_order_of_the_plan() -> None:
    registry, ran = Registry(), list[str]()
    for name, priority in (("late", Priority.WARMUP), ("early", Priority.ENTROPY)):
        registry.before_snapshot(priority=priority, name=f"{name} before").call(ran.append, f"{name} before")
        registry.after_restore(priority=priority, name=f"{name} after").call(ran.append, f"{name} after")
    with simulate(registry) as restored:
        assert ran == ["late before", "early before", "early after", "late after"]
        told = [result.hook.name for report in restored for result in report.results]
        assert told == ran
    assert [report.phase for report in restored] == [Phase.BEFORE_SNAPSHOT, Phase.AFTER_RESTORE]
    assert registry.generation == 1
    assert registry.last_report is restored.after_restore


def test_the_default_registry_is_the_default() -> None:
    ran: list[str] = []
    with default_registry.isolated() as registry:
        registry.register_after_restore(ran.append, "after")
        with simulate():
            assert ran == ["after"]


def test_a_failed_before_snapshot_hook_ends_it_and_is_rolled_back() -> None:
    registry, ran = Registry(), list[str]()
    registry.before_snapshot(name="a", priority=1).call(ran.append, "put away")
    registry.after_restore(name="a", priority=1).call(ran.append, "brought back")

    @registry.before_snapshot
    def fail() -> None:
        raise RuntimeError("no")

    with pytest.raises(HooksFailed, match="no"), simulate(registry):
        ran.append("restored")
    assert ran == ["put away", "brought back"]
    assert registry.generation == 0


def test_a_failed_after_restore_hook_is_raised_and_the_clock_is_put_back() -> None:
    registry = Registry()

    @registry.after_restore
    def fail() -> None:
        raise RuntimeError("no")

    now = time.time()
    with pytest.raises(HooksFailed, match="no"), simulate(registry, elapsed=3600):
        pass
    assert time.time() - now < 3000
    assert registry.last_report is not None
    assert [result.outcome for result in registry.last_report.results] == [Outcome.FAILED]


@pytest.mark.parametrize("elapsed", [6 * 3600, dt.timedelta(hours=6)])
def test_the_wall_clock_moves_between_the_phases_and_the_monotonic_one_does_not(elapsed: float | dt.timedelta) -> None:
    registry, seen = Registry(), list[tuple[float, float]]()

    def look() -> None:
        seen.append((time.time(), time.monotonic()))

    registry.register_before_snapshot(look)
    registry.register_after_restore(look)
    with simulate(registry, elapsed=elapsed):
        look()
    look()
    (before, start), (after, _), (inside, _), (behind, end) = seen
    assert 6 * 3600 <= after - before < 6 * 3600 + 60
    assert 6 * 3600 <= inside - before < 6 * 3600 + 60
    assert behind - before < 60
    assert end - start < 60
    assert registry.snapshot_age == pytest.approx(6 * 3600, abs=60)


def test_hooks_of_installed_libraries_are_discovered_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "simulated_driver-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: simulated-driver\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[snapstart.hooks]\npool = simulated_driver\n", encoding="utf-8")
    (tmp_path / "simulated_driver.py").write_text("def after_restore() -> None: ...\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry(allow=["simulated-driver"])
    with simulate(registry) as restored:
        assert restored.after_restore.results == ()
    with simulate(registry, discover=True) as restored:
        assert [result.hook.name for result in restored.after_restore.results] == ["simulated-driver:pool"]


def test_it_says_what_it_cannot_show() -> None:
    """Its documentation claims this; it would have to change if it were not so any more."""
    registry = Registry()
    drawn: list[float] = []
    with simulate(registry):
        drawn.append(random.random())  # noqa: S311 - it keeps no secret
    with simulate(registry):
        drawn.append(random.random())  # noqa: S311
    assert drawn[0] != drawn[1]


def test_a_phase_in_which_it_is_used_refuses_it() -> None:
    registry = Registry()

    @registry.after_restore
    def restore_again() -> None:
        with simulate(registry):
            pass

    with pytest.raises(HooksFailed) as caught, simulate(registry):
        pass
    (error,) = caught.value.exceptions
    assert isinstance(error, PhaseError)
