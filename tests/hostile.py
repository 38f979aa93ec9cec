"""What hooks, libraries and processes do that nobody expects; each must harm nobody but itself.

A table by kind, for the tests and for the bench that counts: `KINDS` gives for each kind its
cases, by name; a case does something hostile and asserts what must hold all the same.
"""
# Hostile on purpose: classes lie, raise and refuse.
# mypy: disable-error-code="override, misc, explicit-override, mutable-override, assignment, arg-type"
# mypy: disable-error-code="call-overload, dict-item, truthy-bool, attr-defined"
# mypy: no-warn-unused-ignores

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.metadata
import io
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import time
import types
import warnings
import weakref
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Final, NoReturn, cast

from snapstart_hooks import HookObserver, Outcome, Phase, PhaseReport, Registry
from snapstart_hooks._discovery import version_key
from snapstart_hooks._engine import forget_threads
from snapstart_hooks._foreign import kind
from snapstart_hooks._holders import holders
from snapstart_hooks._plan import order
from snapstart_hooks.errors import (
    DiscoveryError,
    HookOptionError,
    HookOrderError,
    HooksFailed,
    HookSignatureError,
    HookTimeout,
    ProviderError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

__all__ = ("KINDS", "calls")

MODES: Final = ("alone", "async", "concurrent", "concurrent async", "limited", "within a budget", "awaitable")
"""The ways in which a hook runs."""


def registered(mode: str, hook: Callable[[], object]) -> Registry:
    """A registry whose second of three hooks runs in that mode."""
    registry = Registry()

    async def waiting() -> object:
        await asyncio.sleep(0)
        return hook()

    registry.after_restore(name="first")(lambda: None)
    func = waiting if "async" in mode else functools.partial(waiting) if mode == "awaitable" else hook
    concurrent, timeout = "concurrent" in mode, 30.0 if mode == "limited" else None
    registry.after_restore(name="hostile", concurrent=concurrent, timeout=timeout)(func)
    registry.after_restore(name="last", concurrent=concurrent)(lambda: None)
    return registry


def report_of(registry: Registry) -> PhaseReport:
    """The report of a phase that must fail."""
    try:
        registry.run_after_restore()
    except HooksFailed as failed:
        assert failed.report is registry.last_report
        return failed.report
    raise AssertionError("the phase did not fail")


def outcomes(report: PhaseReport) -> dict[str, Outcome]:
    """Each hook's, by name; every one exactly once."""
    assert len({result.hook for result in report.results}) == len(report.results)
    return {result.hook.name: result.outcome for result in report.results}


# An exception is never success, and never stops the others.


class Empty(Exception):
    def __len__(self) -> int:
        return 0


class Untrue(Exception):
    def __bool__(self) -> bool:
        return False


class Undecided(Exception):
    def __bool__(self) -> bool:
        raise ZeroDivisionError


@dataclass(frozen=True)
class Frozen(Exception):
    reason: str = "cannot be changed"


class Sealed(Exception):
    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(name)


class NoNotes(Exception):
    def add_note(self, note: str) -> NoReturn:
        raise RuntimeError(note)


class OddNotes(Exception):
    def __init__(self) -> None:
        self.__notes__ = cast("list[str]", 7)


class Speechless(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt

    __repr__ = __str__


class Mute(Exception):
    def __str__(self) -> str:
        return cast("str", None)


class Liar(Exception):
    @property
    def __class__(self) -> type:
        raise RuntimeError("you are not told")


class Pretender(BaseException):
    __class__ = Exception


class EqualToAll(Exception):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None


class Uncomparable(Exception):
    def __eq__(self, other: object) -> bool:
        raise TypeError

    def __hash__(self) -> int:
        raise TypeError


class NoTraceback(Exception):
    @property
    def __traceback__(self) -> None:
        raise AttributeError

    def with_traceback(self, tb: object) -> NoReturn:
        raise AttributeError(tb)


class Closed(Exception):
    def __getattribute__(self, name: str) -> object:
        raise MemoryError(name)


class Meta(type):
    def __getattribute__(cls, name: str) -> object:
        if name.startswith("__q") or name in {"__mro__", "__dict__", "__name__"}:
            raise LookupError(name)
        return super().__getattribute__(name)

    def __instancecheck__(cls, instance: object) -> bool:
        return True

    def __subclasscheck__(cls, subclass: type) -> bool:
        return True


class Unnamed(Exception, metaclass=Meta):
    pass


class Group(ExceptionGroup[Exception]):
    def __bool__(self) -> bool:
        return False


class Circle(Exception):
    def __init__(self) -> None:
        self.__cause__ = self
        self.__context__ = self


class Huge(Exception):
    def __str__(self) -> str:
        return "x" * 5_000_000


class Cancelled(asyncio.CancelledError):
    def __bool__(self) -> bool:
        return False


class OwnTimeout(HookTimeout):
    def __bool__(self) -> bool:
        return False


EXCEPTIONS: Final[tuple[Callable[[], BaseException], ...]] = (
    Empty,
    Untrue,
    Undecided,
    Frozen,
    Sealed,
    NoNotes,
    OddNotes,
    Speechless,
    Mute,
    Liar,
    Pretender,
    EqualToAll,
    Uncomparable,
    NoTraceback,
    Closed,
    Unnamed,
    lambda: Group("none", [ValueError()]),
    Circle,
    Huge,
    Cancelled,
    OwnTimeout,
    SystemExit,
    GeneratorExit,
    StopIteration,
    StopAsyncIteration,
    MemoryError,
    RecursionError,
    lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "odd"),
    lambda: OSError("a\x1b[31m\nforged"),
)


def raises(mode: str, make: Callable[[], BaseException]) -> None:
    def hostile() -> NoReturn:
        raise make()

    report = report_of(registered(mode, hostile))
    assert outcomes(report) == {"first": Outcome.OK, "hostile": Outcome.FAILED, "last": Outcome.OK}
    assert len(str(report)) < 10_000
    assert str(report).isprintable()
    assert report.to_dict()["ok"] is False


# What a hook returns decides nothing.


class Returned:
    def __bool__(self) -> NoReturn:
        raise KeyError

    __len__ = __eq__ = __hash__ = __iter__ = __repr__ = __getattr__ = __bool__

    @property
    def __class__(self) -> type:
        raise KeyError


class NotAwaitable:
    __await__ = None


class AwaitRaises:
    def __await__(self) -> NoReturn:
        raise KeyError("await")


class AwaitGivesNothing:
    def __await__(self) -> Iterator[object]:
        return cast("Iterator[object]", 7)


def returns(mode: str, value: object, outcome: Outcome) -> None:
    registry = registered(mode, lambda: value)
    report = registry.run_after_restore() if outcome is Outcome.OK else report_of(registry)
    assert outcomes(report) == {"first": Outcome.OK, "hostile": outcome, "last": Outcome.OK}


def returns_unstarted(mode: str, make: Callable[[], object]) -> None:
    """What nobody has begun to run must not pass for done."""
    report = report_of(registered(mode, make))
    assert outcomes(report) == {"first": Outcome.OK, "hostile": Outcome.FAILED, "last": Outcome.OK}


async def never_awaited() -> None: ...


async def never_iterated() -> AsyncIterator[None]:
    yield


def returns_what_dies(mode: str) -> None:
    """The report is kept, not what a hook has returned."""
    returned: list[weakref.ref[Empty]] = []

    def hostile() -> object:
        value = Empty()
        returned.append(weakref.ref(value))
        return value

    registry = registered(mode, hostile)
    assert registry.run_after_restore().ok
    assert returned[0]() is None


# An interruption is reported.


def interrupted(mode: str, place: str) -> None:
    def interrupt() -> NoReturn:
        raise KeyboardInterrupt

    registry = Registry()
    if place != "only":
        registry.after_restore(name="before")(lambda: None)
    registered_hooks = registered(mode, interrupt).hooks
    hostile = registered_hooks[1]
    registry.after_restore(name="hostile", concurrent=hostile.concurrent, timeout=hostile.timeout)(hostile.func)
    if place == "first":
        registry.after_restore(name="after", required=False)(lambda: None)
    if "concurrent" in mode:
        registry.after_restore(name="beside", concurrent=True)(lambda: None)
    try:
        registry.run_after_restore()
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError("the interruption is lost")
    assert registry.last_report is not None
    told = outcomes(registry.last_report)
    assert set(told) == {hook.name for hook in registry.hooks}
    assert told["hostile"] is Outcome.FAILED
    assert told.get("after", Outcome.NOT_STARTED) is Outcome.NOT_STARTED
    registry.remove(next(hook for hook in registry.hooks if hook.name == "hostile"))
    registry.run_after_restore()  # and the registry is as usable as before


# Telling harms nothing.


class BadHandler(logging.Handler):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def emit(self, record: logging.LogRecord) -> None:
        raise self.error


class BadStream(io.StringIO):
    def write(self, text: str, /) -> int:
        text.encode("ascii")
        raise ValueError("I/O operation on closed file")


def bad_filter(_record: logging.LogRecord) -> bool:
    raise SystemExit(9)


@contextlib.contextmanager
def logging_to(handler: logging.Handler | None = None, *, filtered: bool = False) -> Iterator[None]:
    logger = logging.getLogger("snapstart_hooks")
    level = logger.level
    logger.setLevel(logging.DEBUG)
    if handler:
        logger.addHandler(handler)
    if filtered:
        logger.addFilter(bad_filter)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeFilter(bad_filter)
        if handler:
            logger.removeHandler(handler)


@contextlib.contextmanager
def streams(stream: object) -> Iterator[None]:
    before = sys.stdout, sys.stderr, sys.__stderr__
    sys.stdout = sys.stderr = sys.__stderr__ = stream
    try:
        yield
    finally:
        sys.stdout, sys.stderr, sys.__stderr__ = before


class BadObserver(HookObserver):
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def phase_started(self, *_: object) -> NoReturn:
        raise self.error

    hook_started = hook_finished = phase_finished = phase_started

    def __repr__(self) -> str:
        raise self.error


def told_badly(what: contextlib.AbstractContextManager[None], *observers: HookObserver) -> None:
    registry = Registry()
    for observer in observers:
        registry.add_observer(observer)
    ran: list[str] = []
    registry.before_snapshot(lambda: ran.append("before"))
    registry.after_restore(lambda: ran.append("after"))
    registry.after_restore(required=False)(lambda: 1 / 0)
    with what:
        registry.run_before_snapshot()
        assert registry.run_after_restore().ok
    assert ran == ["before", "after"]


# What is registered.


class Slippery:
    """Callable, and nothing else can be asked of it."""

    def __call__(self) -> None: ...

    def __getattribute__(self, name: str) -> object:
        raise ValueError(name)

    def __bool__(self) -> NoReturn:
        raise ValueError

    __eq__ = __hash__ = __repr__ = __len__ = __bool__


class OddPartial(functools.partial[None]):
    def __getattribute__(self, name: str) -> object:
        raise ValueError(name)


class StaticCall:
    @staticmethod
    def __call__() -> None: ...


class OddSignature:
    @property
    def __signature__(self) -> NoReturn:
        raise SystemExit

    def __call__(self) -> None: ...


def circle() -> None: ...


circle.__wrapped__ = circle


def first_of_two() -> None: ...


def second_of_two() -> None: ...


first_of_two.__wrapped__ = second_of_two
second_of_two.__wrapped__ = first_of_two


@functools.cache
def cached_circle() -> None: ...


cached_circle.__wrapped__ = cached_circle

PARTIAL_CIRCLE = functools.partial(circle)
PARTIAL_CIRCLE.__setstate__((PARTIAL_CIRCLE, (), {}, {}))


class Asked(type):
    @property
    def __signature__(cls) -> NoReturn:
        raise SystemExit


class OddClass(metaclass=Asked):
    pass


class Odd(str):
    def __eq__(self, other: object) -> bool:
        raise ValueError

    __hash__ = str.__hash__

    def lower(self) -> NoReturn:
        raise ValueError

    __str__ = strip = partition = isprintable = lower


class OddText(str):
    """Every method raises."""

    def strip(self, *_: object) -> NoReturn:
        raise SystemExit

    split = splitlines = partition = lower = startswith = endswith = isprintable = removeprefix = encode = strip
    __str__ = __repr__ = __format__ = __len__ = __iter__ = __contains__ = __getitem__ = __eq__ = __bool__ = strip
    __hash__ = str.__hash__


class OddDict(dict[str, object]):
    def items(self) -> NoReturn:
        raise SystemExit

    __iter__ = keys = values = __len__ = items


class OddModule(ModuleType):
    @property
    def __dict__(self) -> NoReturn:
        raise SystemExit

    @property
    def __name__(self) -> NoReturn:
        raise SystemExit


class OddFloat(float):
    def __float__(self) -> NoReturn:
        raise SystemExit

    __lt__ = __gt__ = __le__ = __eq__ = __bool__ = __repr__ = __mul__ = __float__
    __hash__ = float.__hash__


class OddInt(int):
    def __lt__(self, other: object) -> bool:
        raise ValueError

    __gt__ = __eq__ = __lt__
    __hash__ = int.__hash__

    def __int__(self) -> int:
        raise ValueError

    __index__ = __int__


class OddTuple(tuple[str, ...]):
    def __iter__(self) -> NoReturn:
        raise ValueError

    __len__ = __bool__ = __getitem__ = __iter__


def accepted(func: object, **options: object) -> None:
    registry, others = Registry(), list[str]()
    registry.after_restore(**options)(func)
    registry.after_restore(lambda: others.append("ran"))
    registry.after_restore(after=("hostile", "other"))(lambda: None)
    assert registry.run_after_restore().ok
    assert others == ["ran"]
    assert repr(registry.hooks)
    assert str(registry.hooks[0])
    registry.remove(registry.hooks[0])


def refused(func: object, **options: object) -> None:
    registry = Registry()
    try:
        registry.after_restore(**options)(func)
    except (HookSignatureError, HookOptionError, TypeError) as error:
        assert __file__ in str(error) or "hostile" in str(error)
        assert registry.hooks == ()
    else:
        raise AssertionError("nothing was refused")


# What a provider is.


class Attributes:
    """Raises when one of its attributes is looked at."""

    def __init__(self, name: str, error: BaseException) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "error", error)

    def before_snapshot(self) -> None: ...

    def __getattribute__(self, name: str) -> object:
        own = object.__getattribute__(self, "__dict__")
        if name == own.get("name"):
            raise own["error"]
        return object.__getattribute__(self, name)


