"""Threads that exist before the snapshot is taken, and wait.

Starting a thread costs little, but on the restore path nothing is done that could
have been done before.  All registries of a process share the one pool.
"""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("LIMIT", "Workers", "workers")

LIMIT: Final = 32
"""How many sync hooks of one batch overlap at the most."""


class Workers:
    """Daemon threads that each run one job at a time; one that hangs is simply not waited for."""

    __slots__ = ("_idle", "_jobs", "_lock")

    def __init__(self) -> None:
        self._fresh()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.reset)

    def _fresh(self) -> None:
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._idle = 0

    def reset(self) -> None:
        """Forget all threads: they do not exist in this process.

        For a forked child, and for a clone of the local SnapStart, where no
        at-fork handler runs.  A real restore keeps the threads.
        """
        self._fresh()

    def ensure(self, idle: int) -> None:
        """Start threads until `idle` of them wait for a job."""
        with self._lock:
            while self._idle < idle:
                self._start()

    def submit(self, job: Callable[[], object]) -> None:
        """Run `job`, which raises nothing, on an idle thread, or on a new one if all are busy."""
        with self._lock:
            if not self._idle:
                self._start()
            self._idle -= 1
        self._jobs.put(job)

    def _start(self) -> None:
        threading.Thread(target=self._work, args=(self._jobs,), name="snapstart_hooks", daemon=True).start()
        self._idle += 1

    def _work(self, jobs: SimpleQueue[Callable[[], object]]) -> None:
        while True:
            job = jobs.get()
            job()
            del job  # the hook's objects must not live until the next job comes
            with self._lock:
                self._idle += 1


workers: Final = Workers()
