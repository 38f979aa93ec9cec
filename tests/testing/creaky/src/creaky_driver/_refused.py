"""Wants something that nobody gives."""

from __future__ import annotations


def after_restore(pool: object) -> None: ...
