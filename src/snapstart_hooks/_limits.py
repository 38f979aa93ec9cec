"""Time limits of hooks and phases, and the thread that interrupts a hook on the main thread.

The thread sends a real-time signal.  An interval timer would not do: a process has only one, hooks
use it themselves, and its signal ends the process where a hook has left the default handler.  The
thread is started before the snapshot, and looks every second whether a phase has begun, so that a
restore need not wake it.  (Async hooks are cancelled, and those on worker threads left behind, in
`_together`.)
"""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import traceback
from threading import TIMEOUT_MAX, Lock, Thread, current_thread, get_ident, main_thread
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final, cast

from ._foreign import after_fork, coroutine, error_text, is_a, tried
from ._report import tell
from .errors import HookTimeout

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, CoroutineType, FrameType

    from ._hook import Hook

GRACE: Final = 0.1
"""Seconds that a cancelled hook has for its clean-up before it is left behind."""

NEVER: Final = sys.maxsize
"""A moment on the clock of `time.perf_counter_ns`, as all of them here, that does not come."""

_AGAIN_NS: Final = 50_000_000
"""Nanoseconds between further interruptions, for a hook that swallows the first."""

_DOUBTFUL: Final = 2
"""Interruptions after which it is asked why none has arrived."""

_LOOK_NS: Final = 1_000_000_000
"""Nanoseconds between looks for a phase that has begun, while one is expected."""

SHARE: Final = 0.8
"""The share of the budget after which the running hooks are logged."""

SIGNAL: Final[int] = (
    0 if not hasattr(signal, "pthread_kill") else signal.SIGRTMAX - 7 if hasattr(signal, "SIGRTMAX") else signal.SIGURG
)
"""What interrupts: a real-time signal, else one that is ignored by default; 0 if threads cannot be sent any."""


class HookInterrupted(BaseException):
    """Raised in a hook that swallowed `HookTimeout`, where ``except Exception`` cannot."""


class Limits:
    """The limits of one run of a phase.  As soon as there is one, and until `close`, it is watched."""

    def __init__(
        self,
        budget: float | None,
        *,
        limited: bool,
        bark: Callable[[], None],
        interruptible: Callable[[FrameType], bool],
    ) -> None:
        """Prepare, on the thread that will run the phase; `limited` if the phase or a hook of it has a limit.

        `bark` is called on a thread of its own when most of the budget is used up.  A frame is interrupted
        only if it is `interruptible`.
        """
        self.thread: Final = get_ident()
        # Whether a hook that runs on that thread can be interrupted.
        self.interrupts = limited and watch.listen()
        # When the budget is used up, or the time of the hook that runs the phase; and when what runs now has to end.
        self.deadline_ns = self.end_ns = self._bark_ns = NEVER
        self.expected = False  # after the snapshot
        self._budget: Final = budget
        self._limited: Final = limited
        self._bark: Final = bark
        self._interruptible: Final = interruptible
        self._struck = self._raised = 0
        self._rung = self._watched = False

    def make_ready(self) -> None:
        """The phase will begin after the snapshot that is taken next: nothing should have to be started then."""
        if self._limited:
            # One that was expected and never came, as in tests, is forgotten.
            watch.active = tuple([each for each in watch.active if not each.expected])
            self.expected = True
            self._enter()

    def open(self, begin_ns: int) -> None:
        """The phase begins; if a hook runs it, it has no more time than that hook."""
        self.expected = False
        if self._budget is not None:
            self.deadline_ns = begin_ns + int(self._budget * 1e9)
            self._bark_ns = begin_ns + int(self._budget * SHARE * 1e9)
        for outer in watch.active:
            if outer.thread == self.thread and outer.end_ns < self.deadline_ns:
                self.deadline_ns = outer.end_ns
        self.end_ns = self.deadline_ns
        first = min(self._bark_ns, self.end_ns)
        if first < watch.wakes_ns or (first != NEVER and not self._watched):
            self._enter()

    def close(self) -> None:
        """The phase is over."""
        if self._watched:
            watch.active = tuple([each for each in watch.active if each is not self])

    def limit(self, hook: Hook, since_ns: int) -> int:
        """When `hook`, which began then, has to end: by its own timeout, or with the budget."""
        if hook.timeout is None:
            return self.deadline_ns
        if not self._watched:
            self._enter()
        return min(self.deadline_ns, since_ns + int(hook.timeout * 1e9))

    def over(self) -> bool:
        """Whether the budget is used up."""
        return perf_counter_ns() >= self.deadline_ns

    def expect(self, end_ns: int) -> None:
        """What now runs on this thread has to end at `end_ns`, or is interrupted."""
        self._struck = self._raised = 0
        self._rung = False
        self.end_ns = end_ns
        watch.wake_before(end_ns)

    def _enter(self) -> None:
        if not self._watched:
            self._watched = True
            self.interrupts = self.interrupts or watch.listen()
            watch.active = (*watch.active, self)
        watch.wake_before(self.next_ns(perf_counter_ns()))

    # On the watch's thread.

    def next_ns(self, now_ns: int) -> int:
        """When there is something to do; or to look, whether there is."""
        if self.expected:
            return now_ns + _LOOK_NS
        return min(self._bark_ns, self.end_ns + self._struck * _AGAIN_NS if self.interrupts else NEVER)

    def act(self, now_ns: int) -> None:
        """Do what is due."""
        if now_ns >= self._bark_ns:
            self._bark_ns = NEVER
            # Not here: the hook that hangs may hold what a log handler waits for.
            Thread(target=self._bark, name="snapstart_hooks", daemon=True).start()
        if self.interrupts and now_ns >= self.end_ns:
            self._struck = (now_ns - self.end_ns) // _AGAIN_NS + 1
            _strike(self.thread, doubtful=self._struck > _DOUBTFUL and not self._rung)

    # In the signal's handler, on the main thread.

    def interrupt(self, frame: FrameType | None) -> None:
        """Raise in the hook that runs, if its time is over; from the second time on what `Exception` does not catch."""
        self._rung = True
        if frame is not None and perf_counter_ns() >= self.end_ns and self._interruptible(frame):
            self._raised += 1
            raise HookTimeout if self._raised == 1 else HookInterrupted


