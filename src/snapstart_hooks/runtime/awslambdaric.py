"""The bridge to the managed runtime, `awslambdaric`, through AWS's ``snapshot_restore_py``.

That package holds two lists.  The runtime pops hooks from the end of the one before the
snapshot, and walks the other from its start after a restore.  We put one dispatcher in each,
which runs a whole phase.  What others register there is adopted as hooks of the application
whenever a hook is registered with us or a plan is made, and at the end of a phase, so it keeps its
place by the time of registration.  Two things are not adopted, and run by the runtime itself: what
is added to the first list after the last registration with us, and the rest of the second list
if we are first imported by a hook after a restore.

If AWS's lists are emptied, or its package is imported anew, the dispatchers notice and are added
again.  Each copy of this package in a process has dispatchers for its own hooks; the copy that is
``sys.modules["snapstart_hooks"]`` also runs those of installed providers.
"""

from __future__ import annotations

import logging
import os
import sys
import types
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from .._callables import place
from .._foreign import attribute, is_a, items, shown
from .._hook import Hook, Phase
from .._registry import later, state_of
from .._report import logger, tell
from ..errors import DiscoveryError, HooksFailed, HookSignatureError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from .._registry import Registry
    from .._state import State

_Entries: TypeAlias = "list[tuple[Callable[..., object], tuple[object, ...], dict[str, object]]]"  # type: ignore[explicit-any]  # as AWS's stubs say

_MARK: Final = "__snapstart_hooks_dispatcher__"
"""What dispatchers bear, of every copy and version of this package: none may take another's for a hook."""

_RUNNER: Final = "awslambdaric.lambda_runtime_hooks_runner"


class _Link:
    """What our dispatcher in one of AWS's lists is called with; it notices when it is dropped from there."""

    def __init__(self, registry: Registry, phase: Phase, adoption: _Adoption) -> None:
        self.registry: Final[Registry] = registry
        self.phase: Final[Phase] = phase
        self.adoption: Final[_Adoption] = adoption
        self.used: bool = False

    def __del__(self) -> None:
        # When the interpreter ends, there may be no `sys` any more.
        if not self.used and not getattr(sys, "is_finalizing", lambda: True)():
            tell(
                logging.WARNING,
                f"snapstart_hooks has been removed from the {self.phase.value} list of snapshot_restore_py, and adds "
                "itself again. To remove one hook, call default_registry.remove(hook).",
            )
            connect(self.registry)


def connect(registry: Registry) -> None:
    """Let the Lambda runtime of this process run `registry`; without AWS's package, say so and change nothing.

    Once more does no harm: what the runtime has taken off its lists is put there again.
    """
    try:
        lists = _lists()
    except ImportError as error:
        tell(
            logging.WARNING,
            f"this function uses SnapStart, but its hooks will not be run by the Lambda runtime: {error}. "
            "Install snapshot-restore-py (it comes with awslambdaric), or run them with "
            "default_registry.run_before_snapshot() and run_after_restore().",
        )
        return
    later()
    state = state_of(registry)
    if state.running is not None and state.running.phase is Phase.BEFORE_SNAPSHOT:
        lists.pop(Phase.BEFORE_SNAPSHOT)  # the runtime would pop the dispatcher that runs now once more
    adoption = state.adopt if is_a(state.adopt, _Adoption) else _Adoption(registry, walked=_runtime_walks())
    state.adopt = adoption
    for phase, entries in lists.items():
        adoption.put(phase, entries)
    if logger.level == logging.NOTSET and not os.environ.get("AWS_LAMBDA_LOG_LEVEL"):
        # Lambda's root logger shows warnings only; one line for each phase is worth having.
        logger.setLevel(logging.INFO)


def disconnect(registry: Registry) -> None:
    """Let the Lambda runtime of this process run `registry` no more; for tests."""
    for entries in _lists().values():
        for link in _links(entries):
            link.used = link.used or link.registry is registry
        entries[:] = [entry for entry in entries if not any(link.registry is registry for link in _links([entry]))]
    state_of(registry).adopt = None


def _before_snapshot(link: _Link) -> None:
    """Our entry in the list for before_snapshot: what is installed is known now, and all of it runs."""
    link.used = link.adoption.dispatched = True
    registry = link.registry
    try:
        others = [entry for entry in _lists()[Phase.BEFORE_SNAPSHOT] if _is_dispatcher_entry(entry)]
        if others:
            copies = ", ".join(sorted({__file__, *(place(entry[0]).rpartition(":")[0] for entry in others)}))
            tell(
                logging.WARNING,
                f"several copies of snapstart_hooks are in this process ({copies}). Each runs the hooks that were "
                "registered with it, in an order of its own. Install it once, and do not purge sys.modules.",
            )
        # Libraries that import this package get that copy which bears its name.
        known = sys.modules.get("snapstart_hooks")
        if known is None or attribute(known, "Registry") is type(registry):
            registry.discover()
        registry.run_before_snapshot()
        link.adoption.put(Phase.AFTER_RESTORE, _lists()[Phase.AFTER_RESTORE])  # a hook may have dropped it
        link.adoption.left = [(id(entries), len(entries)) for entries in _lists().values()]
    except Exception as error:  # noqa: BLE001 - whatever it is, it ends the process
        raise _tellable(error) from None


