"""At the top, so it is always loaded; and it imports the package."""

from __future__ import annotations

import creaky_driver


def before_snapshot() -> None:
    assert creaky_driver.pools is not None
