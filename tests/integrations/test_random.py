"""`random`, and what is named by it."""

from __future__ import annotations

import random

import pytest
from integrations.restoring import included, ran, restored


@pytest.mark.usefixtures("clones")
def test_clones_draw_different_numbers() -> None:
    one, other = restored("random_numbers", ours=False).responses
    assert one == other
    run = restored("random_numbers")
    run.check()
    one, other = run.responses
    assert not {name for name in one if one[name] == other[name]}
    assert ran(run, "before_snapshot") == ran(run) == {"random": "ok"}


@pytest.mark.oldest
def test_generators_of_the_system_are_left_alone() -> None:
    registry, module = included("random")
    mine, system = random.Random(), random.SystemRandom()
    state = mine.getstate()
    registry.run_before_snapshot()
    assert any(each is mine for each in module._generators)
    assert not any(each is system for each in module._generators)
    registry.run_after_restore()
    assert mine.getstate() != state