class BadSequence(list[str]):
    def __iter__(self) -> NoReturn:
        raise SystemExit("no names for you")


def odd_registry() -> None:
    registry = Registry(allow=[OddText("snapstart-hooks")], provides=[OddText("further")])
    registry.after_restore(circle)
    outer = Registry()
    outer.include(registry, name=OddText("odd"))
    outer.discover()
    assert [hook.name for hook in outer.plan(Phase.AFTER_RESTORE) if hook.provider][-1:] == ["odd"]


def odd_provider(provider: object) -> None:
    """Its hook is found; what is asked only for a warning decides nothing."""
    vars(LIBRARY)["given"] = provider
    good = "[snapstart.hooks]\nodd = hostile_library:given\n"
    registry = discovered(Finder(Distribution(answers(metadata_of("odd"), good))))
    assert "odd:odd" in {info.name for info in registry.providers}


class OddModuleWithHook(OddModule):
    def after_restore(self) -> None: ...


class OddNames:
    def after_restore(self) -> None: ...

    @property
    def __dict__(self) -> OddDict:
        return OddDict(after_restor=1)


def module_of_odd_values() -> ModuleType:
    module = ModuleType("odd_values")
    value = SimpleNamespace(__module__=Returned())
    vars(module).update({"after_restore": lambda: None, "value": value})
    return module


