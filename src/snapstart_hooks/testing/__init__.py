"""A SnapStart of your own: see what a restore does to a function, without a cloud.

::

    from snapstart_hooks.testing import clones

    run = clones(3, "app.lambda_handler", event={"order": 7}, elapsed=6 * 3600)
    ids = [response["id"] for response in run.responses]
    assert len(set(ids)) == 3
"""

from __future__ import annotations

from snapstart_hooks.testing._backends import CloneBackend, Criu, Fork, Namespace
from snapstart_hooks.testing._clones import CloneOptions, Progress, clones
from snapstart_hooks.testing._errors import CloneError, ClonesFailed, CloneUnsupported
from snapstart_hooks.testing._in_process import run_in_process
from snapstart_hooks.testing._inside.wire import Message
from snapstart_hooks.testing._instrument import Instrument
from snapstart_hooks.testing._outcome import CloneOutcome, CloneRun, Failure, Invocation, RunOutcome, SnapshotOutcome
from snapstart_hooks.testing._process import Job
from snapstart_hooks.testing._pytest_fixture import Snapstart
from snapstart_hooks.testing._simulate import Simulation, simulate
from snapstart_hooks.testing._target import Subject, Target
from snapstart_hooks.testing._unique import assert_unique
from snapstart_hooks.testing.cost import Cost, CostReport, Done, HookCost, measure_cost
from snapstart_hooks.testing.hazards import Hazard, HazardReport, accepted_in, find_hazards
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
    "CloneBackend",
    "CloneError",
    "CloneOptions",
    "CloneOutcome",
    "CloneRun",
    "CloneUnsupported",
    "ClonesCompared",
    "ClonesFailed",
    "Cost",
    "CostReport",
    "Criu",
    "Done",
    "Failure",
    "Fork",
    "Hazard",
    "HazardReport",
    "HookCost",
    "Instrument",
    "Invocation",
    "Job",
    "LoadCost",
    "Message",
    "Namespace",
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
