"""`measure_cost`: measures what the hooks and the first answer load after a restore, and could load before.

A restored machine loads each page of memory at its first use from a remote cache: users wait for pages, not for
instructions.
"""
# Observations are whatever JSON can hold.
# mypy: disable-error-code="explicit-any"

from __future__ import annotations

import dataclasses
import statistics
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Final, Unpack

from snapstart_hooks.testing._clones import clones as make_clones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapstart_hooks.testing._clones import CloneOptions
    from snapstart_hooks.testing._outcome import CloneRun, RunOutcome
    from snapstart_hooks.testing._target import Subject

__all__ = ("METER", "Cost", "CostReport", "Done", "HookCost", "measure_cost", "windows")

METER: Final = ".cost:Meter"


@dataclass(frozen=True)
class Done:
    """The names of what a function did for the first time.

    Attributes:
        modules: The modules that it imported.
        files: The files that it opened, without those of these modules.
        connections: The peers to which it connected.
        lookups: The host names that it looked up.
    """

    modules: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()

    def without(self, other: Done) -> Done:
        """Return what the other has not done.

        Args:
            other: The names to leave out.
        """
        kinds = dataclasses.fields(Done)
        mine, others = ({each.name: getattr(done, each.name) for each in kinds} for done in (self, other))
        return Done(**{kind: tuple(one for one in mine[kind] if one not in others[kind]) for kind in mine})

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) for each in dataclasses.fields(Done))


@dataclass(frozen=True)
class Cost:
    """The cost of one part of a restored function's life: the hooks, the first answer, or the second.

    Attributes:
        seconds: The wall time; the median of the clones.
        cpu: The seconds of CPU, which do not depend on other load of this machine, nor on waiting; the least of the
            clones.
        read: The bytes of memory that this part was the first to use since the restore, which a restored machine
            loads remotely; the least of the clones, because other processes can only add. ``None`` if the kernel
            does not count them.
        written: The bytes of memory that this part was the first to write since the restore, likewise; ``None`` also
            if the clones share no memory with the snapshot, as with CRIU.
        done: The names of what this part did.
    """

    seconds: float
    cpu: float
    read: int | None
    written: int | None
    done: Done


@dataclass(frozen=True)
class HookCost:
    """The cost of one after_restore hook.

    Attributes:
        name: The name of the hook.
        seconds: The wall time.
        read: The bytes of memory that the hook was the first to use; ``None`` if the kernel does not count them.
    """

    name: str
    seconds: float
    read: int | None


@dataclass(frozen=True)
class CostReport:
    """A report of what a restored function costs for its first answer, and for the same answer again.

    Attributes:
        run: The clones that were measured.
        hooks: The cost of everything between the restore and the first event.
        first: The cost of the first answer; of several events, that of all first answers together.
        second: The cost of the answer to the same event again.
        each_hook: The cost of each after_restore hook, in their order; if several overlap, memory that they share is
            charged to one of them.
    """

    run: CloneRun
    hooks: Cost
    first: Cost
    second: Cost
    each_hook: tuple[HookCost, ...]

    @property
    def before_the_snapshot(self) -> Done:
        """The names of what only the first answer did, and what could be done before the snapshot."""
        return self.first.done.without(self.second.done)

    def to_dict(self) -> dict[str, Any]:
        """Return the report for JSON; of the run, only the number of clones and the backend."""
        return {
            "clones": len(self.run.clones),
            "backend": self.run.backend,
            **{name: dataclasses.asdict(getattr(self, name)) for name in ("hooks", "first", "second")},
            "each_hook": [dataclasses.asdict(hook) for hook in self.each_hook],
            "before_the_snapshot": dataclasses.asdict(self.before_the_snapshot),
        }


