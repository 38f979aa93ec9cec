"""Values that cannot be stale after a restore: resources, what is computed anew, caches, a generation.

::

    from snapstart_hooks.resources import PerRestore, cached_until_restore, resource

    @resource
    def db() -> Iterator[Connection]:
        with psycopg.connect(URL) as connection:
            yield connection

    instance = PerRestore(uuid.uuid4)

    @cached_until_restore
    def setting(name: str) -> str: ...

    def lambda_handler(event, context):
        db().execute(...)  # opened when it is first used, closed before a snapshot, opened anew after it

Importing such a name by value is safe: it is the door, not what is behind it.

Built on public hooks alone, and imported by nobody who does not ask for it.
"""

from __future__ import annotations

from .. import default_registry
from ._async import AsyncResource
from ._builds import SWEEP
from ._cache import CachedFunction, CacheInfo, cached_until_restore
from ._declare import ResourceDecorator, resource
from ._scoped import RestoreScoped
from ._values import PerRestore, Resource

__all__ = (
    "SWEEP",
    "AsyncResource",
    "CacheInfo",
    "CachedFunction",
    "PerRestore",
    "Resource",
    "ResourceDecorator",
    "RestoreScoped",
    "cached_until_restore",
    "generation",
    "resource",
)


def generation() -> int:
    """How many times this process was restored: 0 before, and in a process that never is.

    What was made under another number is stale.  A library that keeps something can compare it
    where it uses that, and then needs no hook.  Hooks of whatever priority see the new number.
    """
    return default_registry.generation


# What tracebacks, help() and the like name is where a thing is imported from.
for _public in (
    AsyncResource,
    CacheInfo,
    CachedFunction,
    PerRestore,
    Resource,
    ResourceDecorator,
    RestoreScoped,
    cached_until_restore,
    resource,
):
    _public.__module__ = __name__
del _public
