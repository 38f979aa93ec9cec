"""The function of this run; in some events somebody collects garbage, as the interpreter may at any time."""

from __future__ import annotations

import gc
import json
import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable


class Function(Protocol):
    """What each module of ``functions`` has."""

    lambda_handler: Callable[[dict[str, object], object], object]

    def before_snapshot(self) -> None:
        """Its hook."""

    def after_restore(self) -> None:
        """Its hook."""


_name = os.environ["BENCHMARK_FUNCTION"]
function = cast("Function", import_module(f"functions.{_name}"))
event = cast("dict[str, object]", json.loads((Path(__file__).parents[1] / "functions" / f"{_name}.json").read_text()))


def lambda_handler(event: dict[str, object], context: object) -> object:
    """Answer."""
    answer = function.lambda_handler(event, context)
    if event.get("collect"):
        gc.collect()
    return answer
