"""Values that are never stale after a restore: resources, values computed for each restore, caches, a generation.

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
        db().execute(...)  # opened at its first use, closed before a snapshot, opened again after a restore

Importing such a name by value is safe: calling it returns the value of now.

The module uses only public hooks of the package, and is imported only where it is used.
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
    """Return how many times this process was restored: 0 before the first restore.

    An object from another generation is stale.  A library that compares the generation where it uses an object needs
    no hook.  All after_restore hooks see the new number, whatever their priority.
    """
    return default_registry.generation


# Tracebacks and help() show the module from which the names are imported.
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
