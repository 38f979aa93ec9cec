"""`Snapstart`: what the fixture of the pytest plugin, ``pytest_snapstart_hooks``, gives."""
# What a function answers may be anything.
# mypy: disable-error-code="explicit-any"

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias, TypedDict, TypeGuard, Unpack

from snapstart_hooks.testing._clones import clones as make_clones
from snapstart_hooks.testing._errors import ClonesFailed, CloneUnsupported
from snapstart_hooks.testing._target import Target
from snapstart_hooks.testing._unique import assert_unique

if TYPE_CHECKING:
    import datetime as dt
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Literal

    from snapstart_hooks.testing._backends import CloneBackend
    from snapstart_hooks.testing._clones import Progress
    from snapstart_hooks.testing._outcome import CloneRun

__all__ = ("CloneOptions", "Handler", "Snapstart", "handler_string")

Handler: TypeAlias = "str | Callable[..., object] | Target[Any]"
"""A Lambda handler string, the handler itself, or a `Target`."""


class CloneOptions(TypedDict, total=False):
    """The options of `clones` that `Snapstart.restore` hands on."""

    events: Sequence[object] | None
    hooks: bool
    elapsed: dt.timedelta | float | None
    dead_connections: bool | Literal["reset", "blackhole"]
    environment: Mapping[str, str | None] | None
    restored_environment: Mapping[str, str | None] | None
    credentials: Literal["lambda", "inherit"]
    task_root: str | os.PathLike[str] | None
    timeout: float
    init_timeout: float
    parallel: int | None
    instruments: Sequence[str]
    on_progress: Callable[[Progress], None] | None
    backend: CloneBackend | Literal["namespace", "fork"]


class Snapstart:
    """The fixture ``snapstart``: restores functions in clones, and judges what they did.

    Where clones cannot be made the test is skipped, with the reason; it fails instead
    if pytest's configuration sets ``snapstart_require_clones``.
    """

    def __init__(self, task_root: Path, *, require_clones: bool) -> None:
        self._task_root: Final = task_root
        self._require_clones: Final = require_clones

    def restore(
        self,
        handler: Handler,
        event: object = None,
        *,
        clones: int = 2,
        check: bool = True,
        **options: Unpack[CloneOptions],
    ) -> CloneRun:
        """Initialise a function once, take a snapshot, and restore that in clones.

        Args:
            handler: The Lambda handler string, such as ``"app.lambda_handler"``; or the
                handler itself, whose string is derived; or a `Target`.
            event: The event that each clone is given; an empty one by default.
            clones: How many.
            check: Whether the test fails if the function, its hooks or a clone did;
                otherwise that is in what is returned.
            **options: Those of `clones`. The default of ``task_root`` is
                ``snapstart_task_root`` of pytest's configuration, else pytest's rootdir.

        Raises:
            ClonesFailed: Something went wrong.
            CloneError: The processes could not be run.
            TypeError: An argument is not what it must be.
            ValueError: Likewise.
        """
        __tracebackhide__ = True
        subject = handler if _is_target(handler) else handler_string(handler)
        arguments: dict[str, Any] = {"task_root": self._task_root, **options}
        try:
            run = make_clones(clones, subject, event=event, **arguments)
        except CloneUnsupported as error:
            self._unsupported(error)
        if check:
            try:
                run.check()
            except ClonesFailed as error:
                raise error.with_traceback(None) from None
        return run

    def assert_unique(
        self,
        values: CloneRun | Iterable[object],
        path: str | None = None,
        *,
        key: Callable[[Any], object] | None = None,
    ) -> None:
        """See that no value occurs twice: `snapstart_hooks.testing.assert_unique`."""
        __tracebackhide__ = True
        assert_unique(values, path, key=key)

    def _unsupported(self, error: CloneUnsupported) -> NoReturn:
        __tracebackhide__ = True
        import pytest

        if self._require_clones:
            pytest.fail(f"clones are required, and cannot be made here: {error}", pytrace=False)
        pytest.skip(f"clones cannot be made here: {error}")


def _is_target(handler: object) -> TypeGuard[Target[Any]]:
    return isinstance(handler, Target)


def handler_string(handler: object) -> str:
    """The Lambda handler string by which the runtime finds `handler`; a string is one.

    Raises:
        TypeError: It does not.
    """
    __tracebackhide__ = True
    if isinstance(handler, str):
        return handler
    module, name = getattr(handler, "__module__", None), getattr(handler, "__qualname__", None)
    why = None
    if not callable(handler) or not isinstance(module, str) or not isinstance(name, str):
        why = "it is no function"
    elif not name.isidentifier():
        why = f"{module}.{name} is not at the top of its module"
    elif getattr(sys.modules.get(module), name, None) is not handler:
        why = f"{module}.{name} is something else"
    if why is not None:
        msg = f"{handler!r} has no handler string, for {why}; give the string, such as 'app.lambda_handler'"
        raise TypeError(msg)
    return f"{module}.{name}"
