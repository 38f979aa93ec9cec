from snapshot_restore_py import get_after_restore as get_after_restore
from snapshot_restore_py import get_before_snapshot as get_before_snapshot

# Takes the last registration off the live list and calls it, until the list is empty.
def run_before_snapshot() -> None: ...

# Calls what is on the live list from its start; the list is kept.
def run_after_restore() -> None: ...
