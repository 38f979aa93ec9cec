"""Pools."""

from __future__ import annotations

import weakref

pools: weakref.WeakSet[Pool] = weakref.WeakSet()


class Pool:
    def __init__(self, name: str) -> None:
        self.name = name
        self.opened = 0
        pools.add(self)
