"""The same with this package, as installed: one changed import line."""

from variants.chosen import function, lambda_handler

from snapstart_hooks import register_after_restore, register_before_snapshot

__all__ = ("lambda_handler",)

register_before_snapshot(function.before_snapshot)
register_after_restore(function.after_restore)
