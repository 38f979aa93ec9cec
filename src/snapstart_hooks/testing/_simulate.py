"""`simulate`: both phases in this process, for tests that need no clones."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from snapstart_hooks import PhaseReport, default_registry
from snapstart_hooks.resources._tests import open_values
from snapstart_hooks.testing._clones import elapsed_seconds, need

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Generator

    from snapstart_hooks import Registry

__all__ = ("Simulation", "simulate")


class _Reports(NamedTuple):
    before_snapshot: PhaseReport
    after_restore: PhaseReport


class Simulation(_Reports):
    """The reports of a simulated snapshot and restore; `simulate` makes one.

    Attributes:
        before_snapshot: The report of the before_snapshot phase.
        after_restore: The report of the after_restore phase.
        taken: The name and value of each resource of the registry that was open before.
    """

    taken: tuple[tuple[str, object], ...] = ()

    def stale(self) -> tuple[str, ...]:
        """Find the objects that still hold a resource's value from before the restore.

        ``app.client: it is what the resource app.db gave before the restore`` for each that is
        found from the globals of modules; empty if all is well.
        """
        from snapstart_hooks.testing._inside.hazards.owners import names_of

        holders = names_of(value for _, value in self.taken)
        found = [(holders[id(value)], name) for name, value in self.taken if id(value) in holders]
        return tuple(f"{holder}: it is what the resource {name} gave before the restore" for holder, name in found)


@contextlib.contextmanager
def simulate(
    registry: Registry = default_registry,
    *,
    discover: bool = False,
    elapsed: dt.timedelta | float | None = None,
) -> Generator[Simulation, None, None]:
    """Run the before_snapshot hooks and then the after_restore hooks; the ``with`` block is the restored function.

    ::

        with simulate(elapsed=6 * 3600) as restored:
            assert restored.after_restore.ok
            assert client.get("/").status_code == 200

    Nothing is cloned, and the process goes on, so it cannot show what comes of that:

    - random numbers and ids do not repeat: there is one process, which draws on;
    - connections stay alive, and so do threads, child processes and running loops;
    - files, the environment and credentials stay what they were;
    - hooks in modules that are not imported are not run; those that were given to AWS's
      package directly run only if this process is connected to the Lambda runtime.

    `clones` shows all of it, and `run_in_process` the real runtime without clones.

    Args:
        registry: The registry of the hooks.
        discover: Whether the hooks of installed libraries are included first, as the
            Lambda runtime does it. They stay included.
        elapsed: By how much the wall clock moves at the restore, in seconds or as a
            `timedelta`, until the end of the ``with`` block. `time.monotonic` does not
            move, as after a restore. Needs `time-machine`.

    Yields:
        The reports of both phases.

    Raises:
        HooksFailed: Required hooks failed. If it was in before_snapshot, nothing is
            restored but what a rollback restores (see `Registry.run_before_snapshot`).
        DiscoveryError: Hooks of installed libraries cannot be used.
        HookOrderError: The ``after`` of some hooks form a cycle.
        PhaseError: A phase of this registry is running.
        CloneUnsupported: `time-machine` is needed and not installed.
    """
    moved = elapsed_seconds(elapsed)
    if moved:
        need("time_machine", "time-machine, which moves the clock for elapsed=")
    if discover:
        registry.discover()
    taken = tuple(open_values(registry))
    before = registry.run_before_snapshot()
    with _later(moved):
        restored = Simulation(before, registry.run_after_restore())
        restored.taken = taken
        yield restored


@contextlib.contextmanager
def _later(moved: float) -> Generator[None, None, None]:
    if not moved:
        yield
        return
    import datetime as dt

    import time_machine

    with time_machine.travel(dt.timedelta(seconds=moved), tick=True):
        yield
