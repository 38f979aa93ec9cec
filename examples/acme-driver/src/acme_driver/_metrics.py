"""Counts what happens."""

from __future__ import annotations

from collections import Counter

__all__ = ("Metrics",)


class Metrics:
    """Counts, and sends what it has counted when it is told to: as one line of the log."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def count(self, name: str) -> None:
        """One more of these."""
        self._counts[name] += 1

    def flush(self) -> None:
        """Send what was counted since the last time, if anything was."""
        if self._counts:
            print("acme-metrics", *(f"{name}={count}" for name, count in self._counts.items()))
            self._counts.clear()

    def before_snapshot(self) -> None:
        """Send it now and once, not later from every clone."""
        self.flush()
