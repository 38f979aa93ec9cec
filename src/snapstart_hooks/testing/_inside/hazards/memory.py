"""What the process keeps in memory: what was not sent yet, credentials, names of files."""

from __future__ import annotations

import binascii
import gc
import io
import itertools
import json
import os
import queue
import re
import sys
from collections import deque
from pathlib import PurePath
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Final, cast

from .observation import observation
from .owners import HERE, application_modules, is_standard, members, nearest_names, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .observation import Observation

__all__ = ("Buffers", "Credentials", "Paths", "held", "kept")

_QUEUES: Final = (queue.Queue, queue.SimpleQueue)
_HOLDS: Final = re.compile(r"buffer|queue|batch|pending", re.IGNORECASE)


class Buffers:
    """What was written or recorded before the snapshot, and was not sent: every clone sends it."""

    def __init__(self) -> None:
        self._before: dict[int, int] = {}

    def snapshot(self) -> None:
        """Note which objects hold something."""
        self._before = {id(owner): amount for owner, amount, _ in _holding()}

    def ready(self) -> Iterator[Observation]:
        """Those that no hook has emptied."""
        found = [(owner, what) for owner, _, what in _holding() if id(owner) in self._before]
        names = nearest_names([owner for owner, _ in found])
        for owner, what in found:
            name = names.get(id(owner), "")
            yield observation(
                "unflushed-data",
                name or f"a {_kind(owner)}",
                f"it still holds {what} from before the snapshot, which every clone sends or writes",
                _kind(owner),
                grave=True,
            )


def _holding() -> Iterator[tuple[object, int, str]]:
    """The objects that hold something which they are to hand on, and how much."""
    hands_on: dict[type[object], tuple[type, ...]] = {}
    sent = {kind: names for module in application_modules() for kind, names in _sent(module)}
    for each in gc.get_objects():
        kind = cast("type[object]", type(each))
        if kind not in hands_on:
            hands_on[kind] = _hands_on(kind)
        if kind is io.TextIOWrapper:
            if pending := _unwritten(cast("io.TextIOWrapper", each)):
                yield each, pending, f"{pending} characters or bytes"
        elif kind is io.BufferedWriter:
            if (pending := _behind(cast("io.BufferedWriter", each))) and not _wrapped(each):
                yield each, pending, f"{pending} bytes"
        elif hands_on[kind]:
            for name, value in _state(each):
                known = name in sent.get(kind, ()) or _HOLDS.search(name) is not None
                if issubclass(type(value), hands_on[kind]) and (amount := _amount(value, known=known)):
                    yield each, amount, f"{amount} items in .{name}"
                    break


def _hands_on(kind: type[object]) -> tuple[type, ...]:
    """In what its objects hold what they have yet to hand on; nothing if they never do, or are files.

    An object whose flush does nothing, and that otherwise only takes what it is given, is a sink, as tests use it.
    But a queue is made for handing on, if by another thread.
    """
    ways = [getattr(kind, name, None) for name in _WAYS]
    if issubclass(kind, io.IOBase) or not any(map(callable, ways)):
        return ()
    return (deque, list, *_QUEUES) if any(map(_does_something, ways)) else _QUEUES


_WAYS: Final = ("flush", "force_flush", "emit", "export")


def _sent(module: ModuleType) -> Iterator[tuple[type[object], set[str]]]:
    """The classes of a module, and the names in the code of what hands on what their objects hold."""
    for kind in list(cast("dict[str, object]", vars(module)).values()):
        if issubclass(type(kind), type) and cast("type[object]", kind).__module__ == module.__name__:
            ways = [vars(kind).get(name) for name in _WAYS]
            yield (
                cast("type[object]", kind),
                {name for way in ways if type(way) is FunctionType for name in way.__code__.co_names},
            )


def _does_something(way: object) -> bool:
    """Whether it does anything when it is called without an argument."""
    code = way.__code__ if isinstance(way, FunctionType) else None
    if code is None:
        return callable(way)
    needed = code.co_argcount - len(cast("FunctionType", way).__defaults__ or ()) - 1
    return needed <= 0 and bool(code.co_names or code.co_freevars)


def _state(owner: object) -> Iterator[tuple[str, object]]:
    try:
        own: object = object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return
    if isinstance(own, dict):
        yield from list(cast("dict[str, object]", own).items())


def _amount(value: object, *, known: bool) -> int:
    kind = type(value)
    if issubclass(kind, deque):
        return len(cast("deque[object]", value))
    if issubclass(kind, _QUEUES):
        return cast("queue.Queue[object]", value).qsize()
    return len(cast("list[object]", value)) if issubclass(kind, list) and known else 0


def _unwritten(file: io.TextIOWrapper) -> int:
    """How much it holds; asking it for its position would make it write that."""
    try:
        if file.closed or not file.writable() or _standard(file.fileno()):
            return 0
        known = (file.encoding, file.errors)
        behind: int = _behind(file.buffer)
    except (OSError, ValueError):
        return 0
    for held in cast("list[object]", gc.get_referents(file)):  # what was written is among what it refers to
        if isinstance(held, list):
            behind += sum(map(len, cast("list[str]", held)))
        elif isinstance(held, bytes) or (isinstance(held, str) and held not in known and held not in _NEWLINES):
            behind += len(held)
    return behind


_NEWLINES: Final = ("", "\n", "\r", "\r\n")


def _behind(file: object) -> int:
    """How many bytes a buffered writer holds."""
    given = file
    if not isinstance(file, io.BufferedWriter):
        return 0
    try:
        if file.closed or not file.seekable() or _standard(file.fileno()):
            return 0
        raw: object = getattr(given, "raw")  # noqa: B009 - a type that not all checkers know
        behind = file.tell() - cast("io.RawIOBase", raw).tell()
        return max(0, behind)
    except (OSError, ValueError):
        return 0


