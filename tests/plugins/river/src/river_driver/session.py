"""Hooks as an object, which is an attribute of a class."""

from __future__ import annotations

from typing import ClassVar


class Session:
    shared: ClassVar[Session]
    after: tuple[str, ...] = ("river-driver:pool",)

    def after_restore(self) -> None:
        print("river session opened")


Session.shared = Session()
