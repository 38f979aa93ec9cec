"""What is found, and the report of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sized

    from snapstart_hooks.testing._outcome import CloneRun

__all__ = ("Hazard", "HazardReport", "all_of")


@dataclass(frozen=True)
class Hazard:
    """Something that a restore does to the function.

    Attributes:
        code: What kind it is: a short name by which it can be accepted.
        subject: What it is about, such as ``app.rng`` or ``response $.order.id``.
        evidence: What was seen.
        origin: Where it comes from: the object that owns it, or the line that made it
            (of connections and files that is known if tracemalloc runs); may be empty.
        remedy: What to do about it.
        severity: An ``error`` gives wrong answers or failures, a ``warning`` may.
        accepted: Why it is accepted; ``None`` if it is not.
    """

    code: str
    subject: str
    evidence: str
    origin: str
    remedy: str
    severity: Literal["error", "warning"]
    accepted: str | None = None

    def to_dict(self) -> dict[str, str | None]:
        """Return the hazard for JSON."""
        return dataclasses.asdict(self)


def all_of(clones: Sized) -> str:
    """Describe all clones in words."""
    return {1: "the clone", 2: "both clones"}.get(len(clones), f"all {len(clones)} clones")


@dataclass(frozen=True)
class HazardReport:
    """A report of the hazards that a run shows.

    Attributes:
        run: The run.
        hazards: The hazards, errors first; accepted ones, too.
        notes: Further remarks, such as an accepted hazard that no longer exists.
    """

    run: CloneRun
    hazards: tuple[Hazard, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no process failed, and each error is accepted."""
        return self.run.ok and not self.failing("error")

    def failing(self, fail_on: Literal["error", "warning"]) -> tuple[Hazard, ...]:
        """Return the open hazards of a severity or a higher one.

        Args:
            fail_on: The lowest severity.
        """
        return tuple(hazard for hazard in self.open if fail_on == "warning" or hazard.severity == "error")

    @property
    def open(self) -> tuple[Hazard, ...]:
        """The hazards that are not accepted."""
        return tuple(hazard for hazard in self.hazards if hazard.accepted is None)

    def to_dict(self) -> dict[str, object]:
        """Return the report for JSON."""
        return {
            "run": self.run.to_dict(),
            "ok": self.ok,
            "hazards": [hazard.to_dict() for hazard in self.hazards],
            "notes": list(self.notes),
        }
