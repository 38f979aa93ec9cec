"""What AWS Lambda SnapStart needs of `acme_driver.tracer`; an entry point names this module."""

from __future__ import annotations

from acme_driver import tracer

__all__ = ("after_restore",)


def after_restore() -> None:
    """Each clone is a process of its own, and needs a token of its own."""
    tracer.restart()
