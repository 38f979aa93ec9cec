"""What is done before the snapshot so that the first answer is quick."""

from __future__ import annotations

import asyncio
import dis
import gc
import logging
import socket
import sys
import threading
from contextlib import nullcontext
from decimal import Decimal
from importlib import import_module
from socket import getaddrinfo
from typing import TYPE_CHECKING, TypedDict, cast

import pytest

from snapstart_hooks import Phase, Priority, Registry
from snapstart_hooks.errors import (
    HookOptionError,
    HooksFailed,
    HookSignatureError,
    NetworkRefusedError,
    PrimingError,
    SettingsError,
)
from snapstart_hooks.integrations import gc as collecting
from snapstart_hooks.integrations import prime as modules
from snapstart_hooks.integrations.prime import VARIABLE
from snapstart_hooks.priming import is_priming, prime
from snapstart_hooks.resources import resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def registry() -> Registry:
    return Registry()


# The handler.


class Order(TypedDict):
    item: int


def nothing(event: object, context: object) -> None:
    """Handle any event."""


class Context:
    """What a handler asks of its context."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        raise NotImplementedError


def test_the_handler_is_called_as_the_runtime_calls_it(registry: Registry) -> None:
    seen: list[tuple[object, str, bool]] = []

    def handler(event: Order, context: Context) -> dict[str, int]:
        assert 0 < context.get_remaining_time_in_millis() <= 30_000
        seen.append((dict(event), context.aws_request_id, is_priming()))
        event["item"] = 0  # each call has an event of its own
        return {"statusCode": 200}

    assert prime(handler, [Order(item=7), Order(item=8)], times=3, registry=registry) is handler
    assert not seen
    report = registry.run_before_snapshot()
    assert [event for event, _, _ in seen] == [{"item": 7}, {"item": 8}] * 3
    assert len({request for _, request, _ in seen}) == 6
    assert all(priming for _, _, priming in seen)
    assert not is_priming()
    (result,) = report.results
    assert result.hook.name == f"prime({__name__}.{handler.__qualname__})"
    assert result.hook.location == f"{__file__}:{handler.__code__.co_firstlineno}"
    assert result.hook.priority == Priority.WARMUP


def test_reports_say_where_a_handler_is_written_that_is_no_function(registry: Registry) -> None:
    class Adapter:
        def __call__(self, event: object, context: object) -> None: ...

        def handle(self, event: object, context: object) -> None: ...

    prime(Adapter(), [{}], registry=registry)
    prime(Adapter().handle, [{}], registry=registry)
    written = [Adapter.__call__.__code__, Adapter.handle.__code__]
    places = {hook.location for hook in registry.hooks}
    assert places == {f"{__file__}:{code.co_firstlineno}" for code in written}


@pytest.mark.parametrize("runs", [True, False])
def test_the_context_and_json_are_those_of_the_runtime_if_that_is_here(
    runs: bool, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    context_of_runtime = pytest.importorskip("awslambdaric.lambda_context").LambdaContext
    if not runs:
        monkeypatch.delitem(sys.modules, "awslambdaric")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "orders")
    seen: list[object] = []

    def handler(event: object, context: object) -> Decimal:
        seen.append(context)
        return Decimal("1.5")  # which the runtime can tell, and JSON alone cannot

    prime(handler, [{}], times=1, registry=registry, required=False)
    assert registry.run_before_snapshot().failed == () if runs else registry.run_before_snapshot().failed
    (context,) = seen
    assert isinstance(context, context_of_runtime) is runs
    for name in vars(context_of_runtime("", None, None, 0)):
        assert hasattr(context, name) or name.startswith("_")
    assert getattr(context, "function_name", None) == "orders"
    assert 0 < cast("Context", context).get_remaining_time_in_millis() <= 30_000


def test_it_comes_before_everything_is_closed(registry: Registry) -> None:
    ran: list[str] = []
    registry.register_before_snapshot(ran.append, "application")
    prime(lambda *_: ran.append("primed"), [None], times=1, registry=registry)
    registry.before_snapshot(priority=Priority.CONNECTIONS).call(ran.append, "connections")
    registry.run_before_snapshot()
    assert ran == ["primed", "application", "connections"]


def test_bytecode_is_specialised_by_then(registry: Registry) -> None:
    def handler(event: Order, context: object) -> int:
        return event["item"] + 1

    prime(handler, [Order(item=1)], registry=registry)
    before = {each.opname for each in dis.get_instructions(handler, adaptive=True)}
    registry.run_before_snapshot()
    after = {each.opname for each in dis.get_instructions(handler, adaptive=True)}
    assert "BINARY_OP_ADD_INT" in after - before


def test_threads_of_the_handler_know_it_too(registry: Registry) -> None:
    seen: list[bool] = []

    def handler(event: object, context: object) -> None:
        thread = threading.Thread(target=lambda: seen.append(is_priming()))
        thread.start()
        thread.join()

    prime(handler, [{}], times=1, registry=registry)
    registry.run_before_snapshot()
    assert seen == [True]


def test_every_snapshot_is_primed(registry: Registry) -> None:
    calls: list[object] = []
    prime(lambda event, _: calls.append(event), [1], times=2, registry=registry)
    registry.run_before_snapshot()
    registry.run_after_restore()
    registry.run_before_snapshot()
    assert calls == [1] * 4


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda event: event["missing"], r"KeyError: 'missing'"),
        (lambda _: {"statusCode": 503, "body": ""}, "statusCode 503"),
        (lambda _: {"statusCode": "502"}, "statusCode 502"),
        (lambda _: object(), "JSON serializable"),
        (lambda _: sys.exit(3), "HookExited"),
    ],
)
def test_what_fails_fails_the_publication(answer: object, why: str, registry: Registry) -> None:
    assert callable(answer)
    prime(lambda event, _: answer(event), [{"item": 1}], registry=registry)
    with pytest.raises(HooksFailed, match=why) as failed:
        registry.run_before_snapshot()
    assert not is_priming()
    told = str(failed.value)
    assert "SystemExit" in told or "(event 1 of 1, call 1 of 20)" in told


def test_the_stack_leads_to_the_handler(registry: Registry) -> None:
    def handler(event: object, context: object) -> None:
        raise LookupError("no such order")

    prime(handler, [{}], registry=registry)
    with pytest.raises(HooksFailed) as failed:
        registry.run_before_snapshot()
    (error,) = failed.value.exceptions
    assert isinstance(error, PrimingError)
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    assert traceback is not None
    assert traceback.tb_frame.f_code is handler.__code__


def test_a_failure_can_be_let_pass(registry: Registry) -> None:
    prime(lambda *_: {"statusCode": 500}, [{}], required=False, registry=registry)
    report = registry.run_before_snapshot()
    assert report.ok
    assert report.failed


def test_what_cannot_be_primed_is_refused_at_once(registry: Registry) -> None:
    async def waits(event: object, context: object) -> None: ...

    def alone(event: object) -> None: ...

    with pytest.raises(HookSignatureError, match="async"):
        prime(waits, [{}], registry=registry)
    with pytest.raises(HookSignatureError):
        prime(alone, [{}], registry=registry)  # type: ignore[arg-type]  # the point
    with pytest.raises(HookOptionError, match="times=0"):
        prime(nothing, [{}], times=0, registry=registry)
    with pytest.raises(HookOptionError, match="times=True"):
        prime(nothing, [{}], times=True, registry=registry)
    for single in ({"order": "a sample"}, "a sample", b"a sample", None, 7):
        with pytest.raises(HookOptionError, match=r"give a list of events, such as \[event\]"):
            prime(nothing, cast("list[object]", single), registry=registry)
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(HookOptionError, match="JSON"):
        prime(nothing, [deep], registry=registry)
    with pytest.raises(HookOptionError, match="one event or more"):
        prime(nothing, [], registry=registry)
    with pytest.raises(HookOptionError, match="JSON"):
        prime(nothing, [object()], registry=registry)
    assert registry.hooks == ()


# Without network.


@pytest.fixture
def peer() -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[:2]


def connects(address: tuple[str, int]) -> None:
    with socket.create_connection(address):
        pass


def sends(address: tuple[str, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"metric", address)


def sends_to_a_path(address: tuple[str, int]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"metric", f"/nobody/{address[1]}".encode())


def looks_up(address: tuple[str, int]) -> None:
    socket.getaddrinfo("example.invalid", address[1])


def looks_up_by_a_name_from_before(address: tuple[str, int]) -> None:
    getaddrinfo("example.invalid", address[1])


def looks_up_on_a_loop(address: tuple[str, int]) -> None:
    asyncio.run(asyncio.open_connection("example.invalid", address[1]))


def looks_up_the_name(address: tuple[str, int]) -> None:
    socket.gethostbyaddr(address[0])


def looks_up_both(address: tuple[str, int]) -> None:
    socket.getnameinfo(address, 0)


@pytest.mark.parametrize(
    "act",
    [
        connects,
        sends,
        sends_to_a_path,
        looks_up,
        looks_up_by_a_name_from_before,
        looks_up_on_a_loop,
        looks_up_the_name,
        looks_up_both,
    ],
)
def test_connections_are_refused_with_their_caller(
    act: Callable[[tuple[str, int]], None], registry: Registry, peer: tuple[str, int]
) -> None:
    prime(lambda *_: act(peer), [{}], network=False, registry=registry)
    methods = socket.socket.connect, socket.socket.sendto, socket.getaddrinfo
    with pytest.raises(HooksFailed, match=rf"{getattr(act, '__name__', '')} \({__file__}:\d+\)") as failed:
        registry.run_before_snapshot()
    assert isinstance(failed.value.exceptions[0].__cause__, NetworkRefusedError)
    assert methods == (socket.socket.connect, socket.socket.sendto, socket.getaddrinfo)
    if act in {connects, sends}:
        act(peer)  # now it may


def test_a_refusal_that_the_handler_swallows_is_told(
    registry: Registry, peer: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    def handler(event: object, context: object) -> int:
        with socket.socket() as client:
            return client.connect_ex(peer)

    prime(handler, [{}], network=False, registry=registry)
    registry.run_before_snapshot()
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert f"a connection to 127.0.0.1:{peer[1]}, wanted by" in warning.getMessage()


def test_a_refusal_that_another_error_hides_is_told(
    registry: Registry, peer: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    def handler(event: object, context: object) -> None:
        try:
            connects(peer)
        except OSError:
            raise LookupError("no such order") from None

    prime(handler, [{}], network=False, registry=registry)
    with pytest.raises(HooksFailed, match="no such order"):
        registry.run_before_snapshot()
    assert f"a connection to 127.0.0.1:{peer[1]}, wanted by" in caplog.text


def test_what_was_taken_from_socket_meanwhile_works_afterwards(
    registry: Registry, peer: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Modules that only the answer imports have bound the names, and tracers have put their own around them."""
    traced: list[object] = []
    original = socket.gethostbyname
    monkeypatch.setattr(socket, "gethostbyname", original)  # what the handler puts there goes again
    kept: list[Callable[[str], str]] = []
    connect: list[Callable[[socket.socket, tuple[str, int]], None]] = []

    def trace(name: str) -> str:
        traced.append(name)
        return kept[0](name)

    def handler(event: object, context: object) -> None:
        kept.append(socket.gethostbyname)
        connect.append(socket.socket.connect)
        monkeypatch.setattr(socket, "gethostbyname", trace)

    prime(handler, [{}], network=False, times=1, registry=registry)
    registry.run_before_snapshot()
    assert socket.gethostbyname("localhost") == kept[0]("localhost") == original("localhost")
    assert traced == ["localhost"]
    with socket.socket() as client:
        connect[0](client, peer)
    assert "connect" not in vars(socket.socket)


