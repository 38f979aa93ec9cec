"""Functions that fail, hang or crash: each is reported for what it is, and harms no other."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING

import pytest
from testing.clone_helpers import marked, possible, write_function

from snapstart_hooks.testing import ClonesFailed, clones
from snapstart_hooks.testing._inside.processes.stacks import end_with_stack, read_stack, stack_file

if TYPE_CHECKING:
    from pathlib import Path

    from snapstart_hooks.testing import CloneRun


@pytest.fixture(name="backend", params=["criu", "namespace", "fork"])
def each_backend(request: pytest.FixtureRequest) -> str:
    return possible(str(request.param))


def run(tmp_path: Path, backend: str, source: str, *, n: int = 2, timeout: float = 20, **options: object) -> CloneRun:
    write_function(tmp_path, source)
    return clones(n, "app.handler", task_root=tmp_path, backend=backend, timeout=timeout, **options)  # type: ignore[arg-type]


# Before the snapshot.


def test_a_handler_that_cannot_be_imported(tmp_path: Path, backend: str) -> None:
    failed = run(tmp_path, backend, "import no_such_module")
    assert failed.clones == ()
    assert failed.snapshot.exit_code == 1
    assert failed.snapshot.error is not None
    assert failed.snapshot.error.kind == "Runtime.ImportModuleError"
    assert "No module named 'no_such_module'" in failed.snapshot.error.message
    assert "[ERROR] Runtime.ImportModuleError" in failed.snapshot.stdout
    with pytest.raises(ClonesFailed, match=r"before the snapshot: .*no_such_module"):
        failed.check()


def test_a_handler_that_is_not_there(tmp_path: Path, backend: str) -> None:
    failed = run(tmp_path, backend, "pass")
    assert failed.snapshot.error is not None
    assert failed.snapshot.error.kind == "Runtime.HandlerNotFound"


def test_a_before_snapshot_hook_that_raises(tmp_path: Path, backend: str) -> None:
    failed = run(
        tmp_path,
        backend,
        """\
        from snapstart_hooks import before_snapshot
        @before_snapshot
        def close_pool(): raise OSError("still in use")
        def handler(event, context): pass
        """,
    )
    assert failed.snapshot.exit_code == 64
    assert failed.snapshot.error is not None
    assert failed.snapshot.error.kind == "Runtime.BeforeSnapshotError"
    assert "close_pool" in failed.snapshot.error.message
    assert "still in use" in failed.snapshot.error.message
    assert failed.snapshot.before_report is not None
    assert failed.snapshot.before_report["ok"] is False
    assert failed.clones == ()


def test_an_initialisation_that_ends_the_process(tmp_path: Path, backend: str) -> None:
    failed = run(tmp_path, backend, "import os; os._exit(0)")
    (failure,) = failed.failures
    assert failure.startswith("before the snapshot: Runtime.ExitError: ")
    assert "ended by itself, with exit code 0" in failure


def test_an_initialisation_that_crashes(tmp_path: Path, backend: str) -> None:
    failed = run(tmp_path, backend, "import ctypes\ndef crash(): ctypes.string_at(0)\ncrash()")
    assert failed.snapshot.signal == "SIGSEGV"
    assert "in crash" in failed.snapshot.stack


@pytest.mark.once
def test_an_initialisation_that_hangs(tmp_path: Path, backend: str) -> None:
    failed = run(tmp_path, backend, "import time\ndef wait(): time.sleep(1000)\nwait()", init_timeout=2)
    assert failed.snapshot.timed_out
    assert "in wait" in failed.snapshot.stack
    assert "was ended" in failed.failures[0]


# In a clone.


def test_an_after_restore_hook_that_raises(tmp_path: Path, backend: str) -> None:
    failed = run(
        tmp_path,
        backend,
        """\
        from snapstart_hooks import after_restore
        @after_restore
        def reconnect(): raise ConnectionError("no route")
        @after_restore
        def other(): pass
        def handler(event, context): pass
        """,
    )
    assert failed.snapshot.ok
    for clone in failed.clones:
        assert clone.exit_code == 65
        assert clone.invocations == ()
        assert clone.error is not None
        assert clone.error.kind == "Runtime.AfterRestoreError"
        assert "reconnect" in clone.error.message
        assert any('raise ConnectionError("no route")' in line for line in clone.error.stack)
        assert clone.after_report is not None
        assert [hook["outcome"] for hook in clone.after_report["hooks"]] == ["failed", "ok"]


def test_a_handler_that_raises(tmp_path: Path, backend: str) -> None:
    failed = run(
        tmp_path, backend, "import logging\ndef handler(e, c):\n  logging.error('oh')\n  raise KeyError('name')", n=1
    )
    (clone,) = failed.clones
    (invocation,) = clone.invocations
    assert invocation.error is not None
    assert (invocation.error.type, invocation.error.message) == ("KeyError", "'name'")
    assert "app.py" in invocation.error.stack[0]
    assert clone.exit_code == 0  # the environment goes on
    assert f"{invocation.request_id}\toh\n" in clone.stdout
    assert "[ERROR] KeyError: 'name'" in clone.stdout


def test_an_answer_that_json_cannot_hold(tmp_path: Path, backend: str) -> None:
    failed = run(tmp_path, backend, "def handler(e, c): return {1, 2}", n=1)
    error = failed.clones[0].invocations[0].error
    assert error is not None
    assert error.type == "Runtime.MarshalError"


def test_a_handler_that_exits(tmp_path: Path, backend: str) -> None:
    failed = run(tmp_path, backend, "import sys\ndef handler(e, c): sys.exit('enough')", n=1)
    (clone,) = failed.clones
    assert clone.exit_code == 1
    assert clone.invocations[0].error is not None
    assert clone.invocations[0].error.type == "Runtime.ExitError"
    assert clone.stderr == "enough\n"


def test_one_that_hangs_or_crashes_does_not_harm_the_others(tmp_path: Path, backend: str) -> None:
    # Clones of one snapshot differ in nothing but what the kernel tells them: they take a number.
    result = run(
        tmp_path,
        backend,
        f"""\
        import ctypes, os, time
        def numbered():
            with open({str(tmp_path / "count")!r}, "ab", buffering=0) as file:
                os.lockf(file.fileno(), os.F_LOCK, 0)
                file.write(b".")
                return file.tell() - 1
        def hang(): time.sleep(1000)
        def crash(): ctypes.string_at(0)
        def handler(event, context):
            print("hello", flush=True)
            number = numbered()
            if number == 1: hang()
            if number == 2: crash()
            if number == 3: os._exit(9)
            return number
        """,
        n=6,
        timeout=5,
        parallel=6,
    )
    hung = [clone for clone in result.clones if clone.timed_out]
    assert len(hung) == 1
    assert "in hang" in hung[0].stack
    assert hung[0].failure is not None
    assert "still running after" in hung[0].failure
    crashed = [clone for clone in result.clones if clone.signal == "SIGSEGV"]
    assert len(crashed) == 1
    assert "in crash" in crashed[0].stack
    (left,) = [clone for clone in result.clones if clone.exit_code == 9]
    assert left.failure is not None
    assert "exit code 9" in left.failure
    assert {clone.response for clone in result.clones if clone.ok} == {0, 4, 5}
    assert all(clone.stdout.startswith("hello\n") for clone in result.clones)


INTERRUPTED = """\
import ctypes, os, signal, sys, time
from snapstart_hooks.testing._inside.kernel.linux import die_with_parent, libc
from snapstart_hooks.testing._inside.processes.criu import _pass_on
from snapstart_hooks.testing._inside.processes.stacks import SIGNAL
file = int(sys.argv[1])
@ctypes.CFUNCTYPE(None, ctypes.c_int)
def write(number):
    os.write(file, b"begun, ")
    time.sleep(0.1)  # others have the processor
    os.write(file, b"ended")