def _standard(fd: int) -> bool:
    return fd in (1, 2)


def _wrapped(file: object) -> bool:
    return any(type(each) is io.TextIOWrapper for each in gc.get_referrers(file))


def _kind(owner: object) -> str:
    return f"{type(owner).__module__}.{type(owner).__qualname__}"


class Credentials:
    """Keys from before the snapshot, which clones still hold."""

    def finished(self) -> Iterator[Observation]:
        """The objects that still hold them when the events are answered: those that renew them on use have done so."""
        found: list[tuple[str, str, object]] = [
            (name, member, holder)
            for name, member, holder in walk(ranks=2)
            if type(member) is str and member.endswith(_UNTIL_INIT) and member.startswith(_KEY)
        ]
        renewing = tuple(f"{name.rpartition('.')[0]}." for name, _, holder in found if _renews(holder))
        for name, member, holder in found:
            if name.startswith(renewing) and not _renews(holder):
                continue  # a part of what is reported already
            yield observation(
                "cached-credentials",
                name,
                f"it is still the access key from before the snapshot, {member}"
                + (", until that has expired" if _renews(holder) else ""),
                "" if type(holder) in (dict, ModuleType) else _kind(holder),
                grave=not _renews(holder),
            )


def _renews(holder: object) -> bool:
    return any(hasattr(type(holder), way) for way in ("refresh", "_refresh"))


def held(answers: Iterable[str]) -> Iterator[tuple[str, str]]:
    """By the JSON text of what was answered, the global of the application that holds it, or a part of it."""
    leaves = set(itertools.islice((leaf for answer in answers for leaf in _leaves(answer)), _LEAVES))
    if not leaves:
        return
    names: dict[object, str] = {}
    for name, member, _ in walk(ranks=1):
        if type(member) in (str, float, bytes) or (type(member) is int and abs(member) >= _MANY):
            names.setdefault(member, name)
    texts = [(text, name) for text, name in names.items() if isinstance(text, str) and len(text) >= _LONG]
    for leaf in leaves:
        found = names.get(leaf)
        if found is None and isinstance(leaf, str):
            found = next((name for text, name in texts if text in leaf), None)
        if found is not None:
            yield json.dumps(leaf), found


def kept() -> Iterator[tuple[str, list[object]]]:
    """Texts and numbers that globals of the application hold: a checksum, or itself, and how to show it."""
    for name, member, _ in walk(ranks=1):
        steps = _KEYS.sub("", name)
        if steps.count(".") > _DEPTH:
            continue
        if "._" in steps.partition(".")[2]:  # of some library's object: it may well name its own address there
            if type(member) is str and _UUID.fullmatch(member):
                yield name, [binascii.crc32(member.encode()), f"{member!r}"]
            continue
        if type(member) is float or (type(member) is int and abs(member) >= _MANY):
            yield name, [float(member), f"{member!r}"]
        elif type(member) in (str, bytes):
            data = member.encode(errors="replace") if isinstance(member, str) else cast("bytes", member)
            if _LONG < len(data) < _CHUNK:
                yield name, [binascii.crc32(data), f"{member!r:.60}"]


_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_KEYS: Final = re.compile(r"\[[^]]*\]")
_DEPTH: Final = 3
_CHUNK: Final = 4096


def _leaves(text: str) -> Iterator[object]:
    try:
        value: object = json.loads(text)
    except ValueError:
        return  # bytes
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += cast("dict[str, object]", each).values()
        elif isinstance(each, list):
            waiting += cast("list[object]", each)
        elif isinstance(each, str) and each[:1] in ("{", "["):
            yield from _leaves(each)
        elif isinstance(each, (str, int, float)):
            yield each


_LEAVES: Final = 200
_MANY: Final = 1000
_LONG: Final = 6

_KEY: Final = "ASIALOCALSNAP"
_UNTIL_INIT: Final = "000INIT"
"""How the access key begins and ends that `CredentialsEndpoint` gives before the restore."""


class Paths:
    """Names of temporary files that do not exist any more."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def before(self) -> None:
        """Note which exist."""
        self._seen |= {path for _, path in _paths() if os.path.exists(path)}

    def ready(self) -> Iterator[Observation]:
        """Those that did exist, and do not now."""
        for name, path in _paths():
            if path in self._seen and not os.path.exists(path):
                yield observation(
                    "missing-temporary-file", name, f"{path} does not exist after the restore", name, grave=True
                )


def _paths() -> Iterator[tuple[str, str]]:
    """Strings and paths in the application's globals, or in what those hold, that are in the temporary directory."""
    made: object = getattr(sys.modules.get("tempfile"), "tempdir", None)
    folders = tuple(f"{folder}/" for folder in {made, "/tmp"} if isinstance(folder, str))
    for module in application_modules():
        for name, value in list(cast("dict[str, object]", vars(module)).items()):
            if name.startswith("__"):
                continue
            found = [(f"{module.__name__}.{name}", value)]
            kind = type(value)  # not `isinstance`, for which a lazy proxy would load what it stands for
            if issubclass(kind, (dict, list, tuple)) or not (callable(value) or is_standard(kind.__module__)):
                found += [(f"{module.__name__}.{name}{part}", member) for part, member in members(found[0][1])]
            for where, each in found:
                path = str(each) if issubclass(type(each), PurePath) else each
                if type(path) is str and path.startswith(folders) and "\n" not in path and not path.startswith(HERE):
                    yield where, path
