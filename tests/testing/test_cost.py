"""What hooks and answers load after a restore, and by name what they do."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import TYPE_CHECKING

import pytest
from testing.clone_helpers import namespace_only, write_function

from snapstart_hooks.testing import ClonesFailed, CostReport, Done, measure_cost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MB = 1 << 20

FUNCTION = """
import os, socket, sys
from snapstart_hooks import after_restore

read, written, hooked = (bytearray(size << 20) for size in (8, 4, 2))
answers = 0

def touch(memory, write=False):
    for at in range(0, len(memory), 4096):
        if write:
            memory[at] = 1
        else:
            memory[at]

@after_restore
def first():
    touch(hooked)

@after_restore
def second():
    touch(hooked)  # loaded already

def lambda_handler(event, context):
    global answers
    answers += 1
    import late_module
    touch(read)
    touch(written, write=True)
    if answers == 1:
        open("opened.txt").close()
        socket.create_connection(("127.0.0.1", event["port"])).close()
        try:
            socket.getaddrinfo("partner.invalid", 80)
        except OSError:
            pass
    return answers
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server that takes every connection."""

    def accept() -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as accepted:
            while True:
                accepted.enter_context(server.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=accept)
        accepting.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        accepting.join()


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the function."""
    namespace_only()
    folder = write_function(tmp_path_factory.mktemp("function"), FUNCTION)
    (folder / "late_module.py").touch()
    (folder / "opened.txt").touch()
    return folder


@pytest.fixture(scope="module")
def report(function: Path, port: int) -> CostReport:
    """It, measured."""
    return measure_cost("app.lambda_handler", {"port": port}, clones=4, task_root=function, backend="namespace")


def test_memory_is_charged_to_who_loads_it_first(report: CostReport) -> None:
    hooks, first, second = report.hooks, report.first, report.second
    assert hooks.read is not None
    assert first.read is not None
    assert second.read is not None
    assert 0 < second.cpu < first.cpu
    assert 2 * MB <= hooks.read < 12 * MB
    assert 12 * MB <= first.read < 24 * MB
    # What else runs on the machine adds to what is read: the pages of libraries that others use, too.
    assert second.read < first.read / 3
    assert first.written is not None
    assert 4 * MB <= first.written < 8 * MB  # what is only read is shared with the snapshot still


def test_each_hook_has_its_own(report: CostReport) -> None:
    one, other = (hook for hook in report.each_hook if hook.name.startswith("app."))
    assert (one.name, other.name) == ("app.first", "app.second")
    assert one.read is not None
    assert other.read is not None
    assert other.read < one.read
    assert 2 * MB <= one.read < 8 * MB
    assert one.seconds > 0


def test_what_is_done_is_told_by_name(report: CostReport, function: Path, port: int) -> None:
    assert report.hooks.done == Done() or not report.hooks.done.connections
    assert "late_module" in report.first.done.modules
    assert report.first.done.files == (str(function / "opened.txt"),)
    assert report.first.done.connections == (f"127.0.0.1:{port}",)
    assert report.first.done.lookups == ("partner.invalid",)
    assert not report.second.done
    assert report.before_the_snapshot == report.first.done


def test_it_is_a_document_too(report: CostReport) -> None:
    document = json.loads(json.dumps(report.to_dict()))
    assert list(document) == ["clones", "backend", "hooks", "first", "second", "each_hook", "before_the_snapshot"]
    assert document["clones"] == 4
    assert document["first"]["read"] == report.first.read
    assert document["before_the_snapshot"]["lookups"] == ["partner.invalid"]


def test_several_events_are_answered_once_and_then_again(tmp_path: Path) -> None:
    namespace_only()
    source = """
    def lambda_handler(event, context):
        import importlib
        importlib.import_module(event)
    """
    folder = write_function(tmp_path, source)
    for name in ("late_one", "late_other"):
        (folder / f"{name}.py").touch()
    found = measure_cost(
        "app.lambda_handler", events=["late_one", "late_other"], clones=1, task_root=folder, backend="namespace"
    )
    assert found.before_the_snapshot.modules == ("late_one", "late_other")
    assert len(found.run.clones[0].invocations) == 4


def test_what_fails_is_not_measured(tmp_path: Path) -> None:
    namespace_only()
    folder = write_function(tmp_path, "def lambda_handler(event, context): raise LookupError('no such order')")
    with pytest.raises(ClonesFailed, match="no such order"):
        measure_cost("app.lambda_handler", clones=1, task_root=folder, backend="namespace")
    with pytest.raises(TypeError, match="either event= or events="):
        measure_cost("app.lambda_handler", 1, events=[2])