def odd_path(entry: object) -> None:
    sys.path.insert(0, cast("str", entry))
    try:
        discovered()
    finally:
        del sys.path[0]


def odd_modules() -> None:
    """A connection is found, whatever modules and globals are made of."""
    module, odd = ModuleType("hostile_globals"), OddModule("hostile_module")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as connection:
        vars(module).update({"raises": Attributes("fileno", SystemExit()), "kept": connection, "file": OddText("x")})
        cast("dict[object, object]", vars(module))[7] = Returned()
        sys.modules.update({"hostile_globals": module, "hostile_module": odd, "hostile_none": cast("ModuleType", None)})
        try:
            found = holders({connection.fileno()})
        finally:
            for name in ("hostile_globals", "hostile_module", "hostile_none"):
                del sys.modules[name]
    assert "hostile_globals.kept" in found[next(iter(found))]


def bad_provider(provider: object) -> None:
    registry = Registry()
    try:
        registry.include(cast("Registry", provider), name="acme:pool")
    except ProviderError as error:
        assert str(error).startswith("provider acme:pool (acme:pool): ")
        assert registry.hooks == ()
    else:
        raise AssertionError("nothing was refused")


# What discovery finds.


class Distribution(importlib.metadata.Distribution):
    """A distribution of a finder of its own."""

    def __init__(self, read: Callable[[str], object], path: object = None) -> None:
        self._read, self._path = read, path

    def read_text(self, filename: str) -> str | None:
        return cast("str | None", self._read(filename))

    def locate_file(self, path: object) -> NoReturn:
        raise OSError