def measure_cost(
    subject: Subject, event: object = None, *, clones: int = 5, **options: Unpack[CloneOptions]
) -> CostReport:
    """Restore a function in clones, let each answer twice, and measure what that costs.

    There are two snapshots: the clones of the first are measured; a clone of the second records what is done, which
    would disturb the measurement.

    Args:
        subject: The function to restore, as for `clones`.
        event: The event; an empty one by default. With ``events``, each is answered once, and then again.
        clones: The number of clones that are measured, one after the other.
        **options: The options of `clones`.

    Raises:
        ClonesFailed: The function, its hooks or a clone failed.
        CloneUnsupported: Clones cannot be made here; the message says why.
        CloneError: The processes could not be run.
        TypeError: An argument has the wrong type.
        ValueError: An argument has a wrong value.
    """
    given = options.get("events")
    once: list[object] = [{} if event is None else event]
    events = once if given is None else given
    if given is not None and event is not None:
        msg = "give either event= or events=, not both"
        raise TypeError(msg)
    measured = _restored(subject, events, clones, METER, options)
    watched = _restored(subject, events, 1, ".cost:Witness", options)
    seen = [clone.observations[".cost:Witness"]["answered"] for clone in watched.clones]
    done = [Done(**{kind: tuple(names) for kind, names in window.items()}) for window in seen[0]["windows"]]
    spent = [windows(clone) for clone in measured.clones]
    read = _least([[each.read for each in clone] for clone in spent])
    written = _least([[None if measured.backend == "criu" else each.written for each in clone] for clone in spent])
    hooks, first, second = (
        Cost(
            seconds=statistics.median(each[index].seconds for each in spent),
            cpu=min(each[index].cpu for each in spent),
            read=read[index],
            written=written[index],
            done=done[index],
        )
        for index in range(3)
    )
    report: Any = watched.clones[0].after_report or {"hooks": []}
    took = {hook["hook"]: hook["duration_ms"] / 1e3 for hook in report["hooks"]}
    memory = {each["name"]: max(0, each["read"]) << 10 for each in seen[0]["hooks"]}
    each_hook = tuple(HookCost(name, seconds, memory.get(name)) for name, seconds in took.items())
    return CostReport(measured, hooks, first, second, each_hook)


def _restored(
    subject: Subject, events: Sequence[object], clones: int, instrument: str, options: CloneOptions
) -> CloneRun:
    watched: CloneOptions = {
        **options,
        "events": [*events, *events],
        "parallel": 1,  # what is measured is not what they wait for each other
        "instruments": [*options.get("instruments", ()), instrument],
    }
    run = make_clones(clones, subject, **watched)
    run.check()
    return run


@dataclass(frozen=True)
class Window:
    """The cost of one part of one clone's life."""

    seconds: float
    cpu: float
    read: int | None
    written: int | None


def windows(clone: RunOutcome) -> list[Window]:
    """Return the cost of the hooks, the first answers and the second answers.

    Args:
        clone: A clone that was measured.
    """
    half = len(clone.invocations) // 2
    seconds = [
        clone.after_seconds or 0.0,
        sum(each.seconds for each in clone.invocations[:half]),
        sum(each.seconds for each in clone.invocations[half:]),
    ]
    marks: list[Any] = clone.observations[METER]["answered"]
    cpu = [spent / 1e9 for spent, _ in marks[1:]]
    pages = [counted for _, counted in marks]
    if None in pages:
        return [Window(*each, None, None) for each in zip(seconds, cpu, strict=False)]
    read = [0, *(counted[0] << 10 for counted in pages[1:])]
    written = [counted[1] << 10 for counted in pages]
    return [
        Window(each, cpu[at], read[at + 1] - read[at], written[at + 1] - written[at]) for at, each in enumerate(seconds)
    ]


def _least(amounts: Sequence[Sequence[int | None]]) -> list[int | None]:
    """Return the least memory of each part, from the least that any clone had loaded at its end.

    What else runs on the machine can only add to that: where another process ends, the pages of a library that it
    shares count as touched.
    """
    known = [[each for each in clone if each is not None] for clone in amounts]
    if known != amounts:
        return [None for _ in amounts[0]]
    ends = [0, *(min(column) for column in zip(*map(accumulate, known), strict=True))]
    return [max(0, end - begin) for begin, end in pairwise(ends)]
