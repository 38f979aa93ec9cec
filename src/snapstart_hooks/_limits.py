"""Time: until when what may run, who notices that it is over, and what ends a hook then.

An async hook is cancelled and one on a worker thread is left behind, by those who wait for
them.  A hook on the main thread is interrupted by a signal, from a thread that keeps watch.
Not by an interval timer: there is one in a process, hooks set and clear it as they like, and
its signal kills the process where a hook has left the default handler.  The signal used here
is one that nobody else uses, and is sent only when a limit is over.

The watch costs a restore nothing: its thread was started before the snapshot, looks by itself
every second whether a phase has begun, and rests again when that is over.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import traceback
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final, Self, cast

from ._foreign import after_fork, coroutine, is_a, tried
from .errors import HookTimeout

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, CoroutineType, FrameType

    from ._hook import Hook

__all__ = ("GRACE", "NEVER", "SHARE", "SIGNAL", "HookInterrupted", "Limits", "stack_of", "watch")

GRACE: Final = 0.1
"""Seconds that a cancelled hook has for its clean-up before it is left behind."""

NEVER: Final = sys.maxsize
"""A moment on the clock of `time.perf_counter_ns` that does not come."""

_AGAIN_NS: Final = 50_000_000
"""Nanoseconds between further interruptions, for a hook that swallows the first."""

_DOUBTFUL: Final = 2
"""Interruptions after which it is asked why none has arrived."""

_LOOK_NS: Final = 1_000_000_000
"""Nanoseconds between looks for a phase that has begun, while one is expected."""

SHARE: Final = 0.8
"""Of the budget: when this much is used up, it is told what is running."""

SIGNAL: Final[int] = (
    0 if not hasattr(signal, "pthread_kill") else signal.SIGRTMAX - 7 if hasattr(signal, "SIGRTMAX") else signal.SIGURG
)
"""What interrupts: a real-time signal, else one that is ignored by default; 0 if threads cannot be sent any."""


class HookInterrupted(BaseException):
    """Raised in a hook that swallowed `HookTimeout`, where ``except Exception`` cannot."""


class Limits:
    """The limits of one run of a phase; inside its ``with`` block they are watched.

    Attributes:
        deadline_ns: When its budget is used up, or the time of the hook that runs it,
            on the clock of `time.perf_counter_ns`; `NEVER` without.
        end_ns: When what runs now on this thread has to end.
        interrupts: Whether a hook that runs on this thread can be interrupted.
        thread: The ident of the thread that runs the phase.
    """

    __slots__ = (
        "_bark",
        "_bark_ns",
        "_interruptible",
        "_raised",
        "_rung",
        "_struck",
        "deadline_ns",
        "end_ns",
        "interrupts",
        "thread",
    )

    def __init__(
        self,
        begin_ns: int,
        budget: float | None,
        *,
        bark: Callable[[], None],
        interruptible: Callable[[FrameType], bool],
    ) -> None:
        """Begin at `begin_ns`.

        Args:
            begin_ns: On the clock of `time.perf_counter_ns`.
            budget: Seconds for the phase; ``None`` for no limit.
            bark: Called on the watch's thread when most of the budget is used up.
            interruptible: Whether what runs in a frame of this thread may be interrupted.
        """
        self.thread: Final = threading.get_ident()
        # A phase that a hook runs has no more time than that hook.
        outer = min((each.end_ns for each in watch.active if each.thread == self.thread), default=NEVER)
        own = NEVER if budget is None else begin_ns + int(budget * 1e9)
        self.deadline_ns: Final = min(own, outer)
        self.end_ns: int = self.deadline_ns
        self.interrupts: Final = watch.listen()
        self._bark: Final = bark
        self._bark_ns = NEVER if budget is None else begin_ns + int(budget * SHARE * 1e9)
        self._interruptible: Final = interruptible
        self._struck: int = 0
        self._raised: int = 0
        self._rung: bool = False

    def __enter__(self) -> Self:
        watch.enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        watch.leave(self)

    def limit(self, hook: Hook, since_ns: int) -> int:
        """When `hook`, which began then, has to end: by its own timeout, or with the budget."""
        if hook.timeout is None:
            return self.deadline_ns
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

    # On the watch's thread.

    def next_ns(self) -> int:
        """When there is something to do."""
        return min(self._bark_ns, self.end_ns + self._struck * _AGAIN_NS if self.interrupts else NEVER)

    def act(self, now_ns: int) -> None:
        """Do what is due."""
        if now_ns >= self._bark_ns:
            self._bark_ns = NEVER
            # Not here: the hook that hangs may hold what a log handler waits for.
            threading.Thread(target=self._bark, name="snapstart_hooks", daemon=True).start()
        if self.interrupts and now_ns >= self.end_ns:
            self._struck = (now_ns - self.end_ns) // _AGAIN_NS + 1
            _strike(self.thread, doubtful=self._struck > _DOUBTFUL and not self._rung)

    # In the signal's handler, on the main thread.

    def interrupt(self, frame: FrameType | None) -> None:
        """Raise in the hook that runs, if its time is over.

        Raises:
            HookTimeout: For the first time.
            HookInterrupted: From then on.
        """
        self._rung = True
        if frame is not None and perf_counter_ns() >= self.end_ns and self._interruptible(frame):
            self._raised += 1
            raise HookTimeout if self._raised == 1 else HookInterrupted


class _Watch:
    """One thread that looks after all phases of this process that have limits.

    Attributes:
        active: The limits of the phases that run, an inner one behind that of the hook that runs it.
    """

    __slots__ = ("_bell", "_expecting", "_thread", "_wakes_ns", "active")

    def __init__(self) -> None:
        self.reset()
        after_fork(self.reset)

    def reset(self) -> None:
        """Forget the thread: it does not exist in this process."""
        self.active: tuple[Limits, ...] = ()
        self._thread: threading.Thread | None = None
        self._bell = threading.Lock()
        self._bell.acquire()
        self._expecting = False
        self._wakes_ns = NEVER

    def expect(self) -> None:
        """Before the snapshot: a phase with limits begins after it, and nothing should have to be started then."""
        self._expecting = True
        self.listen()
        self._start()
        self.wake_before(perf_counter_ns() + _LOOK_NS)

    def listen(self) -> bool:
        """Be ready to be interrupted, and tell whether that is possible: on the main thread alone."""
        if not SIGNAL or threading.current_thread() is not threading.main_thread():
            return False
        # The main thread of another interpreter than the first may not.
        return signal.getsignal(SIGNAL) is _rung or tried(lambda: signal.signal(SIGNAL, _rung))[1] is None

    def enter(self, limits: Limits) -> None:
        """Look after these limits, too."""
        self.active = (*self.active, limits)
        self._start()
        self.wake_before(limits.next_ns())

    def leave(self, limits: Limits) -> None:
        """These are over."""
        self.active = tuple(each for each in self.active if each is not limits)
        self._expecting = False

    def wake_before(self, moment_ns: int) -> None:
        """See to it that the thread looks before `moment_ns`; it is woken only if it would not by itself."""
        if moment_ns < self._wakes_ns and self._bell.locked():
            with contextlib.suppress(RuntimeError):  # another thread has just rung
                self._bell.release()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, args=(self._bell,), name="snapstart_hooks", daemon=True)
            self._thread.start()

    def _watch(self, bell: threading.Lock) -> None:
        while True:
            self._wakes_ns = NEVER  # until it is known when: whoever changes something meanwhile rings
            now = perf_counter_ns()
            for limits in self.active:
                if now >= limits.next_ns():
                    limits.act(now)
            wakes = min((limits.next_ns() for limits in self.active), default=NEVER)
            if self._expecting:
                wakes = min(wakes, now + _LOOK_NS)
            self._wakes_ns = wakes
            wait = min(max((wakes - perf_counter_ns()) / 1e9, 0.0), threading.TIMEOUT_MAX)
            bell.acquire(timeout=-1 if wakes == NEVER else wait)


watch: Final = _Watch()
"""Of this process; it has a thread as soon as a limit needs one."""


def _rung(_signum: int, frame: FrameType | None) -> None:
    """The signal's handler: the outermost hook whose time is over is the one that has to end."""
    for limits in watch.active:
        limits.interrupt(frame)


def _strike(thread: int, *, doubtful: bool) -> None:
    """Interrupt the main thread, from another one.

    Args:
        thread: Its ident.
        doubtful: Whether signals were sent and none arrived.
    """
    if signal.getsignal(SIGNAL) is _rung and not (doubtful and _blocked(threading.main_thread().native_id)):
        signal.pthread_kill(thread, SIGNAL)
        return
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
    """The stack of a running hook, from the hook on.

    Args:
        where: The ident of its thread, or the coroutine that is awaited.
        below: The code that calls a hook: what it has called is told.
    """
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