class Finder:
    """Finds what it is given, or raises it."""

    def __init__(self, *found: object) -> None:
        self.found = found

    def find_distributions(self, _context: object) -> Iterator[object]:
        for each in self.found:
            if isinstance(each, BaseException):
                raise each
            yield each

    def find_spec(self, *_: object) -> None: ...


class BadFinder:
    @property
    def find_distributions(self) -> NoReturn:
        raise SystemExit

    def find_spec(self, *_: object) -> None: ...


class BadPath:
    def __str__(self) -> str:
        raise SystemExit

    __fspath__ = __repr__ = __str__


GOOD: Final = "[snapstart.hooks]\nown = hostile_library\n"
LIBRARY: Final = ModuleType("hostile_library")
LIBRARY.after_restore = lambda: None


def metadata_of(name: str) -> str:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"


def answers(metadata: object = metadata_of("bad"), entry_points: object = GOOD) -> Callable[[str], object]:
    def read(filename: str) -> object:
        answer = {"METADATA": metadata, "entry_points.txt": entry_points}.get(filename)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return read


def odd_answers(which: str) -> Callable[[str], object]:
    read = answers()

    def odd(filename: str) -> object:
        text = read(filename) if filename != "RECORD" else "bad.py,,"
        return OddText(text) if filename == which else text

    return odd


def discovered(*finders: object, faults: int = 0) -> Registry:
    """Discovery with these finders, one of which has a good distribution; that one is always found."""
    good = Finder(Distribution(answers(metadata_of("good"))))
    registry = Registry()
    sys.modules["hostile_library"] = LIBRARY
    meta_path = list(sys.meta_path)
    sys.meta_path[:0] = [*cast("list[Finder]", finders), good]
    try:
        registry.discover()
        found = 0
    except DiscoveryError as error:
        found = len(error.exceptions)
        assert str(error).isprintable()
    finally:
        sys.meta_path[:] = meta_path
        del sys.modules["hostile_library"]
    assert found == faults
    assert "good:own" in {info.name for info in registry.providers}
    for line in (*registry.skipped, *map(repr, registry.providers)):
        assert line.isprintable()
    return registry


def bad_distribution(faults: int, read: Callable[[str], object], path: object = None) -> None:
    discovered(Finder(Distribution(read, path)), faults=faults)


def special_file(name: str, faults: int = 0) -> None:
    """Nothing is read from a pipe: whoever opens it waits for a writer."""
    with tempfile.TemporaryDirectory() as folder:
        metadata = Path(folder, "special-1.0.dist-info")
        metadata.mkdir()
        for file, text in {"METADATA": metadata_of("special"), "entry_points.txt": GOOD, "RECORD": ""}.items():
            (metadata / file).write_text(text)
        pipe = metadata / name
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe)
        sys.path.insert(0, folder if name in {"METADATA", "entry_points.txt", "RECORD"} else str(pipe))
        try:
            discovered(faults=faults)
        finally:
            del sys.path[0]


# The size of it.


