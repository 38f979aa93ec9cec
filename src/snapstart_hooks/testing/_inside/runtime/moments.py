"""The moments in the life of a function, and the instruments that look at it then.

``initialized``: the handler is loaded, the before_snapshot hooks are next.  ``snapshot``:
they have run.  ``restored``: a clone was resumed, the after_restore hooks are next.
``ready``: they have run, the first event is next.  ``asked``: an event is about to be given.
``answered``: it was answered.  ``finished``: all events are answered, or a hook failed.
"""

from __future__ import annotations

import importlib
import traceback
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..wire import RuntimeRecord

__all__ = ("Instruments", "Moment")

Moment: TypeAlias = Literal["initialized", "snapshot", "restored", "ready", "asked", "answered", "finished"]


_PACKAGE: Final = __name__.rpartition(".runtime.")[0]
"""The package of instruments whose name begins with a dot."""


class Instruments:
    """Objects with a method for each moment they care about (see `snapstart_hooks.testing.Instrument`)."""

    def __init__(self, instruments: Sequence[object]) -> None:
        """Take them; of those that are named, load what is named, and call it if it is a class.

        Raises:
            Exception: What their import raises.
        """
        self._loaded: Final[dict[str, object]] = {}
        for each in instruments:
            if isinstance(each, str):
                module, _, attribute = each.partition(":")
                found: object = getattr(importlib.import_module(module, _PACKAGE), attribute)
                self._loaded[each] = found() if isinstance(found, type) else found
            else:
                self._loaded[type(each).__qualname__] = each

    def look(self, moment: Moment, record: RuntimeRecord) -> None:
        """Call the method of each for this moment, and record what it returns or raises.

        One that has an attribute ``record`` is given what the runtime has done.
        """
        for name, instrument in self._loaded.items():
            method = getattr(instrument, moment, None)
            if method is None:
                continue
            if "record" in vars(instrument):
                vars(instrument)["record"] = record
            try:
                seen = method()
            except Exception:  # noqa: BLE001 - it must not change what the function does
                record["observations"].setdefault(name, {})[f"{moment} failed"] = traceback.format_exc()
            else:
                if seen is not None:
                    record["observations"].setdefault(name, {})[moment] = seen
