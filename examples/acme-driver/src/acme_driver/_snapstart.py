"""What AWS Lambda SnapStart needs of this library: one entry point names this module, another one `metrics`.

It is in the package, so it is loaded only in functions that import that.
"""

from __future__ import annotations

from acme_driver import metrics, tracer

__all__ = ("after_restore", "metrics")


def after_restore() -> None:
    """Each clone is a process of its own, and needs a token of its own."""
    tracer.restart()
