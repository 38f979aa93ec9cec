"""What each generator of random numbers in the process would give next."""

from __future__ import annotations

import gc
import random
import sys
from types import BuiltinMethodType, MethodType, ModuleType
from typing import TYPE_CHECKING, Final, cast

from .owners import application_modules, named_far, names_of
from .sighting import Sighting, is_standard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

__all__ = ("Generators",)

_CODE: Final = "repeated-random"
_FRESH: Final = (623, 624)
"""Where a Mersenne Twister stands that was seeded and never drawn from."""


class Generators:
    """Draws from a copy of each."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def look(self, *, restored: bool) -> Iterator[Sighting]:
        """What each would give next.

        Args:
            restored: Whether this is a clone. Some cannot be copied, so they are asked;
                before the snapshot that would start those that the function has not used.
        """
        own = list(_instances())
        self._names |= names_of([each for each in own if id(each) not in self._names])
        for each in own:
            name = self._names.get(id(each), "")
            if is_standard(name or "unknown") or each is _shared() or each is _shared_numpy():
                continue  # Python's own are asked below, if anybody uses them
            if (drawn := _drawn(each)) is not None:
                grave = named_far(name) == 0 or _used(each)
                yield _sighting(name or f"a {_kind(each)} that no module names", drawn, name, grave=grave)
        yield from _module_level()
        for subject, origin, draw, grave in _public() if restored else ():
            try:
                drawn = draw()
            except Exception:  # noqa: BLE001, S112 - it is not as we know it, so there is nothing to compare
                continue
            yield _sighting(subject, drawn, origin, grave=grave)


def _sighting(subject: str, drawn: str, origin: str, *, grave: bool = True, used: bool = True) -> Sighting:
    return {"code": _CODE, "subject": subject, "detail": drawn, "origin": origin, "grave": grave, "used": used}


def _instances() -> Iterator[object]:
    """Every `random.Random` and every generator of numpy."""
    numpy = sys.modules.get("numpy.random")
    kinds: tuple[type, ...] = (random.Random, *(_classes(numpy) if numpy is not None else ()))
    for each in gc.get_objects():
        # Not `isinstance`, for which a lazy proxy would load what it stands for.
        kind = cast("type[object]", type(each))
        if issubclass(kind, kinds) and not issubclass(kind, random.SystemRandom):
            yield each


def _classes(numpy: ModuleType) -> tuple[type, ...]:
    return tuple(kind for kind in (getattr(numpy, name, None) for name in ("Generator", "RandomState")) if kind)


def _drawn(generator: object) -> str | None:
    """What a copy of it gives; ``None`` if there is no copying its state."""
    try:
        if isinstance(generator, random.Random):
            twin = random.Random(0)  # noqa: S311
            twin.setstate(random.Random.getstate(generator))
            return repr(twin.random())
        return _drawn_of_numpy(generator)
    except Exception:  # noqa: BLE001 - it has no state, or not that of its class
        return None


def _drawn_of_numpy(generator: object) -> str:
    bits: object = getattr(generator, "bit_generator", None) or getattr(generator, "_bit_generator")  # noqa: B009
    twin = _call(type(bits))
    setattr(twin, "state", getattr(bits, "state"))  # noqa: B009, B010
    return repr(float(cast("float", _call(getattr(_call(type(generator), twin), "random")))))  # noqa: B009


def _call(function: object, *args: object) -> object:
    if not callable(function):
        raise TypeError(function)
    made: object = function(*args)
    return made


def _kind(generator: object) -> str:
    return f"{type(generator).__module__}.{type(generator).__qualname__}"


def _shared() -> object:
    """The generator behind the functions of `random`."""
    return cast("MethodType", random.seed).__self__


def _shared_numpy() -> object:
    numpy = sys.modules.get("numpy.random")
    return getattr(getattr(numpy, "random", None), "__self__", None)


def _position(generator: object) -> int:
    if isinstance(generator, random.Random):
        return int(random.Random.getstate(generator)[1][-1])
    state: object = getattr(getattr(generator, "_bit_generator", None), "state", None)
    twister: object = cast("dict[str, object]", state).get("state") if isinstance(state, dict) else None
    position: object = cast("dict[str, object]", twister).get("pos") if isinstance(twister, dict) else None
    return position if isinstance(position, int) else _FRESH[0]


def _used(generator: object) -> bool:
    """Whether somebody has drawn from it."""
    try:
        return _position(generator) not in _FRESH
    except Exception:  # noqa: BLE001 - it cannot be told
        return False


def _module_level() -> Iterator[Sighting]:
    """`random` and `numpy.random` are in every process that imports them: they count where somebody uses them.

    Who only imports them may want their classes; so it is grave only if somebody has drawn.
    """
    numpy = sys.modules.get("numpy.random")
    for subject, shared, module in (
        ("random (module-level generator)", _shared(), random),
        ("numpy.random (module-level generator)", _shared_numpy(), numpy),
    ):
        if shared is not None and module is not None:
            user = _user(shared, module)
            if (drawn := _drawn(shared)) is not None:
                used = _used(shared)
                yield _sighting(subject, drawn, user, grave=used, used=bool(user) or used)


def _user(shared: object, module: ModuleType) -> str:
    """Where the application refers to the module or to one of its functions; empty if nowhere."""
    for user in application_modules():
        for name, value in list(vars(user).items()):
            bound = type(value) in (MethodType, BuiltinMethodType) and cast("MethodType", value).__self__ is shared
            if value is module or bound:
                return f"{user.__name__}.{name}"
    return ""


def _public() -> Iterator[tuple[str, str, Callable[[], str], bool]]:
    """Generators that are reached through a function only, of those modules that are loaded."""
    for name, subject, draw, grave in (
        ("ssl", "ssl.RAND_bytes (OpenSSL)", _ssl, True),
        ("uuid", "uuid.uuid1 (clock sequence)", _uuid1, False),
        ("tempfile", "tempfile (names)", _temporary_name, False),
        ("bson.objectid", "bson.ObjectId", _object_id, True),
        ("cryptography.hazmat.bindings._rust", "cryptography (its own OpenSSL)", _cryptography, True),
    ):
        if name in sys.modules:
            yield subject, name, draw, grave
    if "opentelemetry.sdk.trace" in sys.modules:
        yield "opentelemetry (trace ids)", "the tracer provider that is set", _trace_id, True


def _ssl() -> str:
    ssl = sys.modules["ssl"]
    return cast("bytes", _call(getattr(ssl, "RAND_bytes"), 8)).hex()  # noqa: B009


def _uuid1() -> str:
    made = cast("UUID", _call(getattr(sys.modules["uuid"], "uuid1")))  # noqa: B009
    return f"clock_seq {made.clock_seq}"


def _temporary_name() -> str:
    names: object = getattr(sys.modules["tempfile"], "_name_sequence", None)
    if names is None:
        raise LookupError  # no name was ever made: the sequence begins after the restore
    generator: random.Random = getattr(names, "rng")  # noqa: B009
    state = generator.getstate()
    try:
        return f"{next(cast('Iterator[str]', names))}"
    finally:
        generator.setstate(state)


def _object_id() -> str:
    return str(_call(getattr(sys.modules["bson.objectid"], "ObjectId")))[8:]  # noqa: B009 - after the time


def _cryptography() -> str:
    openssl: object = getattr(sys.modules["cryptography.hazmat.bindings._rust"], "openssl")  # noqa: B009
    cipher: object = getattr(getattr(openssl, "aead"), "AESGCM")  # noqa: B009
    return cast("bytes", _call(getattr(cipher, "generate_key"), 128)).hex()  # noqa: B009


def _trace_id() -> str:
    provider = _call(getattr(sys.modules["opentelemetry.trace"], "get_tracer_provider"))  # noqa: B009
    state = random.getstate()
    try:
        made = _call(getattr(getattr(provider, "id_generator"), "generate_trace_id"))  # noqa: B009
    finally:
        random.setstate(state)
    return f"{made:032x}" if isinstance(made, int) else repr(made)
