"""The same, and the handler is called before the snapshot."""

from snapstart_hooks.priming import prime

from .chosen import event
from .ours import lambda_handler

__all__ = ("lambda_handler",)

prime(lambda_handler, [event])
