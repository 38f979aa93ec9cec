"""Means to be early, and to come back."""

from __future__ import annotations

priorty = -200


def before_snapshot() -> None: ...


def after_restored() -> None: ...
