"""Wrong providers: each is an error for every type checker.

The statement below a line `# wrong: why` is the wrong use. `test_typing.py` compares.
"""

from __future__ import annotations

from provider_modules import metrics, needs_client, neither, not_callable, pool, pools, traces

from snapstart_hooks import (
    AfterRestoreOfEach,
    HookOptions,
    AfterRestoreProvider,
    BeforeSnapshotProvider,
    HookProvider,
    Registry,
)

# wrong: nobody gives the module's hook its argument
after_module: AfterRestoreProvider = needs_client

# wrong: nor before the snapshot
before_module: BeforeSnapshotProvider = needs_client

# wrong: the name alone is no hook
number_module: AfterRestoreProvider = not_callable

# wrong: a module without hooks
no_module: AfterRestoreProvider = neither

# wrong: one of two phases is not both
half_module: HookProvider = traces

# wrong: nor is the other one
other_half_module: HookProvider = metrics

# wrong: not that phase
wrong_phase: BeforeSnapshotProvider = traces


class NeedsClient:
    def after_restore(self, client: str) -> None: ...


class Misspelt:
    def after_restored(self) -> None: ...


class Unbound:
    def before_snapshot(self) -> None: ...


class Number:
    after_restore: int = 5


# wrong: nobody gives the object's hook its argument
needs_object: AfterRestoreProvider = NeedsClient()

# wrong: that is not its name
misspelt: AfterRestoreProvider = Misspelt()

# wrong: the method of a class needs an object
unbound: BeforeSnapshotProvider = Unbound

# wrong: an attribute is no hook
number: AfterRestoreProvider = Number()

# wrong: a function is not a provider
function: AfterRestoreProvider = pool.after_restore

registry = Registry()

# wrong: nobody gives the module's hook its argument
registry.include(needs_client, name="needs client")

# wrong: nor the object's
registry.include(NeedsClient(), name="needs client")

# wrong: a module without hooks
registry.include(neither, name="neither")

# wrong: a function is not a provider
registry.include(pool.after_restore, name="pool")

# wrong: a module, not its name
registry.include("provider_modules.pool", name="pool")

# wrong: it needs a name
registry.include(pool)

# wrong: given by name
registry.include(pool, "pool")

# wrong: the name is a string
registry.include(pool, name=5)

# wrong: an object of another type
numbers: AfterRestoreOfEach[int] = pools

# wrong: a priority is a number
options: HookOptions = {"priority": "first"}

# wrong: a function takes one of the objects
registry.after_restore.each(pools.instances)(pool.after_restore)
