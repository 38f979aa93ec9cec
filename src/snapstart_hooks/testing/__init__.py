"""A local SnapStart: restore a function on this machine, and see what breaks.

::

    from snapstart_hooks.testing import clones

    run = clones(3, "app.lambda_handler", event={"order": 7}, elapsed=6 * 3600)
    ids = [response["id"] for response in run.responses]
    assert len(set(ids)) == 3
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapstart_hooks.testing._clones import CloneOptions, Progress, clones
from snapstart_hooks.testing._errors import CloneError, ClonesFailed, CloneUnsupported
from snapstart_hooks.testing._instrument import Instrument
from snapstart_hooks.testing._outcome import CloneOutcome, CloneRun, Failure, Invocation, RunOutcome, SnapshotOutcome
from snapstart_hooks.testing._target import Subject, Target
from snapstart_hooks.testing.hazards import Hazard, HazardReport, accepted_in, find_hazards

if TYPE_CHECKING:
    from snapstart_hooks.testing._in_process import run_in_process
    from snapstart_hooks.testing._pytest_fixture import Snapstart
    from snapstart_hooks.testing._simulate import Simulation, simulate
    from snapstart_hooks.testing._unique import assert_unique
    from snapstart_hooks.testing.cost import Cost, CostReport, Done, HookCost, measure_cost
    from snapstart_hooks.testing.provider import (
        ClonesCompared,
        LoadCost,
        ProviderCheckFailed,
        ProviderHook,
        ProviderProblem,
        ProviderReport,
        ShippedProvider,
        TypesChecked,
        check_provider,
    )

__all__ = (
    "CloneError",
    "CloneOptions",
    "CloneOutcome",
    "CloneRun",
    "CloneUnsupported",
    "ClonesCompared",
    "ClonesFailed",
    "Cost",
    "CostReport",
    "Done",
    "Failure",
    "Hazard",
    "HazardReport",
    "HookCost",
    "Instrument",
    "Invocation",
    "LoadCost",
    "Progress",
    "ProviderCheckFailed",
    "ProviderHook",
    "ProviderProblem",
    "ProviderReport",
    "RunOutcome",
    "ShippedProvider",
    "Simulation",
    "SnapshotOutcome",
    "Snapstart",
    "Subject",
    "Target",
    "TypesChecked",
    "accepted_in",
    "assert_unique",
    "check_provider",
    "clones",
    "find_hazards",
    "measure_cost",
    "run_in_process",
    "simulate",
)

# Of rooms that a test or a subcommand needs seldom; importing all of them takes longer than all else of a command.
_LATER = {
    "ClonesCompared": "provider",
    "Cost": "cost",
    "CostReport": "cost",
    "Done": "cost",
    "HookCost": "cost",
    "LoadCost": "provider",
    "ProviderCheckFailed": "provider",
    "ProviderHook": "provider",
    "ProviderProblem": "provider",
    "ProviderReport": "provider",
    "ShippedProvider": "provider",
    "Simulation": "_simulate",
    "Snapstart": "_pytest_fixture",
    "TypesChecked": "provider",
    "assert_unique": "_unique",
    "check_provider": "provider",
    "measure_cost": "cost",
    "run_in_process": "_in_process",
    "simulate": "_simulate",
}


if not TYPE_CHECKING:  # a checker that saw this would accept every misspelt name

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        from importlib import import_module

        public: object = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
        globals()[name] = public
        return public


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
