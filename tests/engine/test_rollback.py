"""What is undone when a before_snapshot phase fails: what it has done, and nothing else."""

from __future__ import annotations

from typing import NoReturn

import pytest

from snapstart_hooks import Registry
from snapstart_hooks.errors import HooksFailed


class Opens:
    """Has nothing to do before the snapshot."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def after_restore(self) -> None:
        self.log.append("opened")


class Provider(Opens):
    """Ships a pair of hooks, the first of which may fail."""

    def __init__(self, log: list[str], *, fails: bool) -> None:
        super().__init__(log)
        self.fails = fails

    def before_snapshot(self) -> None:
        if self.fails:
            raise OSError("the pool does not close")


def fail() -> NoReturn:
    raise OSError("the pool does not close")


def interrupt() -> NoReturn:
    raise KeyboardInterrupt


def test_what_bears_the_name_of_a_failed_hook_is_not_undone() -> None:
    registry, undone = Registry(), list[str]()
    for name in ("cache", "pool", "client"):
        registry.before_snapshot(name=name)(fail if name == "pool" else lambda: None)
        registry.after_restore(name=name)(lambda name=name: undone.append(name))
    with pytest.raises(HooksFailed) as caught:
        registry.run_before_snapshot(rollback=True)
    assert undone == ["cache", "client"]
    rollback = caught.value.report.rollback
    assert rollback is not None
    assert [result.hook.name for result in rollback.results] == undone


def test_a_provider_none_of_whose_hooks_ended_well_has_nothing_to_undo() -> None:
    registry, undone = Registry(), dict[str, list[str]]()
    for name, fails in (("sound", False), ("broken", True)):
        registry.include(Provider(undone.setdefault(name, []), fails=fails), name=name)
    registry.include(Opens(undone.setdefault("idle", [])), name="idle")
    with pytest.raises(HooksFailed):
        registry.run_before_snapshot(rollback=True)
    assert undone == {"sound": ["opened"], "broken": [], "idle": []}


def test_what_an_interrupt_left_unstarted_is_not_undone() -> None:
    registry, undone = Registry(), list[str]()
    for name, hook in (("never started", lambda: None), ("interrupted", interrupt), ("done", lambda: None)):
        registry.before_snapshot(name=name)(hook)  # the last that is registered comes first
        registry.after_restore(name=name)(lambda name=name: undone.append(name))
    with pytest.raises(KeyboardInterrupt):
        registry.run_before_snapshot(rollback=True)
    assert undone == ["done"]


def test_nothing_is_undone_unless_that_is_wanted() -> None:
    registry, undone = Registry(), list[str]()
    registry.before_snapshot(name="pool")(fail)
    registry.before_snapshot(name="cache")(lambda: None)
    registry.after_restore(name="cache")(lambda: undone.append("cache"))
    with pytest.raises(HooksFailed) as caught:
        registry.run_before_snapshot(rollback=False)
    assert undone == []
    assert caught.value.report.rollback is None
