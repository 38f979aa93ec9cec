"""Typed hooks for AWS Lambda SnapStart, declared by applications and shipped by installed libraries.

::

    from snapstart_hooks import after_restore, before_snapshot

    @before_snapshot
    def disconnect() -> None: ...

    @after_restore
    def reconnect() -> None: ...

Importing this package in what the handler imports is enough: under SnapStart it
connects itself to the Lambda runtime; elsewhere it does nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from ._decorators import ConfiguredDecorator, HookDecorator
from ._hook import Hook, Phase, Priority, ProviderInfo
from ._registry import Registry, default_registry

if TYPE_CHECKING:
    from ._provider import (
        AfterRestoreOfEach,
        AfterRestoreProvider,
        BeforeSnapshotOfEach,
        BeforeSnapshotProvider,
        HookOptions,
        HookProvider,
    )
    from ._report import HookObserver, HookResult, Outcome, PhaseReport

    __version__: str

__all__ = (
    "AfterRestoreOfEach",
    "AfterRestoreProvider",
    "BeforeSnapshotOfEach",
    "BeforeSnapshotProvider",
    "ConfiguredDecorator",
    "Hook",
    "HookDecorator",
    "HookObserver",
    "HookOptions",
    "HookProvider",
    "HookResult",
    "Outcome",
    "Phase",
    "PhaseReport",
    "Priority",
    "ProviderInfo",
    "Registry",
    "after_restore",
    "before_checkpoint",
    "before_snapshot",
    "default_registry",
    "register_after_restore",
    "register_before_snapshot",
)

before_snapshot: HookDecorator = default_registry.before_snapshot
"""Decorator: run a function before the snapshot is taken."""

before_checkpoint: HookDecorator = before_snapshot
"""The same as `before_snapshot`, under the name that CRaC uses."""

after_restore: HookDecorator = default_registry.after_restore
"""Decorator: run a function after a snapshot is restored, before the first invocation."""

register_before_snapshot: Final = default_registry.register_before_snapshot
"""Register a call before the snapshot: a drop-in for the function of this name in ``snapshot_restore_py``."""

register_after_restore: Final = default_registry.register_after_restore
"""Register a call after a restore: a drop-in for the function of this name in ``snapshot_restore_py``."""


if not TYPE_CHECKING:  # a checker that saw this would accept every misspelt name

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from importlib.metadata import version

            return version("snapstart-hooks")
        if name not in __all__:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        # The rest is needed at publish and restore only, and every cold start of every function imports this package.
        from . import _provider, _report

        public: object = getattr(_provider, name, None) or getattr(_report, name)
        globals()[name] = _shown_here(public)
        return public


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _shown_here(public: object) -> object:
    """Let tracebacks, help() and pickles name where a thing is imported from."""
    if isinstance(public, type):
        public.__module__ = __name__
    return public


for _name in globals().keys() & set(__all__):
    _shown_here(globals()[_name])


if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
    from .runtime.awslambdaric import connect

    connect(default_registry)
