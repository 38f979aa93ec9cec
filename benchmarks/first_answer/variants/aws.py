"""With AWS's package, as its documentation shows."""

from snapshot_restore_py import register_after_restore, register_before_snapshot

from .chosen import function, lambda_handler

__all__ = ("lambda_handler",)

register_before_snapshot(function.before_snapshot)
register_after_restore(function.after_restore)
