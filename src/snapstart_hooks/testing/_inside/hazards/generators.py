"""What each generator of random numbers in the process would give next."""

from __future__ import annotations

import _random
import functools
import gc
import random
import sys
from types import BuiltinMethodType, MethodType, ModuleType
from typing import TYPE_CHECKING, Final, cast

from .observation import observation
from .owners import application_modules, instances, is_standard, named_far, names_of, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from uuid import UUID

    from .observation import Observation

__all__ = ("Generators",)

_CODE: Final = "repeated-random"
_FRESH: Final = {False: 624, True: 623}
"""Where a Mersenne Twister stands that was seeded and never drawn from: that of `random`, and numpy's own."""
_AHEAD: Final = 4096
"""How many words of a stream are known, to see whether a generator only went on in it."""


class Generators:
    """Draws from a copy of each."""

    def __init__(self) -> None:
        self._streams: dict[int, list[int]] = {}

    def look(self, *, restored: bool) -> Iterator[Observation]:
        """What each would give next; in a clone also of those that cannot be copied, for asking begins their stream."""
        if restored:
            gc.collect()  # an object without a reference is drawn from no more
        found = list(_instances())
        inner = set(map(id, _held_by_generators(found)))
        own = [each for each in found if id(each) not in inner]
        names = names_of(own)  # anew each time: an object of before may have left its place to another
        for each in own:
            name = names.get(id(each), "")
            if is_standard(name or "unknown"):
                continue  # Python's own are asked below, if they are used
            if not name and type(each).__name__ == "SeedSequence":
                continue  # a parameter of something
            if (drawn := _drawn(each)) is not None:
                grave = named_far(name) == 0 or _used(each)
                subject = name or f"a {_kind(each)} that no module names"
                yield observation(_CODE, subject, drawn, name, grave=grave, drawn_on=self._drawn_on(each))
        yield from self._module_level()
        for subject, origin, draw, grave in _public() if restored else ():
            try:
                drawn = draw()
            except Exception:  # noqa: BLE001, S112 - it is not as we know it, so there is nothing to compare
                continue
            yield observation(_CODE, subject, drawn, origin, grave=grave)

    def _drawn_on(self, generator: object) -> bool:
        """Whether it is on the same stream as when it was first looked at, and was not seeded anew."""
        known = self._streams.get(id(generator))
        if known is None:
            if len(self._streams) < _MANY:
                self._streams[id(generator)] = _words(generator, _AHEAD)
            return True
        now = _words(generator, 2)
        return not now or any(known[at : at + 2] == now for at in range(_AHEAD))

    def _module_level(self) -> Iterator[Observation]:
        """`random` and `numpy.random` are in every process that imports them: they count where they are used.

        A module may import them for their classes alone: so they are an error only if they were drawn from.
        """
        numpy = sys.modules.get("numpy.random")
        for subject, shared, module in (
            ("random (module-level generator)", _shared(), random),
            ("numpy.random (module-level generator)", _shared_numpy(), numpy),
        ):
            if shared is not None and module is not None:
                used = _used(shared)
                package = sys.modules[module.__name__.partition(".")[0]]  # through which they are drawn from, if at all
                user = _user(shared, {module, package} if used else {module})
                if (drawn := _drawn(shared)) is not None:
                    on = self._drawn_on(shared)
                    yield observation(_CODE, subject, drawn, user, grave=used, used=bool(user) or used, drawn_on=on)


_MANY: Final = 50
"""Generators whose stream is known, at most."""


def _instances() -> Iterator[object]:
    """Every generator of `random` and of numpy that the collector knows, or the application names."""
    numpy = sys.modules.get("numpy.random")
    kinds: tuple[type, ...] = (_random.Random, *(_classes(numpy) if numpy is not None else ()))
    found = {id(each): each for each in instances(kinds)}
    found |= {id(member): member for _, member, _ in walk(ranks=1) if issubclass(type(member), kinds)}
    yield from (each for each in found.values() if not issubclass(type(each), random.SystemRandom))


def _classes(numpy: ModuleType) -> tuple[type, ...]:
    names = ("Generator", "RandomState", "BitGenerator", "SeedSequence")
    return tuple(kind for kind in (getattr(numpy, name, None) for name in names) if kind)


def _held_by_generators(own: list[object]) -> Iterator[object]:
    """Those that others draw from: the shared ones, those that make names of files, those inside others."""
    yield from (_shared(), _shared_numpy())
    names: type[object] | None = getattr(sys.modules.get("tempfile"), "_RandomNameSequence", None)
    yield from (vars(each).get("_rng") for each in (instances([names]) if names is not None else ()))
    for each in own:
        for name in ("bit_generator", "_bit_generator", "seed_seq", "_seed_seq"):
            if not isinstance(each, random.Random) and hasattr(type(each), name):
                yield getattr(each, name)


def _copy(generator: object) -> object:
    """One that gives the same."""
    if isinstance(generator, _random.Random):
        twin = random.Random(0)  # noqa: S311
        state = _random.Random.getstate(generator)
        twin.setstate((3, state, None))
        return twin
    if type(generator).__name__ == "SeedSequence":
        made_of: dict[str, object] = getattr(generator, "state")  # noqa: B009
        return functools.partial(type(generator), **made_of)()
    bits = _bits(generator)
    twin_bits = _call(type(bits))
    setattr(twin_bits, "state", getattr(bits, "state"))  # noqa: B009, B010
    return twin_bits if bits is generator else _call(type(generator), twin_bits)


def _bits(generator: object) -> object:
    return getattr(generator, "bit_generator", None) or getattr(generator, "_bit_generator", None) or generator


def _drawn(generator: object) -> str | None:
    """What a copy of it gives; ``None`` if there is no copying its state."""
    try:
        twin = _copy(generator)
        for way in ("random", "random_raw"):
            if hasattr(twin, way):
                return repr(float(cast("float", _call(getattr(twin, way)))))
        (child,) = cast("list[object]", _call(getattr(twin, "spawn"), 1))  # noqa: B009
        return str(_call(getattr(child, "generate_state"), 2))  # noqa: B009
    except Exception:  # noqa: BLE001 - it has no state, or not that of its class
        return None


def _words(generator: object, count: int) -> list[int]:
    """The first words of its stream; none if it has no such."""
    try:
        twin = _copy(generator)
        if isinstance(twin, random.Random):
            return [twin.getrandbits(32) for _ in range(count)]
        return [int(word) for word in cast("Iterable[int]", _call(getattr(_bits(twin), "random_raw"), count))]  # noqa: B009
    except Exception:  # noqa: BLE001 - as above
        return []


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


def _used(generator: object) -> bool:
    """Whether it was drawn from, or seeded in a way that only makes sense for drawing."""
    try:
        if isinstance(generator, _random.Random):
            return _random.Random.getstate(generator)[-1] != _FRESH[False]
        state: object = getattr(_bits(generator), "state")  # noqa: B009
        position = cast("dict[str, dict[str, int]]", state)["state"]["pos"]
        fresh = (_FRESH[True],) if generator is _shared_numpy() else (*_FRESH.values(),)
    except Exception:  # noqa: BLE001 - it cannot be told
        return False
    return position not in fresh


def _user(shared: object, modules: set[ModuleType]) -> str:
    """Where the application refers to one of the modules, or to a function of the generator; empty if nowhere."""
    for user in application_modules():
        for name, value in list(vars(user).items()):
            bound = type(value) in (MethodType, BuiltinMethodType) and cast("MethodType", value).__self__ is shared
            if bound or (type(value) is ModuleType and value in modules):
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
