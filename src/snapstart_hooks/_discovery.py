"""Finds the providers that installed distributions declare: find → filter → load.

It asks the finders for distributions itself: ``entry_points(group=...)`` raises if any
``entry_points.txt`` is broken, and misses hooks behind a stale ``*.egg-info``.  Errors in
metadata, finders and imports are collected, each with the name of its distribution.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
import stat
import sys
from importlib import import_module
from itertools import accumulate
from operator import attrgetter
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from ._callables import title
from ._compat import override
from ._foreign import MESSAGE_LIMIT, attribute, cut, error_text, is_a, kind, printable, shortened, shown, tried
from ._hook import ProviderInfo, normalise, refusal
from ._manifest import NAME, digest, manifest
from ._provider import suspicious
from ._report import tell
from ._settings import Names, Settings
from .errors import DiscoveryError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from ._manifest import Manifest
    from ._state import Included, State

    if sys.version_info >= (3, 12):
        from importlib.metadata import Distribution
    else:
        from importlib_metadata import Distribution

GROUP: Final = "snapstart.hooks"
"""The entry-point group."""

_SLOW_NS: Final = 100_000_000
"""Nanoseconds from which on loading a provider is slow."""

UNUSED: Final = "is not imported, so there is nothing to reset"
"""Why most providers of most functions are left out: no news."""

_CLOSE: Final = 0.8
"""How alike the names of two groups are, from 0 to 1, from which on one is reported as misspelt."""

_TITLE: Final = 300
"""Characters of what a message calls a distribution."""


def discover(state: State, allow: Collection[str] | None, make: Callable[[object, ProviderInfo], Included]) -> None:
    """See `Registry.discover`.  Several threads may do this at once: the first one includes a provider.

    `allow` are the only names that the registry admits, ``None`` for any.  `make` reads what was imported.
    """
    settings = Settings()
    found = find()
    found.by_hand(settings.providers.given)
    infos = [declared.info for declared in found.declared]
    for variable, unknown in (
        ("DISABLE", settings.disable.unknown(name for info in infos for name in info.names)),
        ("ALLOW", (settings.allow or Names()).unknown(name for info in infos for name in _own_names(info))),
    ):
        if unknown := [name for name in unknown if not name.endswith("]")]:  # that of an object, which may live later
            quoted = cut(", ".join(unknown), MESSAGE_LIMIT)
            tell(logging.WARNING, f"SNAPSTART_HOOKS_{variable} names providers that are not installed: {quoted}")
    state.disable, state.warnings = settings.disable, ()
    _warn(state, found.warnings)

    admitted = None if allow is None else Names(allow)
    wanted: list[Callable[[], None]] = []
    deferred: list[tuple[Callable[[], str], Callable[[], None]]] = []
    for declared in found.declared:
        load = functools.partial(_load, declared, state, make)
        if declared.info.name in state.included:
            continue
        lists = () if declared.info.name == NAME else (admitted, settings.allow)  # a manifest that cannot be read
        if reason := excluded(declared.info, settings.disable, *lists):
            found.leave_out(declared.info.name, reason)
        elif missing := declared.missing():
            deferred.append((declared.missing, load))
            found.leave_out(declared.info.name, f"{missing} {UNUSED}")
        else:
            wanted.append(load)
    state.skipped, state.deferred = tuple(found.skipped), deferred
    left_out: dict[str, list[str]] = {}
    for name, reason in found.skipped:
        left_out.setdefault(reason, []).append(name)
    for reason, names in left_out.items():
        level = logging.DEBUG if reason.endswith(UNUSED) else logging.INFO
        tell(level, f"hooks left out: {cut(', '.join(names), MESSAGE_LIMIT)}: {reason}")
    if errors := [error for error in state.load(wanted) if isinstance(error, ProviderError)]:
        msg = f"{len(errors)} installed providers of hooks cannot be used: {shortened(list(map(str, errors)))}"
        raise DiscoveryError(" ".join((msg, *remedies(errors))), errors)


def remedies(errors: Sequence[ProviderError]) -> Iterator[str]:
    """What to do about providers that cannot be used."""
    shipped = [error.provider for error in errors if error.distribution]
    if shipped:
        names = cut(",".join(shipped[:5]), 500)
        yield f"Until the library is repaired, leave it out: SNAPSTART_HOOKS_DISABLE={names}"
    if len(shipped) < len(errors):
        yield "Correct what names those without a distribution: SNAPSTART_HOOKS_PROVIDERS, or the manifest."


def _load(declared: Declared, state: State, make: Callable[[object, ProviderInfo], Included]) -> None:
    """Import what an entry point names, and include it."""
    info, provider = declared.info, declared.load()
    included = make(provider, info)
    state.skipped = tuple(each for each in state.skipped if each.name != info.name)
    if state.disable is not None and (reason := excluded(info, state.disable)):  # by a name that it gives itself
        state.skipped = (*state.skipped, Skipped(info.name, reason))
    else:
        state.include(included, again=True)
        if included.state is None:  # a registry has names of its own, and hooks are not found in it by name
            _warn(state, tried(functools.partial(suspicious, provider, info))[0] or ())


def _warn(state: State, warnings: Sequence[str]) -> None:
    state.warnings = (*state.warnings, *warnings)
    for warning in warnings:
        tell(logging.WARNING, warning)


def excluded(info: ProviderInfo, disable: Names, *allowed: Names | None) -> str:
    """Why a provider is not to be loaded; empty if it is.  Asked before anything of it is imported."""
    if disable.everything or disable.named(info.names):
        return "disabled"
    if any(allow is not None and not allow.everything and not allow.named(_own_names(info)) for allow in allowed):
        return "not on the allow list"
    return ""


def _own_names(info: ProviderInfo) -> Collection[str]:
    """The names that no other can have; what a distribution says of itself could be that of one that is allowed."""
    return {normalise(info.name), info.key[0]} if info.distribution else info.names


class Declared:
    """One entry point of the group, not imported yet; or what is known of one that cannot be read."""

    def __init__(
        self,
        info: ProviderInfo,
        fault: str = "",
        cause: BaseException | None = None,
        *,
        frozen: str = "",
        manifest: str = "",
    ) -> None:
        """`frozen` is the digest that its module must have, ``""`` for any; `manifest` is the file that says so."""
        self.info: Final = info
        self.always: bool = not info.distribution  # declared by hand: wanted, whatever was imported
        self._module, self._attributes, self._subjects = _parse(info.value)
        malformed = self._malformed()
        self.fault: Final = fault or (f"{manifest}: {malformed}" if manifest and malformed else malformed)
        self._cause: Final = cause
        self.frozen: Final = frozen

    def _malformed(self) -> str:
        names = self._module if self._attributes is None else f"{self._module}.{self._attributes}"
        if not _is_dotted(names):
            return "this is no object reference: it has to be `module` or `module:attribute`"
        if wrong := [name for name in self._subjects if not _is_dotted(name)]:
            return f"{shown(wrong[0])} is no name of a module. The brackets name what has to be imported for it to load"
        return ""

    @property
    def reference(self) -> tuple[str, str | None]:
        """Module and attributes that it names, without the brackets."""
        return self._module, self._attributes

    @property
    def package(self) -> str:
        """The package that contains its module; ``""`` if none does."""
        return "" if self.fault else self._module.rpartition(".")[0]

    def missing(self) -> str:
        """The modules of which the function has to import one before this is loaded; ``""`` if it may be loaded.

        These are the modules in brackets, or else the first package around its own module that is no namespace.
        """
        if self._subjects and not self.fault:
            return "" if any(name in sys.modules for name in self._subjects) else " or ".join(self._subjects)
        packages = filter(None, () if self.always else self.package.split("."))
        for name in accumulate(packages, "{}.{}".format):
            package = sys.modules.get(name)
            if package is None:
                return name
            if attribute(package, "__file__") is not None:
                break
        return ""

    def load(self) -> object:
        """Import what it names.

        Raises:
            ProviderError: It cannot be read, names nothing, or its import raises.
        """
        if self.fault:
            raise refusal(self.info, self.fault) from self._cause
        if self.frozen and digest(self._module) != self.frozen:
            fault = "its module is not the one that was frozen. Review it, and run `snapstart-hooks freeze`"
            raise refusal(self.info, fault)
        begin = perf_counter_ns()
        provider, error = tried(self._import)
        if error is not None:  # SystemExit, too: a module that ends the process must not do it silently
            raise refusal(self.info, f"loading it raised {error_text(error)}") from error
        self.info.load_ns = perf_counter_ns() - begin
        if self.info.load_ns > _SLOW_NS:
            tell(logging.WARNING, f"loading the hooks of {self.info} took {self.info.load_ns / 1e6:.0f} ms")
        return provider

    def _import(self) -> object:
        module: object = import_module(self._module)
        found: object = attrgetter(self._attributes)(module) if self._attributes else module
        return found


def _parse(value: str) -> tuple[str, str | None, list[str]]:
    """Module, attributes if there is a colon, and the modules in brackets: ``redis_hooks:pool [redis, valkey]``."""
    reference, _, brackets = value.partition("[")
    module, colon, attributes = (part.strip() for part in reference.partition(":"))
    subjects = brackets.strip().removesuffix("]")
    return module, attributes if colon else None, [name.strip() for name in subjects.split(",")] if subjects else []


def _is_dotted(name: str) -> bool:
    return all(map(str.isidentifier, name.split(".")))


class Skipped(NamedTuple):
    """A distribution or provider that is left out."""

    name: str
    reason: str

    @override
    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


class Found:
    """What the installed distributions declare, in an order that no directory listing decides.

    Attributes:
        declared: The entry points, by distribution and name.
        skipped: What was left out already, without being an error, and why.
        warnings: What else should be known.
        changed: Where distributions are whose metadata are not those that a manifest has as examined, by name.
    """

    def __init__(self) -> None:
        self.declared: list[Declared] = []
        self.skipped: list[Skipped] = []
        self.warnings: list[str] = []
        self.changed: dict[str, str] = {}

    def by_hand(self, values: Iterable[str]) -> None:
        """Add what is declared without metadata, unless metadata declares the same."""
        for value in values:
            reference = _parse(value)[:2]
            same = [each for each in self.declared if each.reference == reference]
            if not same:
                also = reference[0].partition(".")[0]
                self.declared.append(Declared(ProviderInfo(value, value=value, also=[also])))
            for each in same:
                each.always = True

    def freeze(self, frozen: Manifest) -> None:
        """Let the manifest say what is declared, and note each difference to the metadata that survived."""
        here = [each.info for each in self.declared]
        self.warnings += frozen.differences(here, self.changed)
        known = {info.name for info, _ in frozen.providers}
        for info in here:
            if info.name not in known:
                self.leave_out(str(info), f"not in {frozen.place}")
        self.declared = [Declared(info, frozen=code, manifest=frozen.place) for info, code in frozen.providers]

    def leave_out(self, name: str, reason: str) -> None:
        """Note that a distribution, or one of its providers, is left out, and why."""
        self.skipped.append(Skipped(printable(cut(name, _TITLE)), printable(reason)))


def find(path: Sequence[str] | None = None, *, thorough: bool = False) -> Found:
    """What is declared on `path`, by default ``sys.path``: in its manifest, else by the installed distributions.

    Nothing is imported.  If `thorough`, metadata are read also where they seem to be as the manifest's author saw them.
    """
    try:
        frozen = manifest(_entries(path))
    except ValueError as error:
        found = installed(path)
        found.declared.append(Declared(ProviderInfo(NAME), str(error), error))
        return found
    found = installed(path, None if frozen is None else {} if thorough else frozen.examined)
    if frozen is not None:
        found.freeze(frozen)
    return found


def _entries(path: Sequence[str] | None) -> list[str]:
    """What of a path imports look at: whatever else lies there is ignored."""
    return [entry for entry in (sys.path if path is None else path) if is_a(entry, str) and not _is_special(entry)]


def _is_special(file: str) -> bool:
    """Whether it is a pipe, a device or a socket: opening it may wait for ever, and reading it may have no end."""
    mode, _ = tried(lambda: os.stat(file).st_mode)  # noqa: PTH116
    return mode is not None and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def installed(path: Sequence[str] | None = None, examined: Mapping[str, object] | None = None) -> Found:
    """The entry points of all distributions on `path`, by default ``sys.path``; nothing is imported.

    Of distributions of one name the first on `path` that declares the group wins, in one folder the highest
    version: ``pip install --target --upgrade`` leaves older metadata behind.  Those `examined` are not opened.
    """
    found = Found()
    newest: dict[tuple[str, str], _Installed] = {}
    declaring: list[_Installed] = []
    seen: set[str] = set()
    for distribution in _distributions(found, _entries(path)):
        one = _Installed(distribution)
        if one.place in seen:
            continue  # the same folder is on sys.path twice
        if one.place:
            seen.add(one.place)
            newest[one.spot] = max(one, newest.get(one.spot, one), key=_Installed.age)
        if one.declares(found, examined):
            declaring.append(one)
    winners: dict[str, _Installed] = {}
    for one in declaring:
        latest = newest.get(one.spot, one)
        if latest is not one:
            found.leave_out(one.title, f"a leftover: {latest.title} is installed in the same folder")
            continue
        winner = winners.setdefault(normalise(one.identity[0]), one)
        if winner is not one and not one.repeats(winner):
            found.leave_out(one.title, f"{winner.title} comes first on sys.path and declares hooks, too")
    for _, winner in sorted(winners.items()):
        winner.declare(found)
    return found


def _distributions(found: Found, path: list[str]) -> Iterator[Distribution]:
    """What the finders on ``sys.meta_path`` find; one that raises keeps nothing from the others."""
    if sys.version_info >= (3, 12):
        from importlib.metadata import DistributionFinder
    else:
        from importlib_metadata import DistributionFinder  # it puts its own finder on sys.meta_path
    # The backport leaves it without types.
    context = cast("Callable[..., object]", DistributionFinder.Context)(path=path)  # type: ignore[explicit-any]
    for finder in tuple(sys.meta_path):
        try:
            find_distributions: Callable[[object], Iterable[Distribution]] | None = getattr(
                finder, "find_distributions", None
            )
            if find_distributions is not None:
                yield from find_distributions(context)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - it is anybody's code
            name = f"(finder {title(finder)})"
            fault = f"this finder on sys.meta_path raised while it listed distributions: {error_text(error)}"
            found.declared.append(Declared(ProviderInfo(name, distribution=name), fault, error))


class _Installed:
    """A distribution as its metadata describes it."""

    def __init__(self, distribution: Distribution) -> None:
        self._distribution: Final = distribution
        # A finder of another kind has none: then nothing can be a leftover in the same folder.
        path: object = attribute(distribution, "_path")
        text, _ = tried(lambda: os.path.normpath(str.__str__(str(path))))  # a zip's ends with a slash
        self.place: Final = "" if path is None else text or ""
        self._folder, self.stem = os.path.split(self.place)
        if self.stem.upper() == "EGG-INFO":  # inside of name-1.0-py3.12.egg
            self._folder, self.stem = os.path.split(self._folder)
        # As the folder's name has them, without opening a file.
        match = _STEM.fullmatch(self.stem)
        self._named: tuple[str, str | None] = (match["name"], match["version"]) if match else ("(unknown)", None)
        self._lines: Sequence[str] = ()
        self._fault: BaseException | None = None

    @property
    def spot(self) -> tuple[str, str]:
        """Where there can be only one: a folder, and a name."""
        return self._folder, normalise(self._named[0])

    def size(self) -> int:
        """The bytes of its ``entry_points.txt``, without opening it: 0 if it has none, -1 if that is unknown."""
        try:
            return os.stat(os.path.join(self.place, "entry_points.txt")).st_size if self.place else -1  # noqa: PTH116, PTH118
        except FileNotFoundError:
            return 0
        except OSError:  # inside of a zip
            return -1

    def age(self) -> tuple[object, ...]:
        """Which of two in one spot is the newer one; never decided by a directory listing."""
        return version_key(self._named[1]), self.stem.endswith(".dist-info"), self.stem

    @functools.cached_property
    def identity(self) -> tuple[str, str | None, str]:
        """Name and version, and which name METADATA pretends: anybody could go by one that is allowed.

        From the folder's name where METADATA was stripped, as packagers for Lambda do.
        """
        read, _ = tried(self._named_within)  # missing or damaged: the folder's name has to do
        name, version = read or ("", "")
        if not name:
            return *self._named, ""
        own = normalise(name)
        if not self.place or normalise(self._named[0]) == own or normalise(self.stem).startswith(f"{own}-"):
            return name, version or None, ""
        return *self._named, name

    def _named_within(self) -> tuple[str, str]:
        self._check("METADATA", "PKG-INFO")
        metadata = self._distribution.metadata
        name, version = (str.__str__(str(metadata[key])) if key in metadata else "" for key in ("Name", "Version"))
        return name, version

    @property
    def title(self) -> str:
        """What messages call it."""
        name, version, _ = self.identity
        return printable(
            cut(f"{name} {version or '(unknown version)'}{self._folder and f' in {self._folder}'}", _TITLE)
        )

    def repeats(self, other: _Installed) -> bool:
        """Whether it is `other` again: by a link, or in the ``.egg-info`` that setuptools leaves beside the sources."""
        # Without a place two are never the same.
        if self.place and os.path.realpath(self.place) == os.path.realpath(other.place):
            return True
        built = any(each.stem.lower().endswith(".egg-info") for each in (self, other))
        return built and (self.identity[1], self._lines) == (other.identity[1], other._lines)

    def declares(self, found: Found, examined: Mapping[str, object] | None) -> bool:
        """Whether it declares our group, or would if it could be read; no file is opened that was `examined`."""
        if examined is not None:
            if self.size() in {0, examined.get(self.stem)}:
                return False
            found.changed[self.spot[1]] = printable(self.place)
        text, fault = tried(self._entry_points)
        if is_a(fault, UnicodeDecodeError) and GROUP.encode() not in fault.object:
            found.leave_out(self.title, f"its entry_points.txt is no UTF-8, but does not name {GROUP} either")
            return False
        self._fault = fault
        sections = _sections(text) if text and "snap" in text.lower() else {}
        self._lines = sections.pop(GROUP, ())
        for group in map(str.strip, sections):
            import difflib

            alike = difflib.SequenceMatcher(None, normalise(group), normalise(GROUP)).ratio()
            if group != GROUP and alike > _CLOSE:
                quoted = printable(cut(group, _TITLE))
                found.warnings.append(f"{self.title} declares entry points in [{quoted}]. Did you mean [{GROUP}]?")
        return fault is not None or bool(self._lines)

    def _entry_points(self) -> str | None:
        text = self._read("entry_points.txt")
        file = os.path.join(self.place, "entry_points.txt")  # noqa: PTH118 - no pathlib here
        if text is None and self.place:  # what the standard finder passes over: this says why
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                open(file, "rb").close()  # noqa: PTH123
        return text

    def _read(self, name: str) -> str | None:
        """A file of its metadata, as plain text."""
        self._check(name)
        text: object = self._distribution.read_text(name)
        if is_a(text, bytes):
            return bytes.decode(text)
        if text is not None and not is_a(text, str):
            msg = f"read_text gave an object of type {kind(text)}"
            raise TypeError(msg)
        return None if text is None else str.__str__(text)

    def _check(self, *names: str) -> None:
        for name in names if self.place else ():
            if _is_special(file := os.path.join(self.place, name)):  # noqa: PTH118 - no pathlib here
                msg = f"{file} is a pipe, a device or a socket"
                raise OSError(msg)

    def _import_names(self) -> list[str]:
        """Under which names it is imported, as far as its metadata tell."""
        old = self.stem.lower().endswith(".egg-info")
        text, _ = tried(functools.partial(self._read, "top_level.txt" if old else "RECORD"))
        if text is None:
            return []
        if old:
            return text.split()
        files = (line.partition(",")[0] for line in text.splitlines())
        names = {file.partition("/")[0].removesuffix(".py") for file in files if file.endswith(".py")}
        return sorted(name for name in names if name.isidentifier())

    def declare(self, found: Found) -> None:
        """Give what it declares, by name."""
        distribution, version, pretended = self.identity
        if self._fault is not None:
            info = ProviderInfo(distribution, distribution=distribution, version=version)
            fault = f"its entry_points.txt cannot be read: {error_text(self._fault)}"
            found.declared.append(Declared(info, fault, self._fault))
        if pretended:
            quoted = printable(cut(pretended, _TITLE))
            found.warnings.append(f"{self.title} calls itself {quoted!r} in its METADATA: its folder's name counts")
        declared: dict[str, Declared] = {}
        names = self._import_names()
        for line in self._lines:
            name, equals, value = (part.strip() for part in line.partition("="))
            module, _, subjects = _parse(value)
            info = ProviderInfo(
                f"{normalise(distribution)}:{name}",
                distribution=distribution,
                version=version,
                entry_point=name,
                value=value,
                also=(*names, module.partition(".")[0], *subjects),
            )
            if name in declared:
                first = declared[name].info.value
                found.leave_out(f"{info.name} = {value}", f"{self.title} declares this name twice; {first} is used")
            else:
                fault = "" if equals and name else f"{line!r} in its entry_points.txt has to be `name = module`"
                declared[name] = Declared(info, fault)
        found.declared += [declared[name] for name in sorted(declared)]


_STEM: Final = re.compile(
    r"(?P<name>.+?)(?:-(?P<version>v?\d[^-]*))?(?:-py\d[^-]*(?:-.*)?)?(?:\.(?:dist-info|egg-info|egg))?", re.DOTALL
)
"""What a folder of metadata is called: by the wheel specification, and by setuptools before it."""


def _sections(text: str) -> dict[str, list[str]]:
    """The lines of each group: https://packaging.python.org/en/latest/specifications/entry-points/."""
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in map(str.strip, text.removeprefix("\ufeff").splitlines()):
        if line.startswith("[") and line.endswith("]"):
            lines = sections.setdefault(line.strip("[]"), [])
        elif line and line[0] not in "#;":
            lines.append(line)
    return sections


