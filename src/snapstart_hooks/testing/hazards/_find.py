"""`find_hazards`: restore a function in clones, and say what that does to it."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Unpack

from snapstart_hooks.testing._clones import Function
from snapstart_hooks.testing.hazards._accept import accept as accept_hazards
from snapstart_hooks.testing.hazards._accept import check_accepted
from snapstart_hooks.testing.hazards._compare import idle, left_over, out_of_time, repeated
from snapstart_hooks.testing.hazards._declared import not_imported
from snapstart_hooks.testing.hazards._failed import failed
from snapstart_hooks.testing.hazards._model import HazardReport
from snapstart_hooks.testing.hazards._observed import PROBE, START_PROBE, failures, files, unseen
from snapstart_hooks.testing.hazards._values import changed_answers, doubtful, kept_values, repeated_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from snapstart_hooks.testing._clones import CloneOptions
    from snapstart_hooks.testing._outcome import CloneOutcome, SnapshotOutcome
    from snapstart_hooks.testing._target import Subject

__all__ = ("find_hazards",)


def find_hazards(
    n: int,
    subject: Subject,
    *,
    event: object = None,
    accept: Mapping[str, str] | None = None,
    **options: Unpack[CloneOptions],
) -> HazardReport:
    """Restore a function in clones, and find what that does to it.

    All that is found is as it is after the after_restore hooks have run: what they put
    right is no hazard.

    Args:
        n: How many clones; two show what one cannot.
        subject: What is cloned, as for `clones`.
        event: The event that each clone is given; an empty one by default.
        accept: Hazards that are accepted: a code, or ``code:subject`` with the wildcards
            of `fnmatch`, and the reason.
        **options: Those of `clones`.

    Raises:
        CloneUnsupported: Clones cannot be made here; the message says why.
        CloneError: The processes could not be run.
        TypeError: An argument is not what it must be.
        ValueError: Likewise.
    """
    entries = dict(accept or {})
    check_accepted(entries, "accept")
    # pyrefly: ignore[open-unpacking]  # only PEP 728 lets a TypedDict say that it has no other keys
    function = Function(subject, event, **options)
    seed = str(secrets.randbelow(1 << 32))
    begun = time.time()
    run = function.restored(n, apart=_APART / max(1, n - 1), environment={_SEED: seed}, probe=PROBE)
    starts: list[CloneOutcome | SnapshotOutcome] = []
    if run.clones:
        # Between the clocks of the clones; and with the same hashes, so that they are no difference, and with others.
        later = begun - time.time() + _APART / 2
        starts = _started(function, [(later, seed), (later + 1, str(int(seed) ^ 1))])
        if doubtful(run, starts):
            starts = [starts[0], *_started(function, [(later + 2, seed)])]
    failures_of_clones = list(failed(run, starts))
    found = [*failures_of_clones, *changed_answers(run, starts), *repeated_values(run, starts)]
    found += repeated(run, starts)
    notes = [*failures(run), *unseen(run), *idle(run)]
    if run.ok:
        notes += [f"{_NOT_COMPARED}: {start.failure}" for start in starts if start.failure]
    if (
        function.elapsed >= _RESEEDS
        and (judged := [one for one in found if not one.subject.startswith(_OPENSSL)]) != found
    ):
        found = judged
        notes.append(
            "OpenSSL's generators are not judged: after seven minutes they make themselves anew, "
            "by a clock of the kernel that elapsed= does not move"
        )
    found += left_over(run, failed=bool(failures_of_clones), live=options.get("dead_connections", True) is False)
    found += kept_values(run, starts, [f"{each.subject} {each.evidence} {each.origin}" for each in found])
    found += out_of_time(run)
    if isinstance(subject, str) and run.clones:
        found += not_imported(function.task_root, files(run))
    hazards, stale = accept_hazards(found, entries)
    hazards.sort(key=lambda hazard: (hazard.severity, hazard.code, hazard.subject))
    return HazardReport(run, tuple(hazards), (*notes, *stale))


def _started(function: Function, starts: Sequence[tuple[float, str]]) -> list[CloneOutcome | SnapshotOutcome]:
    """Start it several times at once, and those alone again that failed: they may want the same port or file."""

    def outcome_of(start: tuple[float, str]) -> CloneOutcome | SnapshotOutcome:
        later, seed = start
        return function.started(later, {_SEED: seed}, START_PROBE)

    with ThreadPoolExecutor(len(starts)) as pool:
        outcomes = list(pool.map(outcome_of, starts))
    if len(starts) == 1 or all(outcome.timed_out for outcome in outcomes):
        return outcomes
    pairs = zip(starts, outcomes, strict=True)
    return [_started(function, [start])[0] if outcome.failure else outcome for start, outcome in pairs]


_NOT_COMPARED: Final = "a start that was never restored failed, so the answers could not be compared with its own"
_APART: Final = 60.0
"""Seconds from the first restore to the last, as the wall clocks of the clones have it."""
_RESEEDS: Final = 420.0
"""Seconds after which OpenSSL feeds its generators with new randomness (``RAND_DRBG``'s default)."""
_OPENSSL: Final = ("ssl.", "cryptography ")
_SEED: Final = "PYTHONHASHSEED"
