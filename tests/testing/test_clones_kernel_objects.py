"""What a clone would share with others through the kernel, and a resumed VM does not.

The clones run one after the other: each must find what the snapshot held, and not what
the one before left.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import pytest
from testing.clone_functions import nothing
from testing.clone_helpers import possible, write_function

from snapstart_hooks.testing import clones

if TYPE_CHECKING:
    from collections.abc import Callable

    Run: TypeAlias = Callable[[str], list[object]]


@pytest.fixture(params=["criu", "namespace"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Literal["criu", "namespace"]:
    return "criu" if possible(str(request.param)) == "criu" else "namespace"


@pytest.fixture
def one_after_the_other(tmp_path: Path, backend: Literal["criu", "namespace"]) -> Callable[[str], list[object]]:
    def run(source: str) -> list[object]:
        write_function(tmp_path, source)
        return clones(3, "app.handler", task_root=tmp_path, parallel=1, timeout=20, backend=backend).responses

    return run


def test_position_in_a_file(one_after_the_other: Run, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("one\ntwo\nthree\n")
    source = """\
        file = open("data", buffering=0, mode="rb")
        file.read(4)
        def handler(event, context):
            return file.read().decode()
    """
    assert one_after_the_other(source) == ["two\nthree\n"] * 3


def test_a_deleted_temporary_file(one_after_the_other: Run, tmp_path: Path) -> None:
    source = """\
        import tempfile
        file = tempfile.TemporaryFile()
        file.write(b"kept")
        file.flush()
        def handler(event, context):
            file.seek(0)
            return file.read().decode()
    """
    assert one_after_the_other(source) == ["kept"] * 3


def test_a_database_in_tmp_is_the_same_file(one_after_the_other: Run) -> None:
    # SQLite refuses to write to what has another number than when it was opened: somebody might have replaced it.
    source = """\
        import os, secrets, sqlite3
        folder = f"/tmp/{secrets.token_hex(8)}/deeper"
        os.makedirs(folder)
        for name in "abc":
            open(f"{folder}/{name}", "w").close()
        os.unlink(f"{folder}/b")
        database = sqlite3.connect(f"{folder}/orders.db")
        database.execute("CREATE TABLE orders (number)")
        def handler(event, context):
            with database:
                database.execute("INSERT INTO orders VALUES (1)")
            return database.execute("SELECT count(*) FROM orders").fetchone()[0]
    """
    assert one_after_the_other(source) == [1] * 3


def test_a_database_that_lay_in_tmp_before_the_run_is_the_same_file(one_after_the_other: Run) -> None:
    below = Path(tempfile.mkdtemp(prefix="below-", dir="/tmp"))
    try:
        with contextlib.closing(sqlite3.connect(below / "orders.db")) as database:
            database.execute("CREATE TABLE orders (number)")
        source = f"""\
            import sqlite3
            database = sqlite3.connect("{below}/orders.db")
            database.execute("SELECT count(*) FROM orders").fetchone()
            def handler(event, context):
                with database:
                    database.execute("INSERT INTO orders VALUES (1)")
                return database.execute("SELECT count(*) FROM orders").fetchone()[0]
        """  # noqa: S608 - the source of a function
        assert one_after_the_other(source) == [1] * 3
    finally:
        shutil.rmtree(below)


@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM", "SOCK_SEQPACKET"])
def test_socket_pair(one_after_the_other: Run, tmp_path: Path, kind: str) -> None:
    source = f"""\
        import socket
        one, other = socket.socketpair(socket.AF_UNIX, socket.{kind})
        one.setblocking(False)
        other.setblocking(False)
        one.send(b"before;")
        def handler(event, context):
            one.send(b"mine;")
            got = b""
            while True:
                try:
                    got += other.recv(100)
                except BlockingIOError:
                    break
            one.send(b"left behind")
            return got.decode()
    """
    assert one_after_the_other(source) == ["before;mine;"] * 3


def test_pipe(one_after_the_other: Run, tmp_path: Path) -> None:
    source = """\
        import os
        read, write = os.pipe()
        copy = os.dup(write)
        os.set_blocking(read, False)
        os.write(write, b"before;")
        def handler(event, context):
            os.write(copy, b"mine;")
            got = os.read(read, 100)
            os.write(write, b"left behind")
            return got.decode(), os.get_blocking(read), os.get_inheritable(read)
    """
    assert one_after_the_other(source) == [["before;mine;", False, False]] * 3


def test_event_descriptor(one_after_the_other: Run, tmp_path: Path) -> None:
    source = """\
        import os
        fd = os.eventfd(3, os.EFD_NONBLOCK)
        def handler(event, context):
            os.eventfd_write(fd, 10)
            got = os.eventfd_read(fd)
            os.eventfd_write(fd, 99)
            return got
    """
    assert one_after_the_other(source) == [13] * 3


def test_epoll_set(one_after_the_other: Run, tmp_path: Path) -> None:
    source = """\
        import os, select, socket
        one, other = socket.socketpair()
        outside = socket.create_server(("127.0.0.1", 0))
        epoll = select.epoll()
        epoll.register(other, select.EPOLLIN | select.EPOLLET)
        epoll.register(outside, select.EPOLLIN)
        def handler(event, context):
            one.send(b"x")
            seen = [fd == other.fileno() and events == select.EPOLLIN for fd, events in epoll.poll(5)]
            seen.append(epoll.poll(0))  # told once: edge-triggered
            epoll.unregister(other)
            epoll.unregister(outside)
            return seen
    """
    assert one_after_the_other(source) == [[True, []]] * 3


def test_an_event_loop_of_clones_that_run_at_the_same_time(one_after_the_other: Run, tmp_path: Path) -> None:
    write_function(
        tmp_path,
        """\
        import asyncio, os, threading
        loop = asyncio.new_event_loop()
        loop.run_until_complete(asyncio.sleep(0))
        async def echo(reader, writer):
            while data := await reader.read(100):
                writer.write(data)
            writer.close()
        async def work():
            server = await asyncio.start_server(echo, "127.0.0.1", 0)
            mine = os.urandom(8)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            woken = asyncio.Event()
            for _ in range(200):
                woken.clear()
                threading.Thread(target=loop.call_soon_threadsafe, args=(woken.set,)).start()
                writer.write(mine)
                got = await asyncio.wait_for(reader.readexactly(8), 10)
                await asyncio.wait_for(woken.wait(), 10)
                if got != mine:
                    return False
            return True
        def handler(event, context):
            return loop.run_until_complete(work())
        """,
    )
    assert clones(6, "app.handler", task_root=tmp_path, parallel=6).responses == [True] * 6


def test_each_clone_has_the_child_of_the_snapshot_or_none(
    one_after_the_other: Run, backend: Literal["criu", "namespace"]
) -> None:
    source = """\
        import os, subprocess
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        def handler(event, context):
            try:
                child.stdin.write(b"to the child of all")
            except BrokenPipeError as error:
                return [str(error), child.stdout.read(100).decode(), os.path.exists(f"/proc/{child.pid}")]
            return ["written", child.stdout.read(100).decode(), os.path.exists(f"/proc/{child.pid}")]
    """
    none = ["[Errno 32] Broken pipe", "", False]
    its_own = ["written", "to the child of all", True]
    assert one_after_the_other(source) == [its_own if backend == "criu" else none] * 3


SHARED = """\
    import mmap, multiprocessing, os, socket, tempfile
    from multiprocessing import shared_memory
    anonymous = mmap.mmap(-1, 4096)
    value = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    memory = shared_memory.SharedMemory("snapstart-test", create=True, size=64)
    scratch = tempfile.TemporaryFile()
    scratch.write(b"before"); scratch.flush()
    mapped = mmap.mmap(scratch.fileno(), 6)
    kept = open("/tmp/snapstart-test-kept", "w+")
    kept.write("before"); kept.flush()
    ours, theirs = socket.create_server(("127.0.0.1", 0)), None
    near = socket.create_connection(ours.getsockname()); far, _ = ours.accept()
    far.sendall(b"waiting")

    def handler(event, context):
        lock.acquire(timeout=3)  # and it is never released
        anonymous[0] += 1; value.value += 1; memory.buf[0] += 1; mapped[0] += 1
        kept.write("+"); kept.flush()
        open("/tmp/snapstart-test-made", "x").close()
        near.sendall(b"there")
        scratch.seek(0)
        told = [anonymous[0], value.value, memory.buf[0], scratch.read(1).decode()]
        told += [open("/tmp/snapstart-test-kept").read(), near.recv(7).decode() + far.recv(5).decode()]
        memory.unlink()
        return [*told, tempfile.mkstemp()[1]]
