"""Loads the providers of one distribution as discovery does, and tells what that does.

It is started by its path, in an interpreter of its own, and never imported: of
`snapstart_hooks.testing` nothing is there that a function would not have.  Each message is
written at once, because a provider may end the process.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import gc
import importlib
import importlib.util
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from types import ModuleType

    from snapstart_hooks import Hook, PhaseReport, Registry
    from snapstart_hooks.testing.provider._wire import (
        Application,
        HookRecord,
        ProbeMessage,
        Question,
        ResultRecord,
    )


def main(answers: str) -> None:
    """Answer the question on standard input, in the file `answers`."""
    question: Question = json.load(sys.stdin)
    sys.path[:] = question["path"]
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1)  # whoever ends it asks first where it stands
    _Probe(question, Path(answers)).go_through()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # whatever threads are left


class _Probe:
    def __init__(self, question: Question, answers: Path) -> None:
        self._question: Final = question
        self._answers: Final = answers
        self._listener: Final = _Listener()
        # What is there in any function: this is not what a provider costs.
        with contextlib.suppress(ImportError):
            importlib.import_module("awslambdaric.bootstrap")
        from snapstart_hooks._discovery import find
        from snapstart_hooks._hook import normalise

        self._wanted: Final = normalise(question["distribution"])
        found = find()
        self._skipped: Final = [text for text in map(str, found.skipped) if self._wanted in normalise(text)]
        self._declared: Final = [each for each in found.declared if normalise(each.info.distribution) == self._wanted]

    def go_through(self) -> None:
        """Do what happens to a function that uses the library: discovery, and both phases several times."""
        self._tell(
            {
                "type": "found",
                "declared": [
                    {"name": one.info.name, "value": one.info.value, "package": one.package} for one in self._declared
                ],
                "skipped": self._skipped,
            }
        )
        # First what every function loads; then what one does that uses the library.
        for package in sorted({declared.package for declared in self._declared}):
            if package:
                self._measure(package, functools.partial(importlib.import_module, package))
            for declared in self._declared:
                if declared.package == package:
                    self._measure(declared.info.name, declared.load)
        application = self._question["application"]
        if application is not None:
            with self._attempt(f"importing {application['module']}"):
                _import_application(application)

        from snapstart_hooks import Registry

        registry = Registry(allow=[self._question["distribution"]])
        with self._attempt("discovery"):
            self._discover(registry)
        for number in range(1, self._question["rounds"] + 1):
            with self._attempt(f"running both phases, time {number}"):
                self._round(registry)

    def _measure(self, what: str, load: Callable[[], object]) -> None:
        from snapstart_hooks._provider import CONTRACT

        self._tell({"type": "doing", "what": f"loading {what}"})
        modules, threads, opened = set(sys.modules), _threads(), _opened()
        loaded: object = None
        error = ""
        began = time.perf_counter()
        with self._listener.listening() as did:
            try:
                loaded = load()
            except BaseException as raised:  # noqa: BLE001 - SystemExit, too
                error = str(raised)
        seconds = time.perf_counter() - began
        imported = sorted(set(sys.modules) - modules)
        self._tell(
            {
                "type": "cost",
                "what": what,
                "error": error,
                "names": [name for name in CONTRACT if hasattr(loaded, name)],
                "seconds": seconds,
                "modules": imported,
                "foreign": [name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names],
                "threads": [name for number, name in _threads().items() if number not in threads],
                "opened": [name for number, name in _opened().items() if number not in opened],
                "did": did,
            }
        )

    def _discover(self, registry: Registry) -> None:
        from snapstart_hooks._hook import normalise
        from snapstart_hooks._registry import state_of
        from snapstart_hooks.errors import DiscoveryError

        errors: tuple[Exception, ...] = ()
        try:
            registry.discover()
        except DiscoveryError as error:
            errors = error.exceptions
        self._tell(
            {
                "type": "discovered",
                "registries": [one.info.name for one in state_of(registry).included.values() if one.state is not None],
                "errors": [
                    {"provider": str(getattr(error, "provider", "")), "message": str(error)} for error in errors
                ],
                "warnings": [text for text in registry.warnings if self._wanted in normalise(text)],
            }
        )

    def _round(self, registry: Registry) -> None:
        results: list[ResultRecord] = []
        from snapstart_hooks.errors import HooksFailed

        for run in (registry.run_before_snapshot, registry.run_after_restore):
            with contextlib.suppress(HooksFailed):
                run()
            if registry.last_report is not None:
                results += _results(registry.last_report)
        gc.collect()
        self._tell(
            {
                "type": "round",
                "results": results,
                "threads": list(_threads().values()),
                "opened": list(_opened().values()),
            }
        )

    @contextlib.contextmanager
    def _attempt(self, what: str) -> Generator[None]:
        self._tell({"type": "doing", "what": what})
        try:
            yield
        except BaseException as error:  # noqa: BLE001 - SystemExit, too
            self._tell({"type": "fault", "what": what, "message": f"{type(error).__qualname__}: {error}"})

    def _tell(self, message: ProbeMessage) -> None:
        with self._answers.open("a", encoding="utf-8") as file:  # not kept open: it would be counted
            file.write(json.dumps(message) + "\n")


class _Listener:
    """Hears what this process does with others.  A hook for audit events stays for ever, so there is one."""

    def __init__(self) -> None:
        self._heard: list[str] | None = None
        sys.addaudithook(self._hear)

    @contextlib.contextmanager
    def listening(self) -> Generator[list[str]]:
        heard: list[str] = []
        self._heard = heard
        try:
            yield heard
        finally:
            self._heard = None

    def _hear(self, event: str, args: tuple[object, ...]) -> None:
        if self._heard is not None and event in _DEEDS:
            self._heard.append(_DEEDS[event].format(*args))


_DEEDS: Final = {
    "socket.connect": "connects to {1}",
    "socket.getaddrinfo": "looks up {0}",
    "socket.bind": "listens at {1}",
    "subprocess.Popen": "starts the process {1}",
    "os.fork": "forks",
    "os.posix_spawn": "starts the process {1}",
    "os.system": "runs {0}",
}


def _import_application(application: Application) -> None:
    found: object = _module(application["module"], application["file"])
    for name in application["init"].split(".") if application["init"] else ():
        found = getattr(found, name)
    if callable(found):
        _kept.append(found())


_kept: Final[list[object]] = []
"""What the application made lives as long as the process."""


def _module(name: str, file: str | None) -> ModuleType:
    if file is not None:
        try:
            module = importlib.import_module(name)
            if getattr(module, "__file__", None) == file:
                return module
        except ModuleNotFoundError:
            pass
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is not None and spec.loader is not None:
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            spec.loader.exec_module(module)
            return module
    return importlib.import_module(name)


def _results(report: PhaseReport) -> list[ResultRecord]:
    return [
        {
            "hook": _record(result.hook),
            "outcome": result.outcome.value,
            "error": "" if result.error is None else f"{type(result.error).__qualname__}: {result.error}",
        }
        for result in report.results
    ]


def _record(hook: Hook) -> HookRecord:
    return {
        "name": hook.name,
        "provider": hook.provider.name if hook.provider else "",
        "phase": hook.phase.value,
        "location": hook.location,
        "priority": hook.priority,
        "after": list(hook.after),
        "timeout": hook.timeout,
        "required": hook.required,
        "concurrent": hook.concurrent,
        "is_async": hook.is_async,
    }


def _threads() -> dict[int, str]:
    """All threads by number, those of C code too where the system tells."""
    known = {thread.native_id or 0: f"thread {thread.name!r}" for thread in threading.enumerate()}
    try:
        numbers: Iterable[int] = map(int, os.listdir("/proc/self/task"))  # noqa: PTH208 - numbers
    except OSError:
        return known
    return {number: known.get(number, "a thread of C code") for number in numbers}


def _opened() -> dict[int, str]:
    """What is open, by file descriptor; nothing where the system does not tell."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        with contextlib.suppress(OSError):
            numbers = [int(each) for each in os.listdir(folder)]  # noqa: PTH208 - numbers
            return {number: name for number in sorted(numbers) if (name := _name(folder, number))}
    return {}


def _name(folder: str, number: int) -> str:
    """What a file descriptor stands for; empty if it is not open any more."""
    try:
        os.fstat(number)
        target = os.readlink(f"{folder}/{number}") if folder.startswith("/proc") else f"file descriptor {number}"  # noqa: PTH115
    except OSError:
        return ""
    if not target.startswith("socket:"):
        return target
    try:
        with socket.socket(fileno=os.dup(number)) as copy:
            return f"a socket ({copy.family.name}{_peer(copy)})"
    except OSError:
        return "a socket"


def _peer(connection: socket.socket) -> str:
    try:
        return f", connected to {connection.getpeername()}" if connection.getpeername() else ", connected"
    except OSError:
        return ""


if __name__ == "__main__":
    main(sys.argv[1])
