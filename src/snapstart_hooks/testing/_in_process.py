"""Runs a function through the real Lambda runtime in this very process, without clones."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
import sys
from typing import TYPE_CHECKING, Final

from snapstart_hooks.testing._clones import directory, encoded_events, need
from snapstart_hooks.testing._core import connect, default_registry, logger
from snapstart_hooks.testing._environment import function_arn, lambda_environment
from snapstart_hooks.testing._inside.runtime.moments import Instruments
from snapstart_hooks.testing._outcome import RunOutcome, runtime_fields

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from snapstart_hooks.testing._inside.runtime.moments import Moment
    from snapstart_hooks.testing._inside.wire import RuntimeRecord
    from snapstart_hooks.testing._instrument import Instrument

__all__ = ("run_in_process",)

_ONE_EMPTY_EVENT: Final[tuple[dict[str, object]]] = ({},)


def run_in_process(
    handler: str,
    events: Sequence[object] = _ONE_EMPTY_EVENT,
    *,
    hooks: bool = True,
    environment: Mapping[str, str | None] | None = None,
    task_root: str | os.PathLike[str] | None = None,
    capture: bool = True,
    timeout: float = 30.0,
    instruments: Sequence[Instrument] = (),
) -> RunOutcome:
    """Load a handler, run its hooks as if a snapshot were restored at once, and answer events.

    All as `awslambdaric` does it, in this process: nothing is cloned, no time passes, and
    random numbers do not repeat (`clones` shows that).  The hooks of installed libraries
    run as for a handler that imports `snapstart_hooks`.  Credentials are those of this
    process.  Afterwards the environment,
    ``sys.stdout``, ``sys.path``, the working directory and the root logger are as they
    were, and the same handler can be run again; its module stays imported.

    Args:
        handler: The Lambda handler string, such as ``"app.lambda_handler"``.
        events: What the handler is called with, one after the other.
        hooks: Whether before_snapshot and after_restore hooks run.
        environment: Changes to the environment of the function; ``None`` unsets.
        task_root: The directory of the function's code; by default the current one.
        capture: Keep what is written to ``sys.stdout`` and ``sys.stderr`` for the
            outcome, or else let it through.
        timeout: Seconds that ``context.get_remaining_time_in_millis`` starts from.
        instruments: Objects that look at each moment of the function (see `Instrument`;
            ``snapshot`` and ``restored`` follow each other at once).  What they see is in
            the outcome's ``observations``, by the name of their class.

    Raises:
        CloneUnsupported: `awslambdaric` is not installed.
        TypeError: An event is not what JSON can hold.
        ValueError: `task_root` is not a directory.
    """
    texts = encoded_events(events)
    need("awslambdaric", "the Lambda runtime, which runs the function")
    root = directory(task_root)
    variables = lambda_environment(
        handler, credentials_uri=None, token="", extra=environment or {}, task_root=str(root)
    )
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_environment(variables))
        stack.enter_context(_place(root))
        stack.enter_context(_logging())
        if capture:
            stack.enter_context(contextlib.redirect_stdout(stdout))
            stack.enter_context(contextlib.redirect_stderr(stderr))
        else:  # the runtime replaces both
            stack.enter_context(contextlib.redirect_stdout(sys.stdout))
            stack.enter_context(contextlib.redirect_stderr(sys.stderr))
        stack.enter_context(_bootstrap())
        from snapstart_hooks.testing._inside.runtime.client import ScriptedClient, drive

        connect(default_registry)
        here = _Here(instruments)
        stack.callback(here.done)
        client = ScriptedClient(
            texts,
            reached=here.reached,
            function_arn=function_arn(variables),
            timeout=timeout,
            hooks=hooks,
        )
        here.record = client.record
        drive(handler, client)
        here.reached("finished")
    return RunOutcome(
        **runtime_fields(client.record),
        exit_code=client.record["exit_code"],
        stdout=stdout.getvalue(),
        stderr=stderr.getvalue(),
    )


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Generator[None]:
    before = dict(os.environ)
    _set_environment(variables)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(variables: Mapping[str, str]) -> None:
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)


@contextlib.contextmanager
def _place(root: Path) -> Generator[None]:
    path = list(sys.path)
    with contextlib.chdir(root):
        sys.path.insert(0, str(root))
        try:
            yield
        finally:
            sys.path[:] = path


@contextlib.contextmanager
def _logging() -> Generator[None]:
    root = logging.getLogger()
    handlers, converter = list(root.handlers), logging.Formatter.converter
    levels = {each: each.level for each in (root, logger)}
    try:
        yield
    finally:
        root.handlers[:] = handlers
        for each, level in levels.items():
            each.setLevel(level)
        logging.Formatter.converter = converter


@contextlib.contextmanager
def _bootstrap() -> Generator[None]:
    """The runtime's module, as it is when it is imported in the environment of this function."""
    from awslambdaric import bootstrap

    importlib.reload(bootstrap)  # it reads the log format when it is imported
    try:
        yield
    finally:
        importlib.reload(bootstrap)  # forget the last invocation


class _Here:
    """Lets instruments look, and hooks that the runtime takes off its list when it runs them lie there again."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        from snapshot_restore_py import get_before_snapshot

        self._entries: Final = get_before_snapshot()
        self._before = list(self._entries)
        self._instruments: Final = Instruments(instruments)
        self.record: RuntimeRecord | None = None

    def reached(self, moment: Moment) -> None:
        """Let the instruments look."""
        if moment == "initialized":
            self._before = list(self._entries)
        if self.record is not None:
            self._instruments.look(moment, self.record)
        if moment == "snapshot":
            self.reached("restored")

    def done(self) -> None:
        """Tidy up.  What our registry adopted is in there, and must not lie in the list too."""
        adopted = [(hook.func, hook.args, dict(hook.kwargs)) for hook in default_registry.hooks]
        self._entries[:] = [entry for entry in self._before if entry not in adopted]
