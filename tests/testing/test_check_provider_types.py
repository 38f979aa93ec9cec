"""What a type checker says of the hooks that a library ships; run where the checkers are installed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

import checkers
import pytest
from plugins.building import declare, write

from snapstart_hooks.testing import check_provider

if TYPE_CHECKING:
    from pathlib import Path

RIGHT = """\
priority = -200

def before_snapshot() -> None: ...
async def after_restore() -> None: ...
"""
WRONG = """\
from typing import cast
from collections.abc import Callable

def after_restore(pool: object = None) -> None: ...
def _before(pool: str) -> None: ...
before_snapshot = cast(Callable[[str], None], lambda pool=None: None)
"""
EACH = """\
from collections.abc import Iterable

class Pool:
    name = "cache"

pools = [Pool()]

def instances() -> Iterable[Pool]:
    return pools

def after_restore(pool: Pool) -> None: ...
async def before_snapshot(pool: int) -> None: ...
"""


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_each_provider_is_held_against_its_protocol(
    checker: Literal["mypy", "pyright"], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkers.executable(checker)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("MYPYPATH", os.devnull)  # of this shell
    modules = {"typed_right": RIGHT, "typed_wrong": WRONG, "typed_each": EACH}
    points = declare(right="typed_right", wrong="typed_wrong", each="typed_each")
    write(tmp_path, "typed-driver", entry_points=points, modules=modules)
    report = check_provider("typed-driver", types=checker)
    assert report.types.checker.startswith(checker)
    each, wrong = report.types.errors
    assert each.startswith("typed-driver:each, called with each of its instances: ")
    assert '"int"' in each
    assert wrong.startswith("typed-driver:wrong as HookProvider: ")
    assert "before_snapshot" in wrong
    assert [problem.message for problem in report.problems] == [each, wrong]
    assert not report.ok
