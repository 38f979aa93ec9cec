"""Hooks for each pool, without a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import creaky_driver

if TYPE_CHECKING:
    from collections.abc import Iterable

concurrent = True
after_restore_priority = -200
timeout = 2.5


def instances() -> Iterable[creaky_driver.Pool]:
    return list(creaky_driver.pools)


def before_snapshot(pool: creaky_driver.Pool) -> None:
    pool.opened = 0


async def after_restore(pool: creaky_driver.Pool) -> None:
    pool.opened += 1
