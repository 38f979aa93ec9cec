"""Finds the hooks that installed distributions declare: find → filter → load.

Walks `importlib.metadata.distributions()` itself: ``entry_points(group=...)`` raises as
a whole when any installed package has a broken ``entry_points.txt``, and loses hooks
behind a stale ``*.egg-info`` earlier on ``sys.path``.  What is loaded is an ``object``;
making hooks of it is the next step's work.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final, cast

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

from snapstart_hooks._hook import ProviderInfo, normalise
from snapstart_hooks._provider import refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    if sys.version_info >= (3, 12):
        from importlib.metadata import Distribution, EntryPoint
    else:
        from importlib_metadata import Distribution, EntryPoint

    from snapstart_hooks.errors import ProviderError

__all__ = ("GROUP", "Declared", "Found", "Skipped", "excluded", "find", "unknown_names")

GROUP: Final = "snapstart.hooks"
"""The entry-point group."""

_REFERENCE: Final = re.compile(r"\s*[\w.]+\s*(:\s*[\w.]+\s*)?(\[.*\])?\s*", re.ASCII)


class Declared:
    """One entry point of the group, not imported yet."""

    __slots__ = ("_entry_point", "info")

    def __init__(self, info: ProviderInfo, entry_point: EntryPoint) -> None:
        self.info: Final = info
        self._entry_point: Final = entry_point

    def load(self) -> object:
        """Import what it names.

        Raises:
            ProviderError: It names nothing, or its import raises.
        """
        if not _REFERENCE.fullmatch(self.info.value):
            raise refusal(self.info, "the value is no object reference: give `module` or `module:attribute`")
        try:
            return self._entry_point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # SystemExit, too: a module that ends the process must not do it silently.
            raise refusal(self.info, f"loading it raised {_raised(error)}") from error

    @override
    def __repr__(self) -> str:
        return f"<Declared {self.info}>"


class Skipped:
    """A distribution, or one of its providers, that is left out, and why."""

    __slots__ = ("name", "reason")

    def __init__(self, name: str, reason: str) -> None:
        self.name: Final = name
        self.reason: Final = reason

    @override
    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"

    __repr__ = __str__


class Found:
    """What the installed distributions declare, in an order that no directory listing decides.

    Attributes:
        declared: The entry points, by distribution and name.
        skipped: What was left out without being an error.
        errors: Distributions that declare hooks which cannot be read.
    """

    __slots__ = ("declared", "errors", "skipped")

    def __init__(self) -> None:
        self.declared: list[Declared] = []
        self.skipped: list[Skipped] = []
        self.errors: list[ProviderError] = []


def find() -> Found:
    """Read the entry points of every distribution on ``sys.path``; import nothing.

    Of several distributions with the same name the first on ``sys.path`` that declares
    the group wins, and inside one directory the highest version.
    """
    found = Found()
    by_name: dict[str, list[_Candidate]] = {}
    for distribution in _distributions(found):
        candidate = _Candidate.of(distribution, found)
        if candidate is not None:
            by_name.setdefault(normalise(candidate.name), []).append(candidate)
    for _, candidates in sorted(by_name.items()):
        first = [candidate for candidate in candidates if candidate.directory == candidates[0].directory]
        winner = max(first, key=lambda candidate: version_key(candidate.version))
        found.declared += winner.declared()
        for other in candidates:
            if other is not winner and (other.directory, other.version) != (winner.directory, winner.version):
                reason = f"{winner.title} at {winner.directory} comes first and declares hooks, too"
                found.skipped.append(Skipped(f"{other.title} at {other.directory}", reason))
    return found


def excluded(info: ProviderInfo, disable: Collection[str], *allowed: Collection[str] | None) -> str:
    """Why a provider is not to be loaded; empty if it is.  Asked before anything of it is imported.

    Args:
        info: The provider.
        disable: ``distribution``, ``distribution:entry point`` or ``*``.
        allowed: Lists of the only ones that may load, in the same notation; ``None`` allows any.
    """
    if _named(info, disable):
        return "disabled"
    if any(allow is not None and not _named(info, allow) for allow in allowed):
        return "not on the allow list"
    return ""


def unknown_names(providers: Collection[ProviderInfo], names: Collection[str]) -> list[str]:
    """Those of `names` that no provider bears: a misspelt name in a setting should not pass unseen."""
    return sorted(name for name in names if name != "*" and not any(_named(info, (name,)) for info in providers))


def _named(info: ProviderInfo, names: Collection[str]) -> bool:
    distribution = info.key[0]
    for name in names:
        given, _, entry_point = name.partition(":")
        if name == "*" or (normalise(given) == distribution and entry_point in {"", info.entry_point}):
            return True
    return False


def _distributions(found: Found) -> Iterator[Distribution]:
    if sys.version_info >= (3, 12):
        from importlib.metadata import distributions

        walk = iter(distributions())
    else:
        from importlib_metadata import distributions

        # Its newer releases promise a Protocol, and give what the older ones promised.
        walk = cast("Iterator[Distribution]", iter(distributions()))
    while True:
        try:
            distribution = next(walk)
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - a custom finder may raise anything
            info = ProviderInfo("(unknown)", distribution="(unknown)")
            refused = refusal(info, f"a finder on sys.meta_path raised while listing distributions: {_raised(error)}")
            refused.__cause__ = error
            found.errors.append(refused)
            return
        yield distribution


class _Candidate:
    """A distribution that declares our group."""

    __slots__ = ("directory", "distribution", "entry_points", "name", "version")

    def __init__(self, distribution: Distribution, entry_points: list[EntryPoint]) -> None:
        self.distribution: Final = distribution
        self.entry_points: Final = entry_points
        self.name, self.version = _identity(distribution)
        self.directory: Final = str(distribution.locate_file(""))

    @staticmethod
    def of(distribution: Distribution, found: Found) -> _Candidate | None:
        try:
            text = distribution.read_text("entry_points.txt")
            if text is None or GROUP not in text:
                return None
            entry_points = [entry for entry in distribution.entry_points if entry.group == GROUP]
            return _Candidate(distribution, entry_points) if entry_points else None
        except Exception as error:  # noqa: BLE001 - a custom finder may raise anything
            name, version = _identity(distribution)
            readable = not isinstance(error, UnicodeDecodeError) or GROUP.encode() in error.object
            if readable:
                info = ProviderInfo(name, distribution=name, version=version)
                refused = refusal(info, f"its entry_points.txt cannot be read: {_raised(error)}")
                refused.__cause__ = error
                found.errors.append(refused)
            else:
                found.skipped.append(Skipped(name, f"its entry_points.txt is no UTF-8, but does not name {GROUP}"))
            return None

    @property
    def title(self) -> str:
        return f"{self.name} {self.version or '(unknown version)'}"

    def declared(self) -> list[Declared]:
        seen: dict[str, Declared] = {}
        for entry in self.entry_points:
            info = ProviderInfo(
                f"{normalise(self.name)}:{entry.name}",
                distribution=self.name,
                version=self.version,
                entry_point=entry.name,
                value=entry.value,
            )
            seen.setdefault(entry.name, Declared(info, entry))
        return [seen[name] for name in sorted(seen)]


def _identity(distribution: Distribution) -> tuple[str, str | None]:
    """Name and version; from the directory's name where METADATA was stripped, as packagers for Lambda do."""
    try:
        name, version = distribution.metadata["Name"], distribution.metadata["Version"]
        if name:
            return str(name), str(version) if version else None
    except Exception:  # noqa: BLE001, S110 - missing or damaged METADATA: the next best source follows
        pass
    path = getattr(distribution, "_path", None)
    stem = str(getattr(path, "name", "(unknown)"))
    name, _, version = stem.removesuffix(".dist-info").removesuffix(".egg-info").partition("-")
    return name, version.partition("-")[0] or None


def version_key(version: str | None) -> tuple[tuple[int, ...], int, tuple[int, ...]]:
    """Enough of https://peps.python.org/pep-0440/ to tell the newer of two leftovers of one package."""
    match = re.match(r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)[-_.]?(.*)", (version or "").lower())
    if match is None:
        return ((), 0, ())
    epoch, release, rest = match.groups()
    numbers = [int(epoch or 0), *map(int, release.split("."))]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    stage = -1 if re.match(r"a|b|c|rc|dev|pre|alpha|beta", rest) else 1 if rest.startswith(("post", "r")) else 0
    letters = tuple(ord(letter) for letter in re.sub(r"[^a-z]", "", rest)[:3])
    return (tuple(numbers), stage, (*letters, *map(int, re.findall(r"\d+", rest))))


def _raised(error: BaseException) -> str:
    from snapstart_hooks._report import error_text

    return error_text(error)