if sys.argv[2] == "child" and (pid := os.fork()):
    _pass_on(pid)
else:
    die_with_parent(signal.SIGKILL)
    libc.signal(SIGNAL, write)
print(flush=True)  # whoever has to be ready for the signal is
while True:
    time.sleep(1000)
"""


@pytest.mark.once
@pytest.mark.parametrize("who", ["itself", "child"])
def test_a_stack_is_written_to_its_end_by_who_has_to_wait_for_a_processor(who: str) -> None:
    file = stack_file()
    command = [sys.executable, "-c", INTERRUPTED, str(file), who]
    with subprocess.Popen(command, pass_fds=[file], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(1 if who == "itself" else 2):
            process.stdout.readline()
        end_with_stack(process.pid, file)
    assert read_stack(file) == "begun, ended"
    os.close(file)


def test_output_of_each_clone_is_its_own(tmp_path: Path, backend: str) -> None:
    result = run(
        tmp_path,
        backend,
        """\
        import os, subprocess, sys
        print("init")
        def handler(event, context):
            print("out")
            print("err", file=sys.stderr)
            os.write(1, b"raw\\n")
            subprocess.run(["echo", "child"])
        """,
    )
    assert result.snapshot.stdout == "init\n"
    for clone in result.clones:
        assert clone.stdout == "out\nraw\nchild\n"
        assert clone.stderr == "err\n"


def test_endless_output_is_cut(tmp_path: Path, backend: str) -> None:
    result = run(tmp_path, backend, "def handler(e, c):\n  for _ in range(300): print('x' * 9999)", n=1)
    (clone,) = result.clones
    assert clone.ok
    assert len(clone.stdout) < 1_100_000
    assert clone.stdout.endswith("[1951424 more bytes were written]\n")


def test_binary_answers_and_numbers_that_json_does_not_know(tmp_path: Path, backend: str) -> None:
    assert run(tmp_path, backend, "def handler(e, c): return b'\\xff'", n=1).responses == [b"\xff"]
    assert math.isnan(run(tmp_path, backend, "def handler(e, c): return float('nan')", n=1).responses[0])


def test_closing_everything_does_not_hang_the_run(tmp_path: Path, backend: str) -> None:
    result = run(tmp_path, backend, "import os\ndef handler(e, c): os.closerange(3, 1000)", n=2)
    assert len(result.clones) == 2
    assert not result.ok  # it cannot say how it went, and that is said


def test_threads_busy_in_python_at_the_snapshot_do_not_hang_a_clone(tmp_path: Path, backend: str) -> None:
    result = run(
        tmp_path,
        backend,
        """\
        import hashlib, threading
        def spin():
            while True: sum(range(1000))
        def hash():  # without the interpreter lock
            while True: hashlib.sha256(bytes(1 << 25))
        for target in (spin, spin, hash): threading.Thread(target=target, daemon=True, name="busy").start()
        def handler(event, context):
            done = []
            workers = [threading.Thread(target=lambda: done.append(sum(range(200_000)))) for _ in range(4)]
            for worker in workers: worker.start()
            for worker in workers: worker.join()
            return len(done)
        """,
        n=8,
    )
    assert result.responses == [4] * 8
    assert result.snapshot.threads == (() if backend == "criu" else ("busy",) * 3)  # those that are not in the clones


def test_a_function_that_counts_on_the_end_of_its_children(tmp_path: Path, backend: str) -> None:
    result = run(
        tmp_path,
        backend,
        """\
        import signal, subprocess
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        def handler(event, context): return "ok"
        """,
    )
    assert result.responses == ["ok", "ok"]


def test_nothing_is_left_when_the_caller_is_interrupted(tmp_path: Path, backend: str) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    mark = f"MARK={uuid.uuid4()}"
    with pytest.raises(KeyboardInterrupt):
        run(
            tmp_path,
            backend,
            "import time\ndef handler(event, context): time.sleep(1000)",
            on_progress=interrupt,
            environment=dict([mark.split("=")]),
        )
    assert marked(mark) == []
