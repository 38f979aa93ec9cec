"""What a restored function loads and does, for its hooks and its answers.

A restored machine loads each page of memory that is touched from far away, so pages are the cost.  The
kernel notes which are touched: ``Referenced`` in ``/proc/self/smaps_rollup``, from the moment that
``/proc/self/clear_refs`` was written to.  Nothing is cleared in between: what a window is charged with is what
was not loaded before.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import sys
from time import process_time_ns
from typing import Final, cast

from .kernel.linux import libc
from .kernel.proc import descriptors, mappings
from .processes.zygote import plan

__all__ = ("Meter", "Witness")

_PR_SET_THP_DISABLE: Final = 41
_MADV_POPULATE_READ: Final = 22
_WINDOWS: Final = 4
"""Marks until all events were given twice: at the restore, after the hooks, after each round."""
_ROOM: Final = 1 << 12
"""Bytes that ``smaps_rollup`` fits into."""


class _Pages:
    """The memory of this process."""

    def __init__(self) -> None:
        self._clear: int | None = None
        self._rollup: int | None = None

    def prepare(self) -> tuple[int, int] | None:
        """Get ready to count; gives what `loaded` gives now."""
        for each in mappings():
            # A clone has not mapped what it could read from a file anew; when it does, 16 pages are mapped for one.
            if each.path.startswith("/"):
                length = ctypes.c_size_t(each.end - each.start)
                libc.madvise(ctypes.c_void_p(each.start), length, ctypes.c_int(_MADV_POPULATE_READ))
        try:
            self._rollup = os.open("/proc/self/smaps_rollup", os.O_RDONLY)
            self._clear = os.open("/proc/self/clear_refs", os.O_WRONLY)
        except OSError:  # this kernel counts nothing
            return None
        return self.loaded()

    def clear(self) -> None:
        """Take every page as not loaded."""
        if self._clear is not None:
            os.write(self._clear, b"1")

    def loaded(self) -> tuple[int, int] | None:
        """KiB that were touched since, and KiB that nobody shares; ``None`` if that is not known."""
        if self._clear is None or self._rollup is None:
            return None
        os.lseek(self._rollup, 0, os.SEEK_SET)
        text = os.read(self._rollup, _ROOM)
        return _number(text, b"Referenced:"), _number(text, b"Private_Dirty:")


def _number(text: bytes, name: bytes) -> int:
    at = text.index(name) + len(name)
    return int(text[at : text.index(b"kB", at)])


class Meter:
    """Counts pages, and time of the CPU, at the end of each window: the hooks, all events once, and all once more.

    If they are given a third time, all that they touch then is counted, also what was loaded before.
    """

    def __init__(self) -> None:
        libc.prctl(ctypes.c_int(_PR_SET_THP_DISABLE), *[ctypes.c_ulong(n) for n in (1, 0, 0, 0)])
        self._pages: Final = _Pages()
        self._marks: Final[list[tuple[int, tuple[int, int] | None]]] = []
        self._answers = 0
        self._spent = 0
        self._since = 0

    def restored(self) -> None:
        """Begin; nothing of our own may come between this and the hooks."""
        self._marks.append((0, self._pages.prepare()))
        self._pages.clear()
        self._since = process_time_ns()

    def ready(self) -> list[tuple[int, tuple[int, int] | None]]:
        """The hooks have run."""
        self._spent = process_time_ns() - self._since
        self._mark()
        return self._marks

    def asked(self) -> None:
        """An event is about to be given."""
        self._since = process_time_ns()

    def answered(self) -> list[tuple[int, tuple[int, int] | None]]:
        """An event was answered."""
        self._spent += process_time_ns() - self._since
        self._answers += 1
        if self._answers % _round() == 0:
            self._mark()
            if len(self._marks) == _WINDOWS:
                self._pages.clear()
        return self._marks

    def _mark(self) -> None:
        """End a window: nanoseconds of CPU that it took, and the memory that is loaded now."""
        self._marks.append((self._spent, self._pages.loaded()))
        self._spent = 0


def _round() -> int:
    """How many events there are; each is given twice."""
    return max(1, len(plan()["events"]) // 2)


class Witness:
    """Notes by name what is done in each window, and what each hook loads."""

    def __init__(self) -> None:
        self._pages: Final = _Pages()
        self._events: list[tuple[str, str]] | None = None  # only while it listens
        self._windows: Final[list[dict[str, list[str]]]] = []
        self._hooks: Final[list[dict[str, object]]] = []
        self._modules: set[str] = set()
        self._sockets: set[str] = set()
        self._answers = 0
        self._before: tuple[int, int] | None = None

    def initialized(self) -> None:
        """Watch the hooks."""
        ours = sys.modules.get("snapstart_hooks")
        if ours is not None:
            ours.default_registry.add_observer(self)

    def restored(self) -> None:
        """Begin."""
        self._modules, self._sockets = set(sys.modules), _sockets()
        sys.addaudithook(self._heard)
        self._pages.prepare()
        self._pages.clear()
        self._events = []

    def ready(self) -> dict[str, object]:
        """The hooks have run."""
        return self._window()

    def asked(self) -> None:
        """An event is about to be given."""
        if self._events is None:
            self._events = []

    def answered(self) -> dict[str, object]:
        """It was answered."""
        self._answers += 1
        return self._window() if self._answers % _round() == 0 else self._seen()

    def _window(self) -> dict[str, object]:
        events, self._events = self._events or [], None
        names = [name for name in sys.modules if name not in self._modules]
        self._modules.update(names)
        imported = [name for name in names if _can_be_imported(name)]
        files = {str(getattr(sys.modules[name], at, None)) for name in names for at in ("__file__", "__cached__")}
        sockets = _sockets()
        connected = [name for event, name in events if event == "connections"]
        connected += filter(None, map(_peer, sorted(sockets - self._sockets)))  # also by compiled code
        self._sockets = sockets
        opened = [name for event, name in events if event == "files" and name not in files]
        looked_up = [name for event, name in events if event == "lookups"]
        window = {"modules": imported, "files": opened, "connections": connected, "lookups": looked_up}
        self._windows.append({kind: list(dict.fromkeys(map(str, names))) for kind, names in window.items()})
        return self._seen()

    def _seen(self) -> dict[str, object]:
        return {"windows": self._windows, "hooks": self._hooks}

    def _heard(self, event: str, arguments: tuple[object, ...]) -> None:
        """Record an audit event of the interpreter, in any thread."""
        events = self._events
        if events is None:
            return
        if event == "open":
            path = arguments[0]
            if isinstance(path, str | bytes) and not os.fsdecode(path).startswith("/proc/"):
                events.append(("files", os.path.abspath(os.fsdecode(path))))
        elif event == "socket.connect":
            events.append(("connections", _address(arguments[1])))
        elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
            host = arguments[0].decode(errors="replace") if isinstance(arguments[0], bytes) else arguments[0]
            if isinstance(host, str) and host and not _is_address(host):
                events.append(("lookups", host))

    # An observer of the registry.

    def phase_started(self, phase: object, hooks: object, /) -> None:
        """A phase begins."""

    def hook_started(self, hook: object, /) -> None:
        """A hook is about to be called."""
        self._before = self._pages.loaded()

    def hook_finished(self, result: object, /) -> None:
        """It has ended."""
        after, before = self._pages.loaded(), self._before
        if after is not None and before is not None:
            name = str(getattr(getattr(result, "hook", None), "name", ""))
            self._hooks.append({"name": name, "read": after[0] - before[0], "written": after[1] - before[1]})

    def phase_finished(self, report: object, /) -> None:
        """The phase ended."""


def _can_be_imported(name: str) -> bool:
    """Whether a module of that name can be imported in another process: it was, and not made by somebody's code."""
    spec: object = getattr(sys.modules.get(name), "__spec__", None)
    return getattr(spec, "name", None) == name and getattr(spec, "origin", None) is not None


def _sockets() -> set[str]:
    return {f"{fd} {what}" for fd, what in descriptors().items() if what.startswith("socket:")}


def _peer(fd: str) -> str | None:
    """Whom a socket is connected with; ``None`` for nobody."""
    try:
        with socket.socket(fileno=os.dup(int(fd.partition(" ")[0]))) as one:
            return _address(one.getpeername()) or None
    except OSError:
        return None


def _address(address: object) -> str:
    if isinstance(address, tuple):
        return ":".join(map(str, cast("tuple[object, ...]", address)[:2]))
    return os.fsdecode(address) if isinstance(address, str | bytes) else str(address)


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            socket.inet_pton(family, host.partition("%")[0])
            return True
    return False
