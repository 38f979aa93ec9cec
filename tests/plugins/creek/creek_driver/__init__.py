"""A library whose own module has the hooks."""

from __future__ import annotations


def before_snapshot() -> None:
    print("creek closed")
