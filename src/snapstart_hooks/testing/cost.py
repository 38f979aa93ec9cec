"""`measure_cost`: what the hooks and the first answer load after a restore, and what could have been done before.

A restored machine loads each page of memory that is touched from far away: pages that are read, not instructions,
are what users wait for.
"""
# What instruments saw is whatever JSON can hold.
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
    """What was done for the first time, by name.

    Attributes:
        modules: What was imported.
        files: What was opened, but the files of these modules.
        connections: Whom was connected with.
        lookups: Which names of hosts were looked up.
    """

    modules: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()

    def without(self, other: Done) -> Done:
        """What `other` has not done."""
        kinds = dataclasses.fields(Done)
        mine, others = ({each.name: getattr(done, each.name) for each in kinds} for done in (self, other))
        return Done(**{kind: tuple(one for one in mine[kind] if one not in others[kind]) for kind in mine})

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) for each in dataclasses.fields(Done))


@dataclass(frozen=True)
class Cost:
    """What a part of a restored function's life cost: the hooks, the first answer, or the second.

    Attributes:
        seconds: How long it took; the median of the clones.
        cpu: Seconds of CPU that it took, which do not depend on what else this machine does, or on how long
            others take to answer; the least of the clones.
        read: Bytes of memory that it touched and nothing had touched since the restore, which a restored
            machine loads from far away; the least of the clones, for what else runs on this machine can only
            add. ``None`` if the kernel does not tell.
        written: Bytes of memory that it was the first to write to since the restore, likewise; ``None`` also if
            the clones share nothing with the snapshot, as with CRIU.
        done: What it did, by name.
    """

    seconds: float
    cpu: float
    read: int | None
    written: int | None
    done: Done


@dataclass(frozen=True)
class HookCost:
    """What one after_restore hook cost.

    Attributes:
        name: The hook's.
        seconds: How long it took.
        read: Bytes of memory that it was the first to touch; ``None`` if the kernel does not tell.
    """

    name: str
    seconds: float
    read: int | None


@dataclass(frozen=True)
class CostReport:
    """What a restored function costs until it answers, and again.

    Attributes:
        run: The clones in which it was measured.
        hooks: The after_restore hooks, all that runs between the restore and the first event.
        first: The first answer; of several events all first answers together.
        second: The answer when the same comes again.
        each_hook: Each after_restore hook, in their order; with several at the same time, what they share is
            charged to one of them.
    """

    run: CloneRun
    hooks: Cost
    first: Cost
    second: Cost
    each_hook: tuple[HookCost, ...]

    @property
    def before_the_snapshot(self) -> Done:
        """What the first answer did and the second did not: what could have been done before the snapshot."""
        return self.first.done.without(self.second.done)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it; of the run only how many clones there were, and how they were made."""
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

    There are two snapshots: in the clones of the first nobody watches while time and memory are measured; in a clone
    of the second everything is noted by name.

    Args:
        subject: What is restored, as for `clones`.
        event: The event; an empty one by default. With ``events``, each is answered once, and then again.
        clones: In how many it is measured, one after the other.
        **options: Those of `clones`.

    Raises:
        ClonesFailed: The function, its hooks or a clone failed.
        CloneUnsupported: Clones cannot be made here; the message says why.
        CloneError: The processes could not be run.
        TypeError: An argument is not what it must be.
        ValueError: Likewise.
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
    """What one clone spent in one window."""

    seconds: float
    cpu: float
    read: int | None
    written: int | None


def windows(clone: RunOutcome) -> list[Window]:
    """The hooks, the first answers, the second ones."""
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
    """Of each window, by the least that any clone had loaded at its end.

    What else runs on the machine can only add to that: where another process ends, the pages of a library that it
    shares count as touched.
    """
    known = [[each for each in clone if each is not None] for clone in amounts]
    if known != amounts:
        return [None for _ in amounts[0]]
    ends = [0, *(min(column) for column in zip(*map(accumulate, known), strict=True))]
    return [max(0, end - begin) for begin, end in pairwise(ends)]