"""


def test_what_restored_machines_do_not_share_clones_do_not_share(one_after_the_other: Run, tmp_path: Path) -> None:
    answers = one_after_the_other(SHARED)
    names = {cast("list[object]", answer).pop() for answer in answers}
    assert answers == [[1, 1, 1, "c", "before+", "waitingthere"]] * 3
    assert len(names) == 1  # of temporary files: the generator is in the snapshot
    assert not list(Path("/tmp").glob("snapstart-test-*"))  # noqa: S108 - Lambda's


def test_what_the_clones_have_to_share_is_among_the_limits(backend: Literal["criu", "namespace"]) -> None:
    limits = clones(1, nothing, task_root="/tmp", backend=backend).limits  # noqa: S108 - Lambda's
    assert "the clones share /tmp: [Errno 0] the function's code is there" in limits


def test_clones_that_begin_at_the_same_time_each_have_all_files(
    tmp_path: Path, backend: Literal["criu", "namespace"]
) -> None:
    source = """\
        import os
        for number in range(1000):
            open(f"/tmp/of-the-snapshot-{number}", "w").close()
        def handler(event, context):
            return sum(name.startswith("of-the-snapshot-") for name in os.listdir("/tmp"))
    """
    write_function(tmp_path, source)
    run = clones(4, "app.handler", task_root=tmp_path, parallel=4, timeout=20, backend=backend)
    assert run.responses == [1000] * 4


def test_what_has_two_names_has_them_in_each_clone(one_after_the_other: Run, tmp_path: Path) -> None:
    """A semaphore for processes that are spawned keeps its name, which its memory was not mapped by."""
    below = Path(tempfile.mkdtemp(prefix="below-", dir="/tmp"))
    (below / "hidden").touch()
    source = f"""\
        import _multiprocessing, multiprocessing, os, pathlib, shutil, tempfile
        semaphore = multiprocessing.get_context("spawn").Semaphore(2)
        made = semaphore._semlock
        folder = pathlib.Path(tempfile.mkdtemp())
        (folder / "one").write_text("one")
        (folder / "two").hardlink_to(folder / "one")
        shutil.rmtree("{below}"); os.mkdir("{below}")
        def handler(event, context):
            made.acquire()
            named = _multiprocessing.SemLock._rebuild(-1, made.kind, made.maxvalue, made.name)
            (folder / "two").write_text("two")
            return [named._get_value(), (folder / "one").read_text(), os.listdir("{below}")]
    """
    try:
        assert one_after_the_other(source) == [[1, "two", []]] * 3
    finally:
        shutil.rmtree(below)
