"""The audit before the snapshot: connections, threads, children."""

from __future__ import annotations

import contextlib
import importlib
import linecache
import logging
import os
import socket
import subprocess
import sys
import threading
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Final, cast

import pytest
from testing.clone_helpers import namespace_only

from snapstart_hooks import Registry, _audit, _holders
from snapstart_hooks.errors import AuditError, SettingsError
from snapstart_hooks.testing import clones

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


SERVER = "import socket, sys; s = socket.create_server((sys.argv[1], 0), family=int(sys.argv[2])); \
print(s.getsockname()[1], flush=True); c, _ = s.accept(); c.recv(1)"


BOTH = pytest.mark.parametrize("connection", [socket.AF_INET, socket.AF_INET6], indirect=True, ids=["ipv4", "ipv6"])


@pytest.fixture
def connection(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """A connection to another process of this machine."""
    family: socket.AddressFamily = getattr(request, "param", socket.AF_INET)
    host = "127.0.0.1" if family is socket.AF_INET else "::1"
    command = [sys.executable, "-c", SERVER, host, str(int(family))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with socket.create_connection((host, int(process.stdout.readline()))) as client:
            yield client


@pytest.fixture
def unsearched(monkeypatch: pytest.MonkeyPatch) -> None:
    """No global holds the connection of a test: the search for one would go through all that pytest has loaded."""
    monkeypatch.setattr(_holders, "_LIMIT", 100)


@pytest.mark.usefixtures("unsearched")
@BOTH
def test_a_connection_is_found_with_its_descriptor_and_both_ends(connection: socket.socket) -> None:
    mine, theirs = connection.getsockname(), connection.getpeername()
    found = [finding.what.partition(", held by ")[0] for finding in _audit.connections()]
    assert f"fd {connection.fileno()}, {mine[0]}:{mine[1]} → {theirs[0]}:{theirs[1]}" in found
    connection.close()
    assert not any(f":{mine[1]} →" in finding.what for finding in _audit.connections())


def test_a_connection_with_both_ends_inside_does_not_count() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname()[:2])
        server, _ = listener.accept()
        with client, server:
            assert not any(str(listener.getsockname()[1]) in finding.what for finding in _audit.connections())


@pytest.mark.usefixtures("unsearched")
@BOTH
@pytest.mark.parametrize(
    ("variable", "value"),
    [("AWS_LAMBDA_RUNTIME_API", "{}:{}"), ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://{}:{}/credentials")],
)
def test_those_to_lambda_do_not_count(
    connection: socket.socket, variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port, *_ = connection.getpeername()
    assert any(f":{port}" in finding.what for finding in _audit.connections())
    monkeypatch.setenv(variable, value.format(host, port))
    assert not any(f":{port}" in finding.what for finding in _audit.connections())


def test_addresses_are_read_as_the_kernel_prints_them() -> None:
    assert _audit._address("0100007F:1F90") == ("127.0.0.1", 8080)
    assert _audit._address("0000000000000000FFFF0000E8D8B85D:01BB") == ("93.184.216.232", 443)
    assert _audit._address("B80D0120000000000000000001000000:0050") == ("2001:db8::1", 80)


def test_threads_are_found_but_not_ours() -> None:
    registry, stop = Registry(), threading.Event()
    for _ in range(2):
        registry.after_restore(concurrent=True)(lambda: None)
    registry.run_before_snapshot()
    thread = threading.Thread(target=stop.wait, name="refresher", daemon=True)
    thread.start()
    found = [finding.what for finding in _audit.threads()]
    stop.set()
    thread.join()
    assert "'refresher' (daemon)" in found
    assert not any("snapstart_hooks" in what for what in found)


def test_children_are_found() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        found = [finding.what for finding in _audit.children()]
        child.communicate(b"\n")
    assert any(what.startswith(f"process {child.pid} (") for what in found)
    assert not any(f"process {child.pid} " in finding.what for finding in _audit.children())


def find_children() -> list[str]:
    return [finding.what for finding in _audit.children()]


def test_children_of_others_are_not_ours_in_a_pid_namespace() -> None:
    namespace_only()
    # A clone is process 1 of its namespace, while /proc shows process 1 of the machine and its children.
    assert clones(1, find_children).responses == [[]]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_of_connections_alone_it_tells_unasked(
    connection: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_audit, "children", lambda: pytest.fail("nobody asked for children"))
    told = f"the snapshot contains connection fd {connection.fileno()}, "
    assert Registry().run_before_snapshot().ok
    assert [message.startswith(told) for message in warnings(caplog)].count(True) == 1
    caplog.clear()
    monkeypatch.setenv("SNAPSTART_HOOKS_AUDIT", "off")
    assert Registry().run_before_snapshot().ok
    connection.close()
    monkeypatch.delenv("SNAPSTART_HOOKS_AUDIT")
    assert Registry().run_before_snapshot().ok
    assert not any(told in message for message in warnings(caplog))


def test_without_sockets_or_proc_nothing_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_path: str) -> list[str]:
        raise FileNotFoundError

    monkeypatch.setattr(os, "listdir", missing)
    monkeypatch.delitem(sys.modules, "ipaddress")
    assert Registry().run_before_snapshot().ok
    assert "ipaddress" not in sys.modules
    assert _audit.established() == []


# Who holds a connection.

HOLDING: Final = """
import socket

from {elsewhere} import *


class Client:
    name = "of the class, and not of the module"

    def __init__(self):
        self.pools = {{"first": [connect()]}}


def connect():
    name = socket.create_connection(("{host}", {port}))
    return name


def late():
    global later
    later = connect()


def closed_over():
    kept = connect()
    return lambda: kept


name = None
name = connect()
client: Client = Client()
late()
call = closed_over()
"""


class Compiled:
    """As the connection of a driver that is written in C: it has no socket to be found."""

    def __init__(self, descriptor: object) -> None:
        self.descriptor = descriptor

    def fileno(self) -> object:
        if isinstance(self.descriptor, BaseException):
            raise self.descriptor
        return self.descriptor


class Transport:
    """As uvloop's, which gives something like a socket."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled

    def get_extra_info(self, name: str) -> object:
        return SimpleNamespace(fileno=self._compiled.fileno) if name == "socket" else None


@pytest.fixture
def holding(tmp_path: Path, connection: socket.socket, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module of an application that has opened connections."""
    host, port = connection.getpeername()[:2]
    (tmp_path / "shared_connection.py").write_text(
        f"import socket\n\nshared = socket.create_connection(({host!r}, {port}))\n"
    )
    (tmp_path / "holding.py").write_text(HOLDING.format(elsewhere="shared_connection", host=host, port=port))
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("holding")
    for name in ("holding", "shared_connection"):
        del sys.modules[name]


def test_the_global_that_holds_a_connection_is_named_with_its_line(holding: ModuleType, tmp_path: Path) -> None:
    source = (tmp_path / "holding.py").read_text().splitlines()
    lines = {text: source.index(text) + 1 for text in ("name = connect()", "    later = connect()")}
    line = {"client": source.index("client: Client = Client()") + 1, "call": source.index("call = closed_over()") + 1}
    first = holding.client.pools["first"][0]
    where = f"{tmp_path}/holding.py"
    expected = {
        holding.name.fileno(): f"holding.name (socket.socket), {where}:{lines['name = connect()']}",
        holding.later.fileno(): f"holding.later (socket.socket), {where}:{lines['    later = connect()']}",
        first.fileno(): f"holding.client (holding.Client → socket.socket), {where}:{line['client']}",
        holding.call().fileno(): f"holding.call (function → socket.socket), {where}:{line['call']}",
        holding.shared.fileno(): f"shared_connection.shared (socket.socket), {tmp_path}/shared_connection.py:3",
    }
    assert _holders.holders(set(expected)) == expected
    told = [finding.what for finding in _audit.connections()]
    assert all(any(what.endswith(f", held by {holder}") for what in told) for holder in expected.values())
    for each in (holding.name, holding.later, holding.call(), holding.shared, first):
        each.close()


def test_what_is_compiled_is_asked_for_its_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("driving")
    holders = {
        "wrong": [Compiled("7"), Compiled(OSError()), Compiled(-1), Transport],
        "driver": Compiled(70_001),
        "transport": Transport(Compiled(70_002)),
    }
    vars(module).update(holders)
    monkeypatch.setitem(sys.modules, "driving", module)
    monkeypatch.setitem(sys.modules, "no module", cast("ModuleType", 7))
    found = _holders.holders({70_001, 70_002, 70_003})
    kind = f"{Compiled.__module__}.Compiled"
    assert found == {
        70_001: f"driving.driver ({kind})",
        70_002: f"driving.transport ({Transport.__module__}.Transport)",
    }


@pytest.mark.parametrize("source", [None, "held = (\n", "print('no such name')\n"])
def test_a_source_that_tells_no_line_is_left_out(
    source: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("generated")
    vars(module).update(held=Compiled(70_004), __file__=f"{tmp_path}/generated.py")
    if source is not None:
        (tmp_path / "generated.py").write_text(source)
    linecache.checkcache()
    monkeypatch.setitem(sys.modules, "generated", module)
    assert _holders.holders({70_004}) == {70_004: f"generated.held ({Compiled.__module__}.Compiled)"}


def test_there_is_an_end_to_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_holders, "_LIMIT", 1)
    assert _holders.holders({70_005}) == {}


@pytest.mark.usefixtures("unsearched")
def test_warn_tells_and_error_fails_the_phase_and_undoes_it(
    connection: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    registry, ran = Registry(), list[str]()
    registry.register_before_snapshot(ran.append, "before")
    registry.register_after_restore(ran.append, "after")
    told = f"connection fd {connection.fileno()}, "

    monkeypatch.setenv("SNAPSTART_HOOKS_AUDIT", "warn")
    assert registry.run_before_snapshot().ok
    (warning,) = [message for message in warnings(caplog) if told in message]
    assert "close it in a before_snapshot hook" in warning
    assert any("the snapshot contains child process" in message for message in warnings(caplog))

    monkeypatch.setenv("SNAPSTART_HOOKS_AUDIT", "error")
    with pytest.raises(AuditError) as caught:
        registry.run_before_snapshot()
    assert told in str(caught.value)
    assert ran == ["before", "before", "after"]


def test_a_hook_that_closes_the_connection_satisfies_the_audit(
    connection: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_AUDIT", "error")
    registry, mine = Registry(), f":{connection.getsockname()[1]} →"
    registry.before_snapshot(connection.close)
    with contextlib.suppress(AuditError):  # the server is a child of this process
        registry.run_before_snapshot()
    assert not any(mine in finding.what for finding in _audit.audit())


def test_other_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_AUDIT", "loud")
    with pytest.raises(SettingsError, match="give warn, error or off"):
        Registry().run_before_snapshot()


def test_a_process_with_nothing_of_the_kind_passes_the_strictest_audit() -> None:
    program = "from snapstart_hooks import default_registry; default_registry.run_before_snapshot()"
    environment = os.environ | {"SNAPSTART_HOOKS_AUDIT": "error"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)


def test_a_table_that_this_kernel_does_not_have_is_empty() -> None:
    assert _audit._read("/proc/self/net/no such table") == ""


def test_a_finding_can_be_written_as_json() -> None:
    finding = _audit.Finding("thread", "a thread", "end it")
    assert finding.to_dict() == {"kind": "thread", "what": "a thread", "remedy": "end it"}
