"""What libraries do after a fork, offered as hooks."""

from __future__ import annotations

import os

import pytest

from snapstart_hooks import Registry
from snapstart_hooks.integrations.at_fork import AtFork


def test_chosen_callbacks_become_hooks_and_forks_go_on_as_before() -> None:
    done: list[str] = []
    original = os.register_at_fork
    at_fork = AtFork()

    def reseed() -> None:
        done.append("reseeded")

    def restart() -> None:
        done.append("restarted")

    try:
        os.register_at_fork(after_in_child=reseed)
        os.register_at_fork(before=lambda: done.append("before"), after_in_child=restart)
        os.register_at_fork(after_in_parent=lambda: None)
    finally:
        at_fork.stop()
    assert os.register_at_fork is original
    names = [name for name, _ in at_fork.callbacks]
    assert [name.rpartition(".")[2] for name in names] == ["reseed", "restart"]
    registry = Registry()
    assert at_fork.on_restore("*test_at_fork:*.reseed", registry=registry) == (names[0],)
    assert [hook.name for hook in registry.hooks] == [f"at-fork {names[0]}"]
    registry.run_after_restore()
    assert done == ["reseeded"]
    with pytest.raises(LookupError, match=r"No callback matches 'requests:\*'. Recorded until now: .*reseed"):
        at_fork.on_restore("requests:*")

    child = os.fork()
    if child == 0:
        os._exit(0 if done == ["reseeded", "before", "reseeded", "restarted"] else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_another_one_who_replaced_the_function_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    at_fork = AtFork()
    theirs = lambda **_: None  # noqa: E731
    monkeypatch.setattr(os, "register_at_fork", theirs)
    at_fork.stop()
    assert os.register_at_fork is theirs
    monkeypatch.undo()
    at_fork.stop()