def calls(work: Callable[[], object]) -> int:
    """How many functions are called."""
    count = 0

    def note(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def linear(prepare: Callable[[int], Callable[[], object]]) -> None:
    assert calls(prepare(2000)) < 14 * calls(prepare(200))


def hooks_that_register(number: int, **options: object) -> Callable[[], object]:
    registry = Registry()

    def register(index: int) -> None:
        registry.after_restore(name=f"late {index}", **options)(lambda: None)

    for index in range(number):
        registry.register_after_restore(register, index)
    return registry.run_after_restore


def a_chain_that_registers_itself(number: int) -> Callable[[], object]:
    registry = Registry()

    def register(index: int) -> None:
        if index < number:
            registry.after_restore(name=str(index), after=(str(index - 1),)).call(register, index + 1)

    registry.after_restore(name="0").call(register, 1)
    return registry.run_after_restore


def ordering(options: Callable[[int, int], Mapping[str, object]]) -> Callable[[int], Callable[[], object]]:
    def prepare(number: int) -> Callable[[], object]:
        registry = Registry()
        for index in range(number):
            registry.after_restore(**options(index, number))(lambda: None)

        def plan() -> None:
            with contextlib.suppress(HookOrderError):
                registry.plan(Phase.AFTER_RESTORE)

        return plan

    return prepare


def bounded_cycle() -> None:
    registry = Registry()
    for index in range(10_000):
        registry.after_restore(name=f"h{index}", after=(f"h{(index + 1) % 10_000}",))(lambda: None)
    try:
        order(registry.hooks)
    except HookOrderError as error:
        assert len(str(error)) < 10_000
        assert len(error.cycle) == 10_001
    else:
        raise AssertionError("a cycle passed")


# Loops.


def own_factory(loop: asyncio.AbstractEventLoop, coro: object) -> asyncio.Task[object]:
    return asyncio.Task(cast("asyncio.Future[object]", coro), loop=loop)


def on_loop(prepare: Callable[[asyncio.AbstractEventLoop], object]) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        prepare(loop)
        for mode in MODES:
            assert registered(mode, lambda: None).run_after_restore().ok
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def concurrently() -> None:
    """Several threads discover, register, remove and plan; nothing is lost or twice."""
    registry, start = Registry(), threading.Barrier(8)
    sys.modules["hostile_library"] = LIBRARY
    finder = Finder(Distribution(answers(metadata_of("good"))))
    sys.meta_path.insert(0, finder)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            start.wait()
            for _ in range(20):
                registry.discover()
                registry.after_restore(lambda: None)
                registry.plan(Phase.AFTER_RESTORE)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.meta_path.remove(finder)
        del sys.modules["hostile_library"]
    assert errors == []
    assert len([hook for hook in registry.plan(Phase.AFTER_RESTORE) if hook.provider is None]) == 160
    assert [info.name for info in registry.providers].count("good:own") == 1


def forks_beside_others() -> None:
    """What the child does with the loop of its parent, which is about to wait there, harms nobody."""
    registry = Registry()

    def fork() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other threads run
            child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)

    for hook in (fork, lambda: None):
        registry.after_restore(concurrent=True, timeout=60)(hook)
    assert registry.run_after_restore().ok


def cycle_by_a_running_hook() -> None:
    """What it registers cannot be ordered, so it fails; all that was planned has run."""
    registry, ran = Registry(), list[str]()

    def register() -> None:
        registry.after_restore(name="a", after=("b",))(lambda: ran.append("a"))
        registry.after_restore(name="b", after=("a",))(lambda: ran.append("b"))

    registry.after_restore(register)
    registry.after_restore(name="planned")(lambda: ran.append("planned"))
    told = outcomes(report_of(registry))
    assert ran == ["planned"]
    assert told["a"] is told["b"] is Outcome.FAILED
    assert told["planned"] is Outcome.OK


def removed_by_a_running_hook() -> None:
    registry = Registry()
    registry.after_restore(lambda: registry.remove(registry.hooks[-1]))
    registry.after_restore(name="kept")(lambda: None)
    registry.after_restore(name="removed")(lambda: None)
    assert "removed" not in outcomes(registry.run_after_restore())


def late_for_good() -> None:
    """A hook that swallows everything cannot be stopped, but it is told, and the next ones run."""
    registry = Registry()

    def stubborn() -> None:
        end = time.monotonic() + 0.4
        while time.monotonic() < end:
            with contextlib.suppress(BaseException):
                time.sleep(0.4)

    registry.after_restore(timeout=0.05, name="stubborn")(stubborn)
    registry.after_restore(name="next")(lambda: None)
    assert outcomes(report_of(registry)) == {"stubborn": Outcome.TIMED_OUT, "next": Outcome.OK}


# What a hook does to the process.


@contextlib.contextmanager
def put_back(*places: tuple[object, str]) -> Iterator[None]:
    before = [(owner, name, getattr(owner, name)) for owner, name in places]
    modules = {name: module for name, module in sys.modules.items() if name.startswith("asyncio")}
    traces = [(owner, owner.gettrace(), owner.getprofile()) for owner in (sys, threading)]  # what measures coverage
    try:
        yield
    finally:
        if sys.version_info >= (3, 12) and threading.gettrace() is refuse:
            threading.settrace_all_threads(None)
            threading.setprofile_all_threads(None)
        for owner, trace, profile in traces:
            owner.settrace(trace)
            owner.setprofile(profile)
        sys.modules.update(modules)
        for owner, name, value in before:
            setattr(owner, name, value)


def disturbed(
    *hooks: Callable[[], object],
    places: Sequence[tuple[object, str]] = (),
    prepare: Callable[[], object] = bool,
    **options: object,
) -> None:
    """The hooks that have nothing to do with it run all the same, and every hook is in the report, once."""
    registry, ran = Registry(), list[str]()
    registry.after_restore(name="first")(lambda: ran.append("first"))
    for number, hook in enumerate(hooks):
        registry.after_restore(name=f"hostile {number}", **options)(hook)
    registry.after_restore(name="last")(lambda: ran.append("last"))
    with put_back(*places), contextlib.suppress(HooksFailed):
        prepare()
        registry.run_after_restore()
    assert registry.last_report is not None
    told = outcomes(registry.last_report)
    assert told.keys() == {hook.name for hook in registry.hooks}
    assert ran == ["first", "last"]
    assert told["first"] is told["last"] is Outcome.OK
    assert Outcome.NOT_STARTED not in told.values()
    assert registry.run_before_snapshot().ok  # and the registry is as usable as before