def _after_restore(link: _Link) -> None:
    """Our entry in the list for after_restore."""
    try:
        if link.adoption.walked:
            tell(
                logging.WARNING,
                "snapstart_hooks was imported after the snapshot: the hooks of installed libraries are not run. "
                "Import it in what the handler's module imports.",
            )
            link.adoption.walked = False
            # What lies before us was run by the runtime itself.
            mine = [link in _links([entry]) for entry in _lists()[Phase.AFTER_RESTORE]]
            link.adoption.first = mine.index(True) + 1
        link.registry.run_after_restore()
    except Exception as error:  # noqa: BLE001 - as above
        raise _tellable(error) from None
    finally:
        link.adoption.first = 0


_DISPATCHERS: Final = {Phase.BEFORE_SNAPSHOT: _before_snapshot, Phase.AFTER_RESTORE: _after_restore}

for _dispatcher in _DISPATCHERS.values():
    setattr(_dispatcher, _MARK, True)


def _tellable(error: Exception) -> Exception:
    """`error` as the runtime can tell it to Lambda: with one stack trace, that of the first failure, and in ASCII.

    With Python 3.12 and newer it sends text as Latin-1, so that a character beyond ends the process without
    a word, and others arrive damaged (``call_rapid`` of ``lambda_runtime_client``).  The log has no such limits.
    """
    import traceback

    message, first = str(error), error.__traceback__
    if isinstance(error, HooksFailed):
        first = error.exceptions[0].__traceback__
    elif isinstance(error, DiscoveryError) and error.exceptions[0].__cause__ is not None:
        first = error.exceptions[0].__cause__.__traceback__
    if not "".join(traceback.format_tb(first)).isascii():
        logger.error("this stack trace is not sent to Lambda, because it is not ASCII", exc_info=error)
        first = None
    if not message.isascii():
        error.args = (message.encode("ascii", "backslashreplace").decode(), *error.args[1:])
    return error.with_traceback(first)


class _Adoption:
    """Takes over what others have put in AWS's lists."""

    def __init__(self, registry: Registry, *, walked: bool) -> None:
        self._registry: Final[Registry] = registry
        # Whether the runtime has taken our dispatcher for before_snapshot.
        self.dispatched: bool = False
        # Whether the runtime walks its list for after_restore right now: nobody knows what in it was run already.
        self.walked: bool = walked
        # Where in that list the entries begin that may be taken over.
        self.first: int = 0
        # The lists at the snapshot, and their lengths: while these are the same, nobody need look closer.
        self.left: list[tuple[int, int]] = []

    def put(self, phase: Phase, entries: _Entries) -> None:
        """See to it that our dispatcher is in a list."""
        if not any(link.registry is self._registry for link in _links(entries)):
            entries.append((_DISPATCHERS[phase], (_Link(self._registry, phase, self),), {}))

    def __call__(self, state: State) -> None:
        """Make hooks of `state` of them; what cannot be one stays there, and is refused."""
        lists = _lists()
        if self.left and [(id(entries), len(entries)) for entries in lists.values()] == self.left:
            return
        for phase, entries in lists.items():
            after = phase is Phase.AFTER_RESTORE
            if not self.dispatched:  # AWS's package may have been imported anew
                self.put(phase, entries)
            if after and self.walked:
                continue
            first, end = self.first if after else 0, len(entries)  # another thread may add to it meanwhile
            theirs = [entry for entry in entries[first:end] if not _is_dispatcher_entry(entry)]
            if theirs:
                hooks = [_hook(phase, entry) for entry in theirs]
                entries[first:end] = [entry for entry in entries[first:end] if _is_dispatcher_entry(entry)]
                for hook in hooks:
                    state.append(hook, adopted=True)
        self.left = []


def _hook(phase: Phase, entry: object) -> Hook:
    parts = items(entry, tuple) or []
    if len(parts) != 3 or type(parts[1]) is not tuple or type(parts[2]) is not dict:  # noqa: PLR2004
        msg = f"an entry in the {phase.value} list of snapshot_restore_py is not (func, args, kwargs): {shown(entry)}"
        raise HookSignatureError(msg)
    func, args, kwargs = cast("tuple[Callable[..., object], tuple[object, ...], dict[str, object]]", entry)  # type: ignore[explicit-any]  # as above
    return Hook(phase, func, args, kwargs, registered_at="snapshot_restore_py")


def _lists() -> dict[Phase, _Entries]:
    """AWS's two lists, as the runtime will look at them; an ``ImportError`` says that its package is not there."""
    if _RUNNER in sys.modules:  # whose names may be those of an AWS package that is imported no more
        from awslambdaric.lambda_runtime_hooks_runner import get_after_restore, get_before_snapshot
    else:
        from snapshot_restore_py import get_after_restore, get_before_snapshot
    return {Phase.BEFORE_SNAPSHOT: get_before_snapshot(), Phase.AFTER_RESTORE: get_after_restore()}


def _links(entries: _Entries) -> list[_Link]:
    return [link for entry in entries if _is_dispatcher_entry(entry) for link in entry[1] if is_a(link, _Link)]


def _is_dispatcher_entry(entry: object) -> bool:
    parts = items(entry, tuple)
    return parts is not None and bool(parts) and is_dispatcher(parts[0])


def is_dispatcher(func: object) -> bool:
    """Whether this is ours, or that of another copy of this package, in one of AWS's lists."""
    return is_a(func, types.FunctionType) and _MARK in func.__dict__


def _runtime_walks() -> bool:
    """Whether we are called, however indirectly, from the runtime's loop over its list for after_restore."""
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - public in all but name
    while frame is not None and (frame.f_globals.get("__name__"), frame.f_code.co_name) != (
        _RUNNER,
        "run_after_restore",
    ):
        frame = frame.f_back
    return frame is not None
