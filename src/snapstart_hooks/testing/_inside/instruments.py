"""Runs what watches a function from inside, and keeps what it saw."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Literal, TypeAlias

from .reference import load_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .wire import Json

__all__ = ("Instruments", "Occasion")

Occasion: TypeAlias = Literal["initialized", "snapshot", "restored", "ready", "finished"]


class Instruments:
    """Objects with a method for each occasion they care about (see `snapstart_hooks.testing.Instrument`)."""

    def __init__(self, instruments: Sequence[object]) -> None:
        """Take them; of those that are named, load what is named, and call it if it is a class.

        Raises:
            Exception: What their import raises.
        """
        self._loaded: dict[str, object] = {}
        for each in instruments:
            if isinstance(each, str):
                found = load_object(each)
                self._loaded[each] = found() if isinstance(found, type) else found
            else:
                self._loaded[type(each).__qualname__] = each

    def ask(self, occasion: Occasion, observations: dict[str, Json]) -> None:
        """Let each of them look, and note what it returns; if it raises, note that."""
        for name, instrument in self._loaded.items():
            look = getattr(instrument, occasion, None)
            if look is None:
                continue
            try:
                seen = look()
            except Exception:  # noqa: BLE001 - it must not change what the function does
                observations.setdefault(name, {})[f"{occasion} failed"] = traceback.format_exc()
            else:
                if seen is not None:
                    observations.setdefault(name, {})[occasion] = seen
