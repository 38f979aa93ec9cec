"""Nothing of a run is left, and where clones cannot be made that is said."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
from testing.clone_functions import nothing
from testing.clone_helpers import marked, namespace_only, possible, write_function

from snapstart_hooks.testing import CloneError, CloneUnsupported, clones


@pytest.fixture(name="backend", params=["criu", "namespace", "fork"])
def each_backend(request: pytest.FixtureRequest) -> str:
    return possible(str(request.param))


CHILDREN = """\
    import os, subprocess, sys, time
    forever = [sys.executable, "-c", "import time; time.sleep(1000)"]
    subprocess.Popen(forever)
    subprocess.Popen(forever, start_new_session=True)
    subprocess.run([sys.executable, "-c", f"import subprocess; subprocess.Popen({forever!r}, start_new_session=True)"])
    def handler(event, context):
        subprocess.Popen(forever, start_new_session=True)
        open("started", "a").write(".")
        if event == "hang": time.sleep(1000)
"""


def open_files() -> set[tuple[str, str]]:
    """The descriptors of this process, and what they are."""
    found: set[tuple[str, str]] = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the one that reads the directory
            found.add((entry.name, str(entry.readlink())))
    return found


def children() -> set[str]:
    """The processes that are this one's own."""
    found: set[str] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if stat.read_text().rpartition(")")[2].split()[1] == str(os.getpid()):
                found.add(stat.parent.name)
    return found


@pytest.mark.parametrize("event", ["end", "hang"])
def test_no_process_descriptor_thread_or_file_is_left(
    tmp_path: Path, backend: str, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    mark = f"MARK={uuid.uuid4()}"
    write_function(tmp_path, CHILDREN)
    before = open_files(), {*threading.enumerate()}, children()  # those that other tests have left may end
    run = clones(
        2,
        "app.handler",
        event=event,
        task_root=tmp_path,
        environment=dict([mark.split("=")]),
        timeout=3 if event == "hang" else 60,
        backend=backend,  # type: ignore[arg-type]
    )
    assert event == "hang" or (tmp_path / "started").read_text() == ".."
    assert all(clone.timed_out is (event == "hang") for clone in run.clones)
    assert marked(mark) == []
    assert children() <= before[2]
    assert list(temporary.iterdir()) == []
    gc.collect()
    assert open_files() <= before[0]
    assert {*threading.enumerate()} <= before[1]


def test_nothing_is_left_when_the_keeper_is_killed(tmp_path: Path, backend: str) -> None:
    mark = f"MARK={uuid.uuid4()}"
    write_function(tmp_path, "import time\ndef handler(e, c): time.sleep(1000)")
    me = os.getpid()

    def kill_keeper(_: object) -> None:
        for child in Path(f"/proc/{me}/task/{threading.get_native_id()}/children").read_text().split():
            if b"_snapstart_inside" in Path("/proc", child, "cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)

    begin = time.monotonic()
    with pytest.raises(CloneError, match="did not work"):
        clones(
            2,
            "app.handler",
            task_root=tmp_path,
            environment=dict([mark.split("=")]),
            backend=backend,  # type: ignore[arg-type]
            timeout=500,
            on_progress=kill_keeper,
        )
    assert time.monotonic() - begin < 400  # at once, and not when the clones' time is over
    deadline = time.monotonic() + 60
    while marked(mark) and time.monotonic() < deadline:
        os.sched_yield()  # they are dying
    assert marked(mark) == []


def test_the_marks_would_be_found() -> None:
    mark = f"MARK={uuid.uuid4()}"
    command = [sys.executable, "-c", "print(flush=True); input()"]
    environment = dict([mark.split("=")])
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()  # it has begun
        assert marked(mark)
        process.stdin.write(b"\n")


# Where it is forbidden.

FORBID = """\
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
user, group = os.getuid(), os.getgid()
assert libc.unshare(0x10000000) == 0, ctypes.get_errno()  # a user namespace whose limits are ours to set
def write(path, text):
    with open(path, "w") as file:
        file.write(text)
write("/proc/self/setgroups", "deny")
write("/proc/self/uid_map", f"{user} {user} 1")
write("/proc/self/gid_map", f"{group} {group} 1")
write(f"/proc/sys/user/{sys.argv[1]}", "0")
if sys.argv[2] == "drop":
    assert libc.prctl(24, 21, 0, 0, 0) == 0  # PR_CAPBSET_DROP: what is executed has no CAP_SYS_ADMIN
from testing.clone_functions import nothing
from snapstart_hooks.testing import CloneUnsupported, clones
try:
    clones(1, nothing)
except CloneUnsupported as error:
    print(error)
clones(1, nothing, backend="fork").check()
"""


@pytest.mark.parametrize(
    ("limit", "capability", "reason"),
    [
        ("max_user_namespaces", "drop", "user namespaces are switched off: set the sysctl user.max_user_namespaces"),
        ("max_pid_namespaces", "drop", "PID namespaces are switched off: set the sysctl user.max_pid_namespaces"),
        ("max_pid_namespaces", "keep", "PID namespaces are switched off: set the sysctl user.max_pid_namespaces"),
    ],
)
def test_what_forbids_it_is_named(limit: str, capability: str, reason: str) -> None:
    namespace_only()
    done = subprocess.run(
        [sys.executable, "-c", FORBID, limit, capability],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert reason in done.stdout
    assert 'backend="fork"' in done.stdout


def test_other_systems_and_machines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    namespace_only()  # it is asked before the machine
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine="riscv64"))
    with pytest.raises(CloneUnsupported, match="known for x86-64 and arm64; this is riscv64"):
        clones(1, nothing)
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(CloneUnsupported, match=r"clones need Linux; this is darwin\. Run it in a Linux container"):
        clones(1, nothing)


def test_the_runtime_has_to_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(CloneUnsupported, match=r"the Lambda runtime.* pip install 'snapstart-hooks\[testing\]'"):
        clones(1, nothing)


def test_a_python_that_does_not_know_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(CloneUnsupported, match=r"sys\.executable is empty"):
        clones(1, nothing)
