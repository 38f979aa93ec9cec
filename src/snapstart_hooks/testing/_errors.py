"""What `snapstart_hooks.testing` raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapstart_hooks.errors import SnapstartHooksError

if TYPE_CHECKING:
    from snapstart_hooks.testing._outcome import CloneRun

__all__ = ("CloneError", "CloneUnsupported", "ClonesFailed")


class CloneError(SnapstartHooksError):
    """The local SnapStart itself could not do what it was asked to."""


class CloneUnsupported(CloneError):
    """Clones cannot be made here; the message says why, and what to do."""


class ClonesFailed(SnapstartHooksError, AssertionError):
    """The function, its hooks, or a clone failed (see `CloneRun.check`).

    Attributes:
        run: The run that failed, if it was checked; else ``None``.
    """

    run: CloneRun | None = None