_STAGES: Final = {"dev": -4, "alpha": -3, "a": -3, "beta": -2, "b": -2, "preview": -1, "pre": -1, "rc": -1, "c": -1}
_LATER: Final = {"post": 2, "rev": 2, "r": 2, "-": 2, "": 3}
"""Where the parts of a version stand: before its end, 0, and behind it, where 1 is a local version."""

_PART: Final = re.compile(rf"({'|'.join(_STAGES)}|post|rev|r|-(?=\d)|)[-_.]?(\d*)", re.ASCII)


def version_key(version: str | None) -> tuple[object, ...]:
    """Sorts versions as https://peps.python.org/pep-0440/ does; what is no version comes first."""
    public, _, local = (version or "").strip().lower().removeprefix("v").partition("+")
    epoch, _, release = public.rpartition("!")
    if not re.match(r"\d", release, re.ASCII):
        return ()
    key: list[tuple[object, ...]] = [_number(epoch)]
    for stage, digits in (*_PART.findall(release), ("", "")):
        while not (digits and not stage) and key[-1] == (3, 0, ""):
            key.pop()  # 1.0 is 1
        if stage or digits:
            key.append(({**_STAGES, **_LATER}[stage], *_number(digits)))
    if local:
        parts = re.split("[-_.]", local)
        key.append((1, *((1, *_number(part)) if part.isdecimal() else (0, 0, part) for part in parts)))
    return (*key, (0,))


def _number(digits: str) -> tuple[int, str]:
    """Sorts as the number does, however many digits it has."""
    significant = digits.lstrip("0")
    return len(significant), significant
