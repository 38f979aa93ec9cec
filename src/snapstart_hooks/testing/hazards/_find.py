"""`find_hazards`: restore a function in clones, and say what that does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from snapstart_hooks.testing._clones import clones, directory
from snapstart_hooks.testing.hazards._accept import accept as accept_hazards
from snapstart_hooks.testing.hazards._accept import check_accepted
from snapstart_hooks.testing.hazards._model import Hazard, HazardReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from snapstart_hooks.testing._pytest_fixture import CloneOptions
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
    directory(options.get("task_root"))
    run = clones(n, subject, event=event, **options)
    found: list[Hazard] = []
    hazards, notes = accept_hazards(found, entries)
    hazards.sort(key=lambda hazard: (hazard.severity, hazard.code, hazard.subject))
    return HazardReport(run, tuple(hazards), tuple(notes))
