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

from types import FunctionType

from snapstart_hooks._decorators import ConfiguredDecorator, HookDecorator
from snapstart_hooks._hook import Hook, Phase, Priority, ProviderInfo
from snapstart_hooks._provider import AfterRestoreProvider, BeforeSnapshotProvider, HookProvider
from snapstart_hooks._registry import Registry, default_registry, register_after_restore, register_before_snapshot
from snapstart_hooks._report import HookObserver, HookResult, Outcome, PhaseReport
from snapstart_hooks._settings import under_snapstart

__all__ = (
    "AfterRestoreProvider",
    "BeforeSnapshotProvider",
    "ConfiguredDecorator",
    "Hook",
    "HookDecorator",
    "HookObserver",
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


def _show_public_path() -> None:
    """Let tracebacks, help() and pickles name where things are imported from."""
    for name in __all__:
        public: object = globals()[name]
        if isinstance(public, (type, FunctionType)):
            public.__module__ = __name__


_show_public_path()


def __getattr__(name: str) -> str:
    if name == "__version__":  # read on demand: importlib.metadata costs 20 ms
        from importlib.metadata import version

        return version("snapstart-hooks")
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


if under_snapstart():
    from snapstart_hooks.runtime.awslambdaric import connect

    connect(default_registry)
