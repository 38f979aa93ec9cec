"""A default registry, and lists of AWS's package, that a test has to itself."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from snapstart_hooks.testing._core import default_registry, disconnect, is_dispatcher, state_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from snapstart_hooks import Registry

__all__ = ("fresh_registry",)


@contextlib.contextmanager
def fresh_registry() -> Generator[Registry, None, None]:
    """Make `default_registry` as good as new inside a ``with`` block, and as it was behind it.

    So are the lists of hooks in ``snapshot_restore_py``, whether the Lambda runtime runs the
    registry, and the generation: nothing of `snapstart_hooks.resources` is built.
    """
    adopt = state_of(default_registry).adopt
    before = [list(entries) for entries in _lists_of_aws()]
    for entries in _lists_of_aws():
        entries[:] = [entry for entry in entries if is_dispatcher(entry[0])]
    try:
        with default_registry.isolated() as registry:
            yield registry
    finally:
        if "snapshot_restore_py" in sys.modules:
            disconnect(default_registry)  # so that a dropped entry is not logged
        state_of(default_registry).adopt = adopt
        for entries, old in zip(_lists_of_aws(), before or ([], []), strict=False):
            entries[:] = old


def _lists_of_aws() -> list[list[tuple[object, ...]]]:
    """The two lists; none if AWS's package is not imported yet, so that they are empty."""
    aws = sys.modules.get("snapshot_restore_py")
    return [] if aws is None else [aws.get_before_snapshot(), aws.get_after_restore()]
