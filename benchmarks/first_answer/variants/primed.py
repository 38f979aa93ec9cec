"""The same, and the handler is called before the snapshot."""

from variants.chosen import event
from variants.ours import lambda_handler

from snapstart_hooks.priming import prime

__all__ = ("lambda_handler",)

prime(lambda_handler, [event])
