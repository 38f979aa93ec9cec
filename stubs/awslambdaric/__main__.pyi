from collections.abc import Sequence

from . import bootstrap as bootstrap
from .lambda_config import LambdaConfigProvider as LambdaConfigProvider
from .lambda_runtime_client import LambdaRuntimeClient as LambdaRuntimeClient

# `args` is `sys.argv`: the handler is its second item. Never returns but by an exception.
def main(args: Sequence[str]) -> None: ...
