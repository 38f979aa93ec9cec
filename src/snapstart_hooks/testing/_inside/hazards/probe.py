"""The instrument."""

from __future__ import annotations

import sys
import time
from types import ModuleType
from typing import TYPE_CHECKING, Final

from .generators import Generators
from .kernel import Connections, Files, children
from .memory import Buffers, Credentials, Paths, held, kept
from .owners import HERE, application_modules
from .tasks import Tasks, threads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..wire import RuntimeRecord
    from .observation import Observation

__all__ = ("Probe", "StartProbe")


class Probe:
    """Looks at each moment for what is a hazard then."""

    def __init__(self) -> None:
        self.record: RuntimeRecord | None = None  # is set before each moment
        self._generators = Generators()
        self._connections = Connections()
        self._files = Files()
        self._tasks = Tasks()
        self._buffers = Buffers()
        self._paths = Paths()
        self._credentials = Credentials()

    def initialized(self) -> dict[str, list[str]]:
        """Which files were imported."""
        self._paths.before()
        return {"files": _files()}

    def snapshot(self) -> dict[str, object]:
        """What only the original shows, and what is compared with later."""
        for each in (self._connections, self._files, self._tasks, self._buffers):
            each.snapshot()
        self._paths.before()
        return {
            "files": _files(),
            "unseen": sorted(_unseen()),
            "observations": [*self._generators.look(restored=False), *threads(), *children()],
        }

    def restored(self) -> dict[str, float]:
        """Which connections there are now, and when that is."""
        self._connections.restored()
        return {"now": time.time()}

    def ready(self) -> dict[str, list[Observation]]:
        """What the hooks have left."""
        lookers = (self._connections, self._files, self._tasks, self._buffers, self._paths)
        found = [seen for each in lookers for seen in each.ready()]
        return {"observations": [*self._generators.look(restored=True), *found]}

    def finished(self) -> dict[str, object]:
        """What is used, made anew or left over by now; and which globals hold the answers."""
        still = [seen for each in (self._connections, self._tasks) for seen in each.ready()]
        found = [*self._generators.look(restored=True), *still, *self._credentials.finished()]
        answers = [each["body"] for each in self.record["invocations"] if each["body"]] if self.record else []
        return {"observations": found, "held": dict(held(answers)), "kept": dict(kept()), "uptime": time.monotonic()}


class StartProbe:
    """Looks, in a start that is never restored, at what clones are compared with."""

    def ready(self) -> dict[str, list[Observation]]:
        """What the generators would give next."""
        return {"observations": [*Generators().look(restored=True)]}

    def finished(self) -> dict[str, object]:
        """What globals hold in the end."""
        return {"kept": dict(kept()), "uptime": time.monotonic()}


_UNSEEN: Final = ("duckdb", "uuid_utils", "sqlite3", "nacl", "pysodium")
"""Modules with generators in compiled code, of which nothing can be copied or asked without changing it."""


def _unseen() -> Iterator[str]:
    """Which of them globals of the application come from."""
    for module in application_modules():
        members: dict[str, object] = dict(vars(module))
        for name, value in members.items():
            kind = type(value)
            origin: object = vars(value)["__name__"] if kind is ModuleType else kind.__module__
            if isinstance(origin, str) and (known := origin.partition(".")[0]) in _UNSEEN and known in sys.modules:
                yield f"{known} {module.__name__}.{name}"
                break


def _files() -> list[str]:
    """The sources of the function that were imported."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return sorted({file for file in files if isinstance(file, str) and file.startswith(HERE)})
