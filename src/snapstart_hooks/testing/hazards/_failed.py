"""Clones that fail where a start that was never restored does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapstart_hooks.testing._json_path import shown
from snapstart_hooks.testing.hazards._model import Hazard, all_of
from snapstart_hooks.testing.hazards._remedies import remedy
from snapstart_hooks.testing.hazards._values import failing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from snapstart_hooks.testing._outcome import CloneOutcome, CloneRun, RunOutcome

__all__ = ("failed",)


def failed(run: CloneRun, starts: Sequence[RunOutcome]) -> Iterator[Hazard]:
    """What only a restore makes fail, each place once."""
    if not starts or any(_failure(start, 0) for start in starts):
        return  # it is not the restore that makes it fail
    events = len(starts[0].invocations)
    places: dict[str, dict[str, list[tuple[CloneOutcome, str]]]] = {}
    for clone in run.clones:
        if failure := _failure(clone, events):
            where, how = failure
            places.setdefault(where, {}).setdefault(how.partition(":")[0], []).append((clone, how))
    missing = [name for name in run.snapshot.threads if name != "snapstart_hooks"]
    for where, kinds in places.items():
        seen = [f"{_indices([clone for clone, _ in clones], run)}: {clones[0][1]}" for clones in kinds.values()]
        first = next(iter(kinds.values()))[0][0]
        evidence = f"{'; '.join(seen)}; {_answered(starts[0], where)}"
        if missing:
            evidence += (
                f". Threads of the snapshot that a clone does not have, and a restore keeps: {', '.join(missing)}"
            )
        yield Hazard("failed-after-restore", where, evidence, first.place, remedy("failed-after-restore"), "error")


def _indices(clones: Sequence[CloneOutcome], run: CloneRun) -> str:
    """``clones 0, 2 and 3``, or how to call all of them."""
    if len(clones) == len(run.clones):
        return all_of(clones)
    names = [str(clone.index) for clone in clones[:5]]
    more = len(clones) - len(names)
    if len(clones) == 1:
        return f"clone {names[0]}"
    return f"clones {', '.join(names)} and {more} more" if more else f"clones {', '.join(names[:-1])} and {names[-1]}"


def _failure(outcome: RunOutcome, events: int) -> tuple[str, str] | None:
    """Where it failed, and how."""
    for number, invocation in enumerate(outcome.invocations):
        if invocation.error is not None:
            return _event(number, events), f"{invocation.error}"
        if failing(invocation):
            return _event(number, events), f"it answered {shown(invocation.response)}"
    if outcome.failure is None:
        return None
    return _event(len(outcome.invocations), events) if outcome.restored else "after_restore hooks", outcome.failure


def _event(number: int, events: int) -> str:
    return f"event {number}" if events > 1 else "event"


def _answered(start: RunOutcome, where: str) -> str:
    if not where.startswith("event"):
        return "in a start that was never restored they did not fail"
    number = int(where.removeprefix("event") or 0)
    return f"a start that was never restored answered {shown(start.invocations[number].response)}"
