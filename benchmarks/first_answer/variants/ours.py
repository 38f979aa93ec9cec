"""The same with this package, as installed: one changed import line."""

from snapstart_hooks import register_after_restore, register_before_snapshot

from .chosen import function, lambda_handler

__all__ = ("lambda_handler",)

register_before_snapshot(function.before_snapshot)
register_after_restore(function.after_restore)