class _Watch:
    """One thread that looks after all phases of this process that have limits."""

    def __init__(self) -> None:
        self.reset()
        after_fork(self.reset)

    def reset(self) -> None:
        """Forget the thread: it does not exist in this process."""
        # Those of the phases that run or are expected, an inner one behind that of the hook that runs it.
        self.active: tuple[Limits, ...] = ()
        self.wakes_ns = NEVER  # when the thread looks by itself
        self._thread: Thread | None = None
        self._bell = Lock()
        self._bell.acquire()

    def listen(self) -> bool:
        """Be ready to be interrupted, and tell whether that is possible: on the main thread alone."""
        if not SIGNAL or current_thread() is not main_thread():
            return False
        # The main thread of another interpreter than the first may not.
        return signal.getsignal(SIGNAL) is _rung or tried(lambda: signal.signal(SIGNAL, _rung))[1] is None

    def wake_before(self, moment_ns: int) -> None:
        """See to it that the thread looks before `moment_ns`; it is woken only if it would not by itself."""
        if self._thread is None and moment_ns < NEVER:
            _, error = tried(self._start)
            if error is not None:
                self._thread = None  # the next phase tries again
                tell(logging.WARNING, f"hooks are not stopped when their time is over: {error_text(error)}")
        elif moment_ns < self.wakes_ns and self._bell.locked():
            with contextlib.suppress(RuntimeError):  # another thread has just rung
                self._bell.release()

    def _start(self) -> None:
        self._thread = Thread(target=self._watch, args=(self._bell,), name="snapstart_hooks", daemon=True)
        self._thread.start()

    def _watch(self, bell: Lock) -> None:
        wait = 0.0
        while True:
            try:
                bell.acquire(timeout=wait)
                wait = _AGAIN_NS / 1e9
                wait = self._look()
            except BaseException:  # noqa: BLE001, S110 - as of a trace function for all threads: limits hold all the same
                pass

    def _look(self) -> float:
        """Do what is due; give the seconds until something may be, -1 for never."""
        self.wakes_ns = NEVER  # until it is known when: whoever changes something meanwhile rings
        now = perf_counter_ns()
        for limits in self.active:
            if now >= limits.next_ns(now):
                limits.act(now)
        wakes = self.wakes_ns = min((limits.next_ns(now) for limits in self.active), default=NEVER)
        return -1 if wakes >= NEVER else min(max((wakes - perf_counter_ns()) / 1e9, 0.0), TIMEOUT_MAX)


watch: Final = _Watch()
"""Of this process; it has a thread as soon as a limit needs one."""


def _rung(_signum: int, frame: FrameType | None) -> None:
    """The signal's handler: the outermost hook whose time is over is the one that has to end."""
    for limits in watch.active:
        limits.interrupt(frame)


def _strike(thread: int, *, doubtful: bool) -> None:
    """Interrupt the main thread, from another one; `doubtful` if signals were sent and none arrived."""

    def send() -> bool:
        sent = signal.getsignal(SIGNAL) is _rung and not (doubtful and _blocked(main_thread().native_id))
        if sent:
            signal.pthread_kill(thread, SIGNAL)
        return sent

    if not tried(send)[0]:
        # A hook has taken even this signal away: what is left reaches Python code, but no system call.
        import ctypes

        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(HookInterrupted))


def _blocked(thread: int | None) -> bool:
    """Whether a thread does not take our signal; only Linux tells that of another one."""

    def mask() -> int:
        with open(f"/proc/self/task/{thread}/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            return int(next(line.split()[1] for line in file if line.startswith("SigBlk:")), 16)

    return bool((tried(mask)[0] or 0) >> (SIGNAL - 1) & 1)


def stack_of(where: int | CoroutineType[object, object, object], *, below: CodeType) -> str:
    """The stack of what `below` has called: on the thread of that ident, or of the coroutine that is awaited."""
    if is_a(where, int):
        frame = sys._current_frames().get(where)  # noqa: SLF001 - documented
        walked = [] if frame is None else list(traceback.walk_stack(frame))
        calls = [index for index, (each, _) in enumerate(walked) if each.f_code is below]
        frames = walked[: calls[0]] if calls else walked
        frames.reverse()
    else:
        frames = cast("list[tuple[FrameType, int]]", [])
        awaited = coroutine(where)
        while awaited is not None and awaited.cr_frame is not None:
            frames.append((awaited.cr_frame, awaited.cr_frame.f_lineno))
            awaited = coroutine(awaited.cr_await)
    return "".join(traceback.format_list(traceback.StackSummary.extract(iter(frames))))
