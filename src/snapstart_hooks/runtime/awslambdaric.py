"""The bridge to the managed runtime, `awslambdaric`, through AWS's ``snapshot_restore_py``.

That package holds two lists.  The runtime pops hooks from the end of the one before the
snapshot, and walks the other from its start after a restore (``lambda_runtime_hooks_runner``
of awslambdaric 4.2.2).  We put one dispatcher in each, which runs a whole phase.

Hooks that others register with AWS's package become hooks of the application, ordered,
timed and named like its own: the getters of that package give the lists themselves, so
what lies there can be taken over.  That happens whenever a hook is registered with us,
whenever a plan is made, and at the end of a phase, so

- among the hooks of the application each keeps its place by the time of registration;
- one that a running hook registers there runs at the end of the same phase.

The exception are hooks for before_snapshot that were added to AWS's list after the last
registration with us: they lie behind our dispatcher, so the runtime pops and runs them
itself, before all of ours and outside of the report.  With ``runtime.handler`` as the
function's handler there are none.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from snapstart_hooks._hook import Hook, Phase
from snapstart_hooks._report import logger
from snapstart_hooks.errors import DiscoveryError, HooksFailed

if TYPE_CHECKING:
    from snapstart_hooks._registry import Registry

__all__ = ("connect",)


def connect(registry: Registry) -> None:
    """Let the Lambda runtime of this process run `registry`.

    Done by ``import snapstart_hooks`` under SnapStart.  Once more does no harm: what the
    runtime has taken off its lists is put there again.  Without AWS's package, in an image
    that is driven in another way, it says so and changes nothing.
    """
    try:
        from snapshot_restore_py import get_after_restore, get_before_snapshot
    except ImportError as error:
        logger.warning(
            "this function uses SnapStart, but its hooks will not be run by the Lambda runtime: %s. "
            "Install snapshot-restore-py (it comes with awslambdaric), or run them with "
            "default_registry.run_before_snapshot() and run_after_restore().",
            error,
        )
        return
    if registry._state.running is not None:  # noqa: SLF001 - the room below
        return  # a hook reloads us: the runtime would pop the dispatcher that runs now once more
    for entries, dispatcher in ((get_before_snapshot(), before_snapshot), (get_after_restore(), after_restore)):
        if (dispatcher, (registry,), {}) not in entries:
            entries.append((dispatcher, (registry,), {}))
    registry._adopt = adopt  # noqa: SLF001 - the room below
    if logger.level == logging.NOTSET and not os.environ.get("AWS_LAMBDA_LOG_LEVEL"):
        # Lambda's root logger shows warnings only; one line for each phase is worth having.
        logger.setLevel(logging.INFO)


def before_snapshot(registry: Registry) -> None:
    """Our entry in the list for before_snapshot: what is installed is known now, and all of it runs."""
    try:
        registry.discover()
        registry.run_before_snapshot()
    except Exception as error:  # noqa: BLE001 - whatever it is, it ends the process
        raise _tellable(error) from None


def after_restore(registry: Registry) -> None:
    """Our entry in the list for after_restore."""
    try:
        registry.run_after_restore()
    except Exception as error:  # noqa: BLE001 - as above
        raise _tellable(error) from None


def _tellable(error: Exception) -> Exception:
    """`error` as the runtime can tell it to Lambda.

    It tells the message and one stack trace: that of the first failure.  With Python 3.12
    and newer it sends text as Latin-1, so that a character beyond ends the process without
    a word, and others arrive damaged (``to_json`` of ``lambda_runtime_marshaller`` and
    ``call_rapid`` of ``lambda_runtime_client``).  The log has no such limits.
    """
    import traceback

    message, first = str(error), error.__traceback__
    if isinstance(error, HooksFailed):
        first = error.exceptions[0].__traceback__
    elif isinstance(error, DiscoveryError) and error.exceptions[0].__cause__ is not None:
        first = error.exceptions[0].__cause__.__traceback__
    if not "".join(traceback.format_tb(first)).isascii():
        logger.error("Lambda will not be told this stack trace, for it is not ASCII", exc_info=error)
        first = None
    if not message.isascii():
        error.args = (message.encode("ascii", "backslashreplace").decode(), *error.args[1:])
    return error.with_traceback(first)


def adopt(registry: Registry) -> None:
    """Take over what others have put in AWS's lists.

    Raises:
        HookSignatureError: Something that lies there cannot be a hook. It stays there.
    """
    from snapshot_restore_py import get_after_restore, get_before_snapshot

    for phase, entries in ((Phase.BEFORE_SNAPSHOT, get_before_snapshot()), (Phase.AFTER_RESTORE, get_after_restore())):
        present = entries[:]  # another thread may add to it meanwhile
        theirs = [entry for entry in present if not _is_dispatcher(entry[0])]
        if theirs:
            hooks = [Hook(phase, *entry, registered_at="snapshot_restore_py") for entry in theirs]
            entries[: len(present)] = [entry for entry in present if _is_dispatcher(entry[0])]
            for hook in hooks:
                registry._append(hook)  # noqa: SLF001 - the room below


def _is_dispatcher(func: object) -> bool:
    return func is before_snapshot or func is after_restore
