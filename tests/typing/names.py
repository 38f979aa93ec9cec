"""Names as they are reached through the package, some of which are imported when they are asked for.

Read by type checkers, never executed. `test_typing.py` says how.
"""

from __future__ import annotations

from typing import assert_type

import snapstart_hooks
import snapstart_hooks.errors

assert_type(snapstart_hooks.__version__, str)
assert_type(snapstart_hooks.after_restore, snapstart_hooks.HookDecorator)
assert_type(snapstart_hooks.default_registry, snapstart_hooks.Registry)
assert_type(snapstart_hooks.Priority.WARMUP > snapstart_hooks.Priority.APPLICATION, bool)
provider: snapstart_hooks.AfterRestoreProvider
error: snapstart_hooks.errors.SnapstartHooksError


def outcomes(report: snapstart_hooks.PhaseReport) -> list[snapstart_hooks.Outcome]:
    return [result.outcome for result in report.results]
