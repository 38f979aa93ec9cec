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
from typing import TYPE_CHECKING

from snapstart_hooks._decorators import ConfiguredDecorator, HookDecorator
from snapstart_hooks._hook import Hook, HookOptions, Phase, Priority, ProviderInfo
from snapstart_hooks._provider import AfterRestoreProvider, BeforeSnapshotProvider, HookProvider
from snapstart_hooks._registry import Registry, default_registry, register_after_restore, register_before_snapshot
from snapstart_hooks._report import HookObserver, HookResult, Outcome, PhaseReport

if TYPE_CHECKING:
    __version__: str

__all__ = (
    "AfterRestoreProvider",
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


if not TYPE_CHECKING:  # a checker that saw this would accept every misspelt name

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from importlib.metadata import version

            return version("snapstart-hooks")
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


for _name in __all__:  # let tracebacks, help() and pickles name where a thing is imported from
    if getattr(globals()[_name], "__name__", None) == _name:
        globals()[_name].__module__ = __name__


if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
    from snapstart_hooks.runtime.awslambdaric import connect

    connect(default_registry)
