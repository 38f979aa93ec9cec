"""The bridge to the managed runtime, `awslambdaric`, through AWS's ``snapshot_restore_py``.

That package holds two lists; the runtime pops the one from its end before the snapshot,
and walks the other from its start after a restore.  We put one dispatcher in each.  Both
lists are the live ones, so what others registered there directly is taken out and run by
us, in its place among the hooks of the application, ordered, timed and named like them.

A hook that was added to AWS's list for before_snapshot *after* the last registration with
us lies behind our dispatcher; the runtime runs it first, which is its place, and it does
not appear in the report.  With ``runtime.handler`` as the handler there is no such hook.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Final

from snapstart_hooks._hook import Hook, Phase
from snapstart_hooks._report import logger
from snapstart_hooks.errors import HooksFailed

if TYPE_CHECKING:
    from snapstart_hooks._registry import Registry

__all__ = ("Bridge", "adopt_now", "connect")


class Bridge:
    """One dispatcher pair for one registry."""

    def __init__(self, registry: Registry) -> None:
        from snapshot_restore_py import get_after_restore, get_before_snapshot

        self._registry: Final = registry
        # Each list, and the one object that is our entry in it (a method is another object at every access).
        self._lists: Final = (
            (Phase.BEFORE_SNAPSHOT, get_before_snapshot(), self.before_snapshot),
            (Phase.AFTER_RESTORE, get_after_restore(), self.after_restore),
        )

    def register(self) -> None:
        """Put a dispatcher in each of AWS's lists, behind what lies there now."""
        for _, entries, dispatcher in self._lists:
            entries.append((dispatcher, (), {}))

    def adopt(self) -> None:
        """Take over what lies in AWS's lists, and leave only our dispatchers there.

        Raises:
            HookSignatureError: Something that lies there cannot be a hook. It stays there.
        """
        for phase, entries, dispatcher in self._lists:
            ours = [entry for entry in entries if entry[0] is dispatcher]
            if len(ours) < len(entries):
                theirs = [
                    Hook(phase, func, args, kwargs, registered_at="snapshot_restore_py")
                    for func, args, kwargs in entries
                    if func is not dispatcher
                ]
                entries[:] = ours  # none, once the runtime has taken it out: it must not come twice
                for hook in theirs:
                    self._registry._append(hook)  # noqa: SLF001 - the room below

    def before_snapshot(self) -> None:
        """What the runtime calls before the snapshot."""
        self._registry.discover()
        try:
            self._registry.run_before_snapshot()
        except HooksFailed as failed:
            raise _pointed(failed) from None

    def after_restore(self) -> None:
        """What the runtime calls after a restore."""
        try:
            self._registry.run_after_restore()
        except HooksFailed as failed:
            raise _pointed(failed) from None


def _pointed(failed: HooksFailed) -> HooksFailed:
    """The error with the traceback of the first hook that failed: the runtime sends no other."""
    return failed.with_traceback(failed.exceptions[0].__traceback__)


def connect(registry: Registry) -> None:
    """Let the Lambda runtime of this process run `registry`.

    Done by ``import snapstart_hooks`` under SnapStart.  Without AWS's package, in an image
    that is driven in another way, it says so and changes nothing.
    """
    if registry._adopt is not None:  # noqa: SLF001 - the room below
        return
    try:
        bridge = Bridge(registry)
    except ImportError as error:
        logger.warning(
            "this function uses SnapStart, but its hooks will not be run by the Lambda runtime: %s. "
            "Install snapshot-restore-py (it comes with awslambdaric), or run them with "
            "default_registry.run_before_snapshot() and run_after_restore().",
            error,
        )
        return
    bridge.register()
    registry._adopt = bridge.adopt  # noqa: SLF001 - the room below
    if logger.level == logging.NOTSET and not os.environ.get("AWS_LAMBDA_LOG_LEVEL"):
        # Lambda's root logger shows warnings only; one line for each phase is worth having.
        logger.setLevel(logging.INFO)


def adopt_now(registry: Registry) -> None:
    """Take over what was registered with AWS's package until now, if `registry` is connected."""
    if registry._adopt is not None:  # noqa: SLF001 - the room below
        registry._adopt()  # noqa: SLF001
