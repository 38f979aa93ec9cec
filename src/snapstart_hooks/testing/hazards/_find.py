"""`find_hazards`: restore a function in clones, and say what that does to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Unpack

from snapstart_hooks.testing._clones import clones, directory
from snapstart_hooks.testing.hazards._accept import accept as accept_hazards
from snapstart_hooks.testing.hazards._accept import check_accepted
from snapstart_hooks.testing.hazards._compare import left_over, out_of_time, repeated
from snapstart_hooks.testing.hazards._declared import not_imported
from snapstart_hooks.testing.hazards._model import HazardReport
from snapstart_hooks.testing.hazards._observed import PROBE, failures, files
from snapstart_hooks.testing.hazards._values import repeated_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from snapstart_hooks.testing._clones import CloneOptions
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
        accept: Hazards that are none here: a code, or ``code:subject`` with the wildcards
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
    root = directory(options.get("task_root"))
    watched: CloneOptions = {**options, "instruments": [*options.get("instruments", ()), PROBE]}
    # pyrefly: ignore[open-unpacking]  # only PEP 728 lets a TypedDict say that it has no other keys
    run = clones(n, subject, event=event, **watched)
    found = list(repeated(run))
    events = _text(event, options)
    if found or any(repeated_values(run, None, events)):
        # What another start of the function repeats too is a constant, and no fault of the snapshot.
        again: CloneOptions = {**watched, "on_progress": None}
        # pyrefly: ignore[open-unpacking]  # as above
        other = clones(1, subject, event=event, **again)
        found = [*repeated(run, other), *repeated_values(run, other, events)]
    found += [*left_over(run), *out_of_time(run)]
    if isinstance(subject, str) and run.clones:
        found += not_imported(root, files(run))
    hazards, stale = accept_hazards(found, entries)
    hazards.sort(key=lambda hazard: (hazard.severity, hazard.code, hazard.subject))
    return HazardReport(run, tuple(hazards), (*failures(run), *stale))


def _text(event: object, options: CloneOptions) -> str:
    """All events: what is in them came from there."""
    return json.dumps([event, *(options.get("events") or ())], ensure_ascii=False)