def test_lambdas_own_endpoints_can_be_reached(
    registry: Registry, peer: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://{peer[0]}:{peer[1]}/role")

    def handler(event: object, context: object) -> None:
        connects(peer)
        near, far = socket.socketpair()
        with near, far:
            near.sendmsg((b"buffers", b"and no address"))
            near.sendmsg((b"and no rights",), ())
            near.sendmsg((b"and still no address",), (), 0, None)
        with socket.socket() as client, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            assert client.connect_ex(peer) == 0
            client.send(b"as connected")
            sender.sendto(b"to it", peer)
            sender.sendmsg([b"to it"], [], 0, peer)
        assert socket.getaddrinfo(None, peer[1])
        assert socket.gethostbyname(b"127.0.0.1".decode()) == "127.0.0.1"
        socket.getaddrinfo(b"127.0.0.1", peer[1])
        assert socket.getnameinfo(("192.0.2.1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV) == (
            "192.0.2.1",
            "80",
        )

    prime(handler, [{}], network=False, times=1, registry=registry)
    assert registry.run_before_snapshot().ok


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked through /proc")
def test_what_compiled_code_connects_is_told(registry: Registry, peer: tuple[str, int]) -> None:
    import _socket

    kept: list[_socket.socket] = []

    def handler(event: object, context: object) -> None:
        kept.append(_socket.socket())
        kept[-1].connect(peer)

    prime(handler, [{}], network=False, times=1, registry=registry)
    try:
        with pytest.raises(HooksFailed, match=rf"compiled code.+to 127\.0\.0\.1:{peer[1]}"):
            registry.run_before_snapshot()
    finally:
        kept[0].close()


@pytest.mark.parametrize("where", ["site-packages", "function"])
def test_a_library_and_who_called_it_are_named(
    where: str, registry: Registry, peer: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / where
    folder.mkdir()
    monkeypatch.delitem(sys.modules, "priming_library", raising=False)
    library = folder / "priming_library.py"
    library.write_text(
        "import socket\n"
        "def connect(peer): connect_inside(peer)\n"
        "def connect_inside(peer): socket.create_connection(peer)\n"
    )
    monkeypatch.syspath_prepend(folder)
    module = import_module("priming_library")
    prime(lambda *_: module.connect(peer), [{}], network=False, registry=registry)
    told = rf"wanted by connect_inside \({library}:3\), called by .+<lambda> \({__file__}:\d+\)"
    with pytest.raises(HooksFailed, match=told):
        registry.run_before_snapshot()


def test_what_the_standard_library_does_in_a_thread_is_refused_too(
    registry: Registry, peer: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    def handler(event: object, context: object) -> None:
        with socket.socket() as client:
            thread = threading.Thread(target=client.connect_ex, args=(peer,))
            thread.start()
            thread.join()

    prime(handler, [{}], network=False, times=1, registry=registry)
    registry.run_before_snapshot()
    (message,) = [text for text in caplog.messages if "refused" in text]
    assert f"wanted by the standard library in a thread, during {handler.__qualname__} ({__file__}:" in message


# The list of modules.


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a function."""
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def snapshot_of(registry: Registry) -> list[str]:
    """Take a snapshot with the list of modules; the names of the hooks that ran."""
    registry.include(modules, name="snapstart-hooks:prime")
    return [result.hook.name for result in registry.run_before_snapshot().results]


def test_what_is_listed_is_imported(function: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    (function / "primed_late.py").touch()
    (function / "primed_exits.py").write_text("raise SystemExit")
    (function / "primed.txt").write_bytes(b"\xef\xbb\xbfprimed_exits\r\n# imported:\r\nprimed_late  # and why\r\n\r\n")
    monkeypatch.setenv(VARIABLE, "primed.txt")
    assert snapshot_of(registry) == ["snapstart-hooks:prime[primed.txt]"]
    assert "primed_late" in sys.modules


@pytest.mark.parametrize(("given", "name"), [('["primed_project"]', "pyproject.toml"), ('"list.txt"', "list.txt")])
def test_the_project_may_say_it(given: str, name: str, function: Path, registry: Registry) -> None:
    (function / "primed_project.py").touch()
    (function / "list.txt").write_text("primed_project")
    (function / "pyproject.toml").write_text(f"[tool.snapstart-hooks]\nprime = {given}\n")
    sys.modules.pop("primed_project", None)
    assert snapshot_of(registry) == [f"snapstart-hooks:prime[{name}]"]
    assert "primed_project" in sys.modules


@pytest.mark.parametrize(
    "project",
    [
        None,
        "",
        "[tool.snapstart-hooks]\nprime = []",
        "[tool.other]\n",
        "[tool.snapstart-hooks.hazards]\n",
        "tool = 1 # snapstart-hooks",
    ],
)
def test_without_a_list_there_is_no_hook(project: str | None, function: Path, registry: Registry) -> None:
    if project is not None:
        (function / "pyproject.toml").write_text(project)
    assert snapshot_of(registry) == []


def test_what_is_stale_warns(
    function: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (function / "primed_after.py").touch()
    (function / "primed_raises.py").write_text("1 / 0")
    (function / "primed_says_nothing.py").write_text("class Mute(Exception):\n    __str__ = None\nraise Mute\n")
    (function / "primed.txt").write_text("primed_gone\nprimed_raises\nprimed_says_nothing\nprimed_after\n")
    monkeypatch.setenv(VARIABLE, "primed.txt")
    assert snapshot_of(registry)
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [text.partition(". ")[0] for text in told] == [
        f"primed.txt:{line}: {name!r} cannot be imported before the snapshot: {why}"
        for line, name, why in (
            (1, "primed_gone", "ModuleNotFoundError: No module named 'primed_gone'"),
            (2, "primed_raises", "ZeroDivisionError: division by zero"),
            (3, "primed_says_nothing", "primed_says_nothing.Mute: <exception str() failed>"),
        )
    ]
    assert "primed_after" in sys.modules


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (("gone.txt", ""), f"{VARIABLE} names 'gone.txt'"),
        (("/dev/zero", ""), f"{VARIABLE} names '/dev/zero', which cannot be read: there is no file /dev/zero"),
        (("", "[tool.snapstart-hooks]\nprime = 7"), "give the name of a file"),
        (("", "[tool.snapstart-hooks]\nprime = [1]"), "give the name of a file"),
        (("", "[tool.snapstart-hooks"), "cannot be read"),
    ],
)
def test_what_cannot_be_read_fails_the_publication(
    settings: tuple[str, str], why: str, function: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable, project = settings
    (function / "pyproject.toml").write_text(project)
    monkeypatch.setenv(VARIABLE, variable)
    with pytest.raises(SettingsError, match=why):
        modules.instances()
    with pytest.raises(Exception, match=why) as failed:
        snapshot_of(registry)
    assert "__slots__" not in str(failed.value)


# The garbage collector.


class Node:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("thawed")
def test_the_snapshot_is_collected_and_frozen_every_time(registry: Registry) -> None:
    registry.include(collecting.hooks, name="snapstart-hooks:gc")
    nodes = 0
    for _ in range(2):
        kept = Node()
        Node()
        registry.run_before_snapshot()
        assert sum(isinstance(each, Node) for each in gc.get_referrers(Node)) == 0  # none is visited any more
        assert gc.get_freeze_count() > nodes
        gc.unfreeze()
        assert [each for each in gc.get_objects() if type(each) is Node] == [kept]
        gc.freeze()
        registry.run_after_restore()
        del kept


@pytest.mark.usefixtures("thawed")
def test_it_is_the_last_step(registry: Registry) -> None:
    registry.include(collecting.hooks, name="snapstart-hooks:gc")
    registry.before_snapshot(priority=Priority.ENTROPY)(lambda: None)
    resource(name="held", registry=registry)(lambda: nullcontext(1))  # resources close what is left behind other hooks
    prime(nothing, [{}], registry=registry)
    assert [hook.name for hook in registry.plan(Phase.BEFORE_SNAPSHOT)][-1] == "snapstart-hooks:gc"
    assert all(hook.provider is None for hook in registry.plan(Phase.AFTER_RESTORE))


@pytest.mark.usefixtures("thawed")
def test_objects_that_others_look_for_are_found_frozen_or_not(registry: Registry) -> None:
    """As an integration finds the pools of its library."""
    kept, seen = Node(), list[Node]()
    registry.include(collecting.hooks, name="snapstart-hooks:gc")
    registry.after_restore.each(lambda: [each for each in gc.get_objects() if type(each) is Node])(seen.append)
    for number in (1, 2):
        registry.run_before_snapshot()
        assert gc.get_freeze_count()
        registry.run_after_restore()
        assert seen == [kept] * number
