"""A few of the inputs that `nox -s fuzz` tries many of."""

from __future__ import annotations

import pytest
from fuzzing import PROPERTIES, Property, tried


@pytest.mark.once
@pytest.mark.parametrize("one", PROPERTIES, ids=lambda one: one.__name__)
def test_whatever_is_written_is_read_or_refused(one: Property) -> None:
    assert tried(one, 50) >= 50
