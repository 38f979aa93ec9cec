"""Right providers: what a library ships, checked by its author.

Read by type checkers, never executed. `test_typing.py` says how.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import ClassVar

from provider_modules import metrics, pool, pools, traces
from typing_extensions import override

from snapstart_hooks import (
    AfterRestoreOfEach,
    AfterRestoreProvider,
    BeforeSnapshotOfEach,
    BeforeSnapshotProvider,
    HookOptions,
    HookProvider,
    Registry,
)

# Modules.

both: HookProvider = pool
before: BeforeSnapshotProvider = pool
after: AfterRestoreProvider = pool
only_after: AfterRestoreProvider = traces
only_before: BeforeSnapshotProvider = metrics


# Objects: methods that need no argument, sync or async.


class Driver:
    priority: ClassVar[int] = -200

    def before_snapshot(self) -> None: ...

    async def after_restore(self) -> str:
        return ""


class Lazy:
    def after_restore(self) -> Awaitable[None]:
        raise NotImplementedError


class Static:
    @staticmethod
    def before_snapshot(hard: bool = False) -> bool:
        return hard

    @classmethod
    def after_restore(cls) -> None: ...


driver: HookProvider = Driver()
lazy: AfterRestoreProvider = Lazy()
static: HookProvider = Static()
static_class: HookProvider = Static


class Declared(HookProvider):
    """The Protocol as a base class: a misspelt method shows in the class."""

    @override
    def before_snapshot(self) -> None: ...

    @override
    def after_restore(self) -> None: ...


declared: HookProvider = Declared()

# Each can be included.

registry = Registry()
registry.include(pool, name="pool")
registry.include(traces, name="traces")
registry.include(metrics, name="metrics")
registry.include(Driver(), name="driver")
registry.include(Static, name="static")
registry.include(Declared(), name="declared")
registry.include(Registry(), name="inner")


def include_all(providers: list[BeforeSnapshotProvider | AfterRestoreProvider]) -> None:
    for number, provider in enumerate(providers):
        registry.include(provider, name=f"provider {number}")


include_all([pool, traces, metrics, driver, lazy])


# For each of several objects, and with options.

before_each: BeforeSnapshotOfEach[pools.Pool] = pools
after_each: AfterRestoreOfEach[pools.Pool] = pools
options: HookOptions = {"priority": -200, "after": ("credentials",), "timeout": None}
Registry().include(pools, name="acme:pools")
library = Registry(provides=("acme2",))


@library.after_restore.each(pools.instances, priority=-200, loop=lambda _pool: None)
def reopen_each(pool: pools.Pool) -> None: ...