def refuse(*_: object) -> NoReturn:
    raise LookupError("not here")


def replace(owner: object, *names: str) -> Callable[[], None]:
    def hostile() -> None:
        for name in names:
            setattr(owner, name, refuse)

    return hostile


async def waits() -> None:
    await asyncio.sleep(0.02)


async def cancels_all() -> None:
    for task in asyncio.all_tasks():
        task.cancel()
    await asyncio.sleep(0.01)


async def cancels_others() -> None:
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.sleep(0.01)


async def stops_the_loop() -> None:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.01)


def without_tasks(_loop: asyncio.AbstractEventLoop, coro: object, **_: object) -> NoReturn:
    cast("types.CoroutineType[object, object, object]", coro).close()
    raise RuntimeError("no task")


def without_asyncio() -> None:
    sys.modules["asyncio"] = cast("ModuleType", None)


def traces_all_threads() -> None:
    if sys.version_info >= (3, 12):
        threading.settrace_all_threads(refuse)
        threading.setprofile_all_threads(refuse)
    else:
        sys.settrace(refuse)


def stubborn() -> None:
    signal.pthread_kill = refuse
    for _ in range(500):
        time.sleep(0.01)


def late_at_once() -> None:
    """A limit holds after there was something wrong with all threads."""
    registry, begin = Registry(), time.monotonic()
    registry.after_restore(timeout=0.05)(lambda: time.sleep(90))
    report_of(registry)
    assert time.monotonic() - begin < 60


