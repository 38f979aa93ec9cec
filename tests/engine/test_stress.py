"""Many hooks and hostile ones: nothing deadlocks, nothing is lost from the report."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading

from snapstart_hooks import Outcome, Phase, Registry


def in_a_process(code: str, *, expect: int = 0) -> str:
    """Run hostile code where it can harm nobody; bounded, so that a deadlock is a failure."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == expect, done.stderr
    return done.stdout + done.stderr


def test_ten_thousand_hooks_of_every_kind() -> None:
    registry = Registry()

    async def awaited() -> None:
        return None

    for number in range(10_000):
        options = registry.after_restore(priority=number % 7, concurrent=number % 3 == 0, name=f"hook-{number}")
        options(awaited if number % 5 == 0 else lambda: None)
    assert registry.run_before_snapshot().results == ()
    report = registry.run_after_restore()
    assert report.ok
    assert [result.hook for result in report.results] == list(registry.plan(Phase.AFTER_RESTORE))
    assert {result.hook.name for result in report.results} == {f"hook-{number}" for number in range(10_000)}


def test_two_hundred_threads_register_while_phases_run() -> None:
    registry, start, ran = Registry(), threading.Event(), list[int]()

    def register(number: int) -> None:
        start.wait()
        registry.register_after_restore(ran.append, number)

    threads = [threading.Thread(target=register, args=(number,)) for number in range(200)]
    for thread in threads:
        thread.start()
    start.set()
    for _ in range(20):
        registry.run_after_restore()
    for thread in threads:
        thread.join()
    ran.clear()
    registry.run_after_restore()
    assert sorted(ran) == list(range(200))


def test_a_hook_that_forks_is_waited_for_and_its_child_can_use_threads() -> None:
    registry, codes = Registry(), list[int]()

    @registry.after_restore
    def fork() -> None:
        child = os.fork()
        if child == 0:
            other, done = Registry(), threading.Event()
            for _ in range(2):
                other.after_restore(concurrent=True)(done.set)
            os._exit(0 if other.run_after_restore().ok and done.is_set() else 1)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    for _ in range(2):  # so that workers exist in the parent when it forks
        registry.after_restore(concurrent=True, priority=-1)(lambda: None)
    assert in_fork_safe(registry)
    assert codes == [0]


def in_fork_safe(registry: Registry) -> bool:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of fork beside threads: the point of it
        return registry.run_after_restore().ok


def test_hooks_that_start_threads_close_stdout_and_replace_signal_handlers() -> None:
    out = in_a_process("""
        import signal, sys, threading, time
        from snapstart_hooks import after_restore, default_registry
        after_restore(lambda: threading.Thread(target=time.sleep, args=(60,), daemon=True).start())
        after_restore(lambda: sys.stdout.close())
        after_restore(lambda: signal.signal(signal.SIGALRM, signal.SIG_IGN))
        after_restore(timeout=0.1, required=False)(lambda: time.sleep(30))
        after_restore(lambda: sys.stderr.close())
        after_restore(lambda: 1 / 0)
        try:
            default_registry.run_after_restore()
        except Exception as error:
            report = default_registry.last_report
            sys.exit([str(r.outcome) for r in report.results] != ["ok"] * 3 + ["timed out", "ok", "failed"])
    """)
    assert out == ""


def test_hooks_that_exhaust_memory_and_the_stack_are_told() -> None:
    out = in_a_process("""
        import resource
        from snapstart_hooks import after_restore, default_registry
        limit = 2 << 30
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        @after_restore
        def hoard(): bytearray(4 << 30)
        @after_restore
        def recurse(): recurse()
        @after_restore
        def fine(): print("fine")
        try:
            default_registry.run_after_restore()
        except Exception as error:
            print([type(e).__name__ for e in error.exceptions])
    """)
    assert "fine" in out
    assert "['MemoryError', 'RecursionError']" in out


def test_hooks_that_hang_on_workers_do_not_keep_the_process_alive() -> None:
    in_a_process("""
        import threading
        from snapstart_hooks import after_restore, default_registry
        for _ in range(40):
            after_restore(concurrent=True, timeout=0.1, required=False)(threading.Event().wait)
        report = default_registry.run_after_restore()
        assert [r.outcome for r in report.results] == ["timed out"] * 40, report
    """)


def test_an_interrupt_of_a_batch_leaves_the_rest_unstarted() -> None:
    out = in_a_process("""
        import os, signal, threading, time
        from snapstart_hooks import after_restore, default_registry
        release = threading.Event()
        after_restore(concurrent=True, name="a")(lambda: release.wait(30))
        after_restore(concurrent=True, name="b")(lambda: os.kill(os.getpid(), signal.SIGINT))
        after_restore(name="c", priority=5)(lambda: None)
        try:
            default_registry.run_after_restore()
        except KeyboardInterrupt:
            print({r.hook.name: str(r.outcome) for r in default_registry.last_report.results})
    """)
    assert "'a': 'failed'" in out
    assert "'c': 'not started'" in out


def test_the_default_action_of_an_alarm_never_strikes() -> None:
    registry = Registry()
    registry.after_restore(timeout=30.0)(lambda: signal.signal(signal.SIGALRM, signal.SIG_DFL))
    (result,) = registry.run_after_restore().results
    assert result.outcome is Outcome.OK
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
