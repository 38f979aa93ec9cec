"""How much the linter finds of what is planted in the examples; `docs/lint.md` has the figures."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.mark.once
def test_most_planted_mistakes_are_found_and_nothing_in_the_repaired_twins() -> None:
    command = [
        sys.executable,
        "scripts/lint_measures.py",
        "--list",
        "--planted",
        "examples/applications",
        "examples/hazards",
    ]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    found, planted = map(int, re.findall(r"planted in all \| (\d+) of (\d+)", done.stdout)[0])
    assert found / planted >= 0.7, done.stdout
    assert "| found in the repaired twins | 0 |" in done.stdout, done.stdout
