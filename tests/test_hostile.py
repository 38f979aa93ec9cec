"""The core holds whatever a hook, a library or the process does: every case of `hostile.KINDS`."""

from __future__ import annotations

import pytest
from hostile import KINDS

# How often something is called depends on no interpreter.
EACH = [pytest.param(kind, marks=pytest.mark.once) if kind == "sizes" else kind for kind in KINDS]


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", EACH)
def test_nothing_breaks_a_promise(kind: str, subtests: pytest.Subtests) -> None:
    for name, case in KINDS[kind]().items():
        with subtests.test(name):
            case()