def on_a_thread(case: Callable[[], object]) -> None:
    """Where there is no event loop yet."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            case()
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert errors == []


def one_after_the_other(*cases: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        for case in cases:
            case()

    return run


def limited_without_threads(start: tuple[type[threading.Thread], str]) -> None:
    """What cannot be stopped in time is late all the same."""
    registry, ran = Registry(), list[str]()
    registry.after_restore(name="late", timeout=0.01)(lambda: time.sleep(0.05))
    registry.after_restore(name="last", timeout=30)(lambda: ran.append("last"))
    forget_threads()
    with put_back(start):
        replace(*start)()
        assert outcomes(report_of(registry)) == {"late": Outcome.TIMED_OUT, "last": Outcome.OK}
    forget_threads()
    assert ran == ["last"]


def disturbing() -> dict[str, Callable[[], None]]:
    thread, several = (threading.Thread, "start"), {"concurrent": True}
    clocks = tuple((time, name) for name in ("time", "perf_counter_ns", "perf_counter", "monotonic"))
    return {
        **{
            f"{hook.__name__} {'beside others' if options else 'alone'}": functools.partial(
                disturbed, hook, *others, **options
            )
            for hook in (cancels_all, cancels_others, stops_the_loop)
            for others, options in (((), {}), ((waits, lambda: time.sleep(0.02)), several))
        },
        "a loop that makes no tasks": lambda: on_loop(
            lambda loop: [
                loop.set_task_factory(without_tasks),
                one_after_the_other(
                    functools.partial(disturbed, waits),
                    functools.partial(disturbed, waits, waits, lambda: None, **several),
                )(),
                loop.set_task_factory(None),
            ]
        ),
        "a loop with eager tasks": lambda: on_loop(
            lambda loop: loop.set_task_factory(getattr(asyncio, "eager_task_factory", None))
        ),
        **{
            f"no loop can be made for {name}": functools.partial(
                on_a_thread,
                functools.partial(
                    disturbed,
                    waits,
                    waits,
                    places=((asyncio, "new_event_loop"),),
                    prepare=replace(asyncio, "new_event_loop"),
                    concurrent=concurrent,
                ),
            )
            for name, concurrent in {"one": False, "several": True}.items()
        },
        "no thread can be started": lambda: disturbed(
            replace(*thread), *[lambda: time.sleep(0.01)] * 40, places=(thread,), **several
        ),
        "no thread can be started for a limit": lambda: limited_without_threads(thread),
        "no thread can be made for a limit": lambda: limited_without_threads((threading.Thread, "__init__")),
        "there are no threads": lambda: disturbed(
            replace(threading, "Thread"), lambda: None, lambda: None, places=((threading, "Thread"),), **several
        ),
        "there is no clock": lambda: disturbed(
            replace(time, "time", "perf_counter_ns", "perf_counter", "monotonic"), places=clocks
        ),
        "asyncio cannot be imported": lambda: disturbed(without_asyncio, waits, lambda: 1 / 0),
        "a trace function that raises": lambda: disturbed(lambda: sys.settrace(refuse)),
        "a profile function that raises": lambda: disturbed(lambda: sys.setprofile(refuse)),
        "trace functions of all threads that raise": one_after_the_other(
            functools.partial(disturbed, traces_all_threads), late_at_once
        ),
        "signals cannot be sent": one_after_the_other(
            functools.partial(disturbed, stubborn, places=((signal, "pthread_kill"),), timeout=0.05), late_at_once
        ),
    }


def exceptions() -> dict[str, Callable[[], None]]:
    return {
        f"{kind(make())} {index} {mode}": functools.partial(raises, mode, make)
        for index, make in enumerate(EXCEPTIONS)
        for mode in MODES
    }


def values() -> dict[str, Callable[[], None]]:
    harmless = (Returned(), NotAwaitable(), 0, "", False, Empty(), Untrue(), float("nan"), Slippery)
    bad = (AwaitRaises(), AwaitGivesNothing())
    return {
        **{
            f"{type(value).__qualname__} {index} {mode}": functools.partial(returns, mode, value, Outcome.OK)
            for index, value in enumerate(harmless)
            for mode in MODES
        },
        **{
            f"{type(value).__qualname__} {mode}": functools.partial(returns, mode, value, Outcome.FAILED)
            for value in bad
            for mode in ("alone", "concurrent", "limited")
        },
        **{
            f"{make.__qualname__} {mode}": functools.partial(returns_unstarted, mode, make)
            for make in (never_awaited, never_iterated)
            for mode in MODES
            if "async" in mode or mode == "awaitable"
        },
        **{f"what dies {mode}": functools.partial(returns_what_dies, mode) for mode in MODES},
    }


def interruptions() -> dict[str, Callable[[], None]]:
    return {
        f"{mode}, {place}": functools.partial(interrupted, mode, place)
        for mode in MODES
        if mode != "concurrent"  # on a worker: nobody pressed a key
        for place in ("first", "last", "only")
    }


def telling() -> dict[str, Callable[[], None]]:
    errors: tuple[BaseException, ...] = (ValueError(), SystemExit(3), GeneratorExit(), Speechless(), Undecided())
    return {
        **{
            f"handler {type(error).__name__}": lambda error=error: told_badly(logging_to(BadHandler(error)))
            for error in errors
        },
        "filter": lambda: told_badly(logging_to(filtered=True)),
        **{
            f"stream {name}": lambda stream=stream: told_badly(streams(stream))
            for name, stream in {"closed": BadStream(), "none": None, "no stream": object()}.items()
        },
        **{
            f"{name} stream of a handler": lambda stream=stream: told_badly(logging_to(logging.StreamHandler(stream)))
            for name, stream in {
                "closed": BadStream(),
                "ascii": io.TextIOWrapper(io.BytesIO(), "ascii"),
                "odd": cast("io.StringIO", SimpleNamespace()),
            }.items()
        },
        **{
            f"observer {type(error).__name__}": lambda error=error: told_badly(
                contextlib.nullcontext(), BadObserver(error)
            )
            for error in errors
        },
        "observer that is none": lambda: told_badly(contextlib.nullcontext(), cast("HookObserver", 7)),
        "both": lambda: told_badly(logging_to(BadHandler(SystemExit())), BadObserver(SystemExit())),
    }


def registering() -> dict[str, Callable[[], None]]:
    good = {
        "slippery": Slippery(),
        "odd partial": OddPartial(circle),
        "circle": circle,
        "circle of two": first_of_two,
        "partial of a circle": functools.partial(first_of_two),
        "builtin": dict[str, str]().clear,
        "static call": StaticCall(),
        "class": SimpleNamespace,
    }
    bad_options: dict[str, dict[str, object]] = {
        "no name": {"name": ""},
        "blank name": {"name": " "},
        "bytes": {"name": b"hostile"},
        "after one": {"after": "hostile"},
        "after iterator": {"after": iter(["hostile"])},
        "after numbers": {"after": (1,)},
        "after set": {"after": {"hostile"}},
        "bool": {"priority": True},
        "float": {"priority": 1.5},
        "never": {"timeout": 0},
        "negative": {"timeout": -1},
        "nan": {"timeout": float("nan")},
        "for ever": {"timeout": float("inf")},
        "huge": {"timeout": 10**500},
        "truthy": {"required": 1},
        "falsy": {"concurrent": None},
    }
    return {
        **{name: functools.partial(accepted, func) for name, func in good.items()},
        "odd name": lambda: accepted(circle, name=Odd("hostile")),
        "name with control characters": lambda: accepted(circle, name="a\x1b[2J\nERROR forged\u202e"),
        "long name": lambda: accepted(circle, name="x" * 100_000),
        "name with a long space": lambda: accepted(circle, name=f"a{' ' * 300_000}b"),
        "odd priority": lambda: accepted(circle, priority=OddInt(5)),
        "huge priority": lambda: refused(circle, priority=-(10**5000)),
        "odd text": lambda: accepted(circle, name=OddText("hostile"), after=[OddText("other thing")]),
        "odd seconds": lambda: accepted(circle, timeout=OddFloat(5)),
        "odd whole seconds": lambda: accepted(circle, timeout=OddInt(5)),
        "odd names of a registry": odd_registry,
        "odd tuple": lambda: accepted(circle, after=OddTuple(("other thing",))),
        "odd signature": lambda: accepted(OddSignature),
        "class whose signature raises": lambda: refused(OddClass),
        "cache of itself": lambda: accepted(cached_circle),
        "partial of itself": lambda: refused(PARTIAL_CIRCLE),
        "no such option": lambda: refused(circle, prority=1),
        **{f"option {name}": functools.partial(refused, circle, **options) for name, options in bad_options.items()},
        "not callable": lambda: refused(SimpleNamespace(name="hostile")),
        "generator function": lambda: refused(lambda: (yield)),
    }


def providers() -> dict[str, Callable[[], None]]:
    errors: tuple[BaseException, ...] = (ValueError(), SystemExit(), GeneratorExit(), Speechless(), Closed())
    return {
        **{
            f"{name} raises {type(error).__name__}": functools.partial(bad_provider, Attributes(name, error))
            for name in ("before_snapshot", "after_restore", "priority", "after", "timeout", "required", "concurrent")
            for error in errors
        },
        "__dict__ raises": lambda: odd_provider(OddModuleWithHook("odd")),
        "__dict__ is odd": lambda: odd_provider(OddNames()),
        "a value of a module is equal to nothing": lambda: odd_provider(module_of_odd_values()),
        "its names are odd": lambda: odd_provider(
            SimpleNamespace(after_restore=circle, provides=[OddText("a")], after=[OddText("b")])
        ),
        "after raises": lambda: bad_provider(SimpleNamespace(after_restore=circle, after=BadSequence(["a"]))),
        "after is a number": lambda: bad_provider(SimpleNamespace(after_restore=circle, after=7)),
        "slippery": lambda: bad_provider(Slippery()),
        "none": lambda: bad_provider(None),
    }


def discovering() -> dict[str, Callable[[], None]]:
    section = "[snapstart.hooks]\n"
    return {
        **{
            f"finder that raises {error!r}": functools.partial(discovered, Finder(error), faults=1)
            for error in (ValueError(), SystemExit(), GeneratorExit())
        },
        "finder whose attribute raises": lambda: print(discovered(BadFinder(), faults=1)),
        "finder that gives anything": lambda: print(discovered(Finder(7, None, object()), faults=1)),
        **{
            f"entry_points.txt {text!r}": functools.partial(bad_distribution, faults, answers(entry_points=text))
            for text, faults in {
                ValueError(): 1,
                SystemExit(): 1,
                GOOD.encode(): 0,
                b"\xff\xfe" + GOOD.encode(): 1,
                7: 1,
                f"\ufeff{GOOD}": 0,
                f"{section}odd\n": 1,
                f"{section}odd = \n": 1,
                f"{section}= odd\n": 1,
                f"{section}\x1b[2J = nothing_at_all\n": 1,
                f"{section}odd = not valid!!\n": 1,
                f"{section}odd = hostile_library:{'x.' * 500}x\n": 1,
            }.items()
        },
        **{
            f"METADATA {str(text)[:30]!r} {index}": functools.partial(bad_distribution, 0, answers(metadata=text))
            for index, text in enumerate(
                (
                    ValueError(),
                    SystemExit(),
                    None,
                    "",
                    "\x00",
                    "Name: \x1b[2J\nVersion: 1\n",
                    f"Name: a\nVersion: {'9' * 5000}\n",
                )
            )
        },
        **{
            f"{which} of odd text": lambda which=which: bad_distribution(0, odd_answers(which))
            for which in ("METADATA", "entry_points.txt", "RECORD")
        },
        **{
            f"sys.path with {type(entry).__name__}": functools.partial(odd_path, entry)
            for entry in (Path("/nowhere"), None, b"/nowhere", 7, BadPath())
        },
        "modules and globals that raise": odd_modules,
        "path that raises": lambda: bad_distribution(0, answers(), BadPath()),
        "path of a number": lambda: bad_distribution(0, answers(), 7),
        "version of 5,000 digits": lambda: print(version_key("9" * 5000)),
        "several at once": concurrently,
        **{
            f"a pipe called {name}": functools.partial(special_file, name, faults)
            for name, faults in {"entry_points.txt": 1, "METADATA": 0, "RECORD": 0, "on the path": 0}.items()
            if hasattr(os, "mkfifo")
        },
    }


def phases() -> dict[str, Callable[[], None]]:
    return {
        "a running hook makes a cycle": cycle_by_a_running_hook,
        "a running hook removes another": removed_by_a_running_hook,
        **({"a hook that forks beside others": forks_beside_others} if hasattr(os, "fork") else {}),
        "a hook that cannot be stopped": late_for_good,
        "a task factory without context": lambda: on_loop(lambda loop: loop.set_task_factory(own_factory)),
        "a loop in debug mode": lambda: on_loop(lambda loop: loop.set_debug(True)),
    }


def sizes() -> dict[str, Callable[[], None]]:
    return {
        "hooks that register hooks": lambda: linear(hooks_that_register),
        "hooks that register urgent hooks": lambda: linear(lambda number: hooks_that_register(number, priority=-1)),
        "a chain that registers itself": lambda: linear(a_chain_that_registers_itself),
        "a cycle of all": lambda: linear(
            ordering(lambda index, number: {"name": str(index), "after": (str((index + 1) % number),)})
        ),
        "equal names": lambda: linear(ordering(lambda *_: {"name": "same"})),
        "equal names that wait for each other": lambda: linear(
            ordering(lambda *_: {"name": "same", "after": ("same",)})
        ),
        "half waits for the other": lambda: linear(
            ordering(lambda index, _: {"name": "a", "after": ("b",)} if index % 2 else {"name": "b"})
        ),
        "equal names that overlap": lambda: linear(ordering(lambda *_: {"name": "same", "concurrent": True})),
        "the message of a cycle": bounded_cycle,
    }


KINDS: Final[Mapping[str, Callable[[], dict[str, Callable[[], None]]]]] = {
    "exceptions": exceptions,
    "return values": values,
    "interruptions": interruptions,
    "telling": telling,
    "registering": registering,
    "providers": providers,
    "discovery": discovering,
    "phases": phases,
    "the process": disturbing,
    "sizes": sizes,
}
