"""The frozen manifest: the hooks with which a build was reviewed.

``snapstart-hooks freeze`` writes it into a build.  With it the hooks are known although a packager
strips ``*.dist-info``, finding them opens one file, and what is not in it is not loaded.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, Final, cast

from ._foreign import MESSAGE_LIMIT, cut, error_text, is_a, items, printable, shown, tried
from ._hook import ProviderInfo, normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from importlib.machinery import ModuleSpec

NAME: Final = "snapstart-hooks.lock"
"""The manifest's file name, in a folder or zip on ``sys.path``; the first one counts."""

FORMAT: Final = 1
"""The format that is written; another is refused."""


class Manifest:
    """What a manifest says.

    Attributes:
        place: Its file.
        providers: Each frozen provider, and the digest of its module; ``""`` where none was found.
        examined: Whose metadata agreed with it: the folder's name, and the bytes of its ``entry_points.txt``.
    """

    def __init__(self, text: str, place: str) -> None:
        """Read `text`, which was found at `place`.

        Raises:
            ValueError: It is no manifest.
        """
        import tomllib

        try:
            document = cast("dict[str, object]", tomllib.loads(text.removeprefix("\ufeff")))
        except RecursionError:
            msg = "it is nested too deeply"
            raise ValueError(msg) from None
        given = document.get("format")
        if not is_a(given, int) or is_a(given, bool) or given != FORMAT:
            msg = f"its format is {shown(given)}, and {FORMAT} is known here: freeze with this version"
            raise ValueError(msg)
        _known(document, {"format": int, "provider": list, "examined": dict}, "it")
        self.place: Final = printable(place)
        self.providers: Final = [_provider(each) for each in items(document.get("provider"), list) or ()]
        self.examined: Final = cast("dict[str, object]", document.get("examined", {}))
        names = [info.name for info, _ in self.providers]
        if len({*names}) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            msg = f"it has {shown(twice)} twice, as a merge may leave it"
            raise ValueError(msg)

    def differences(self, declared: Iterable[ProviderInfo], changed: Mapping[str, str]) -> list[str]:
        """What `declared`, by metadata that survived and was not examined, says otherwise.

        `changed` has the place of each distribution, by its name, whose metadata are others than examined.
        """
        texts: list[str] = []
        here = {each.name: each for each in declared}
        for info, _ in self.providers:
            other = here.pop(info.name, None)
            if other is None and normalise(info.distribution) in changed:
                texts.append(f"{changed[normalise(info.distribution)]} no longer declares {info.name} = {info.value}")
            elif other is not None and (other.version, other.value) != (info.version, info.value):
                texts.append(f"{info} = {info.value} was frozen, and {other} = {other.value} is installed")
        if here:
            texts.append(f"not in it, and not loaded: {cut(', '.join(here), MESSAGE_LIMIT)}")
        return [f"{self.place}: {each}. Review it, and run `snapstart-hooks freeze`" for each in texts]


def _known(table: Mapping[str, object], kinds: Mapping[str, type], place: str) -> None:
    """See that a table has nothing that would be passed over: a `digest` misspelt would check nothing."""
    for name, value in table.items():
        if name not in kinds or not is_a(value, kinds[name]):
            fault = f"which is no {kinds[name].__name__}" if name in kinds else "which is not known here"
            msg = f"{place} has {shown(name)}, {fault}"
            raise ValueError(msg)


def _provider(given: object) -> tuple[ProviderInfo, str]:
    if not is_a(given, dict):
        msg = "a `provider` in it is no table"
        raise ValueError(msg)
    table = cast("dict[str, object]", given)
    kinds: dict[str, type] = dict.fromkeys(("distribution", "version", "entry-point", "value", "digest"), str)
    _known(table, {**kinds, "also": list}, "a `provider` in it")
    texts = {name: value for name, value in table.items() if is_a(value, str)}
    also = [name for name in items(table.get("also"), list) or () if is_a(name, str)]
    value, distribution, entry_point = texts.get("value"), texts.get("distribution", ""), texts.get("entry-point", "")
    if not value or bool(distribution) != bool(entry_point):
        msg = "a `provider` in it needs `value`, and `distribution` with `entry-point` unless it was declared by hand"
        raise ValueError(msg)
    name = f"{normalise(distribution)}:{entry_point}" if distribution else value
    version = texts.get("version")
    info = ProviderInfo(
        name, distribution=distribution, version=version, entry_point=entry_point, value=value, also=also
    )
    return info, texts.get("digest", "")


def manifest(path: Sequence[str]) -> Manifest | None:
    """The first manifest on `path`; ``None`` if there is none.

    Raises:
        ValueError: It cannot be read or understood; the message names it.
    """
    for entry in path:
        place = os.path.join(entry, NAME)  # noqa: PTH118 - no pathlib here
        found, fault = tried(functools.partial(_read, place, entry))
        if fault is not None:
            msg = f"{printable(place)} cannot be read as a manifest: {error_text(fault)}"
            raise ValueError(msg) from fault
        if found is not None:
            return found
    return None


def _read(place: str, entry: str) -> Manifest | None:
    if os.path.lexists(place):
        if not os.path.isfile(place):  # noqa: PTH113
            msg = "it is no file, or a link that leads nowhere"
            raise ValueError(msg)
        with open(place, "rb") as file:  # noqa: PTH123
            return Manifest(file.read().decode(), place)
    if os.path.isdir(entry) or not entry:  # noqa: PTH112
        return None
    from pkgutil import get_importer

    get_data = getattr(get_importer(entry), "get_data", None)  # that of a zip
    try:
        content = None if get_data is None else cast("bytes", get_data(place))
    except OSError:
        return None
    return None if content is None else Manifest(content.decode(), place)


def digest(value: str, path: Sequence[str] | None = None) -> str:
    """The SHA-256 of the file of the module that an entry point names; ``""`` if there is no file.

    Looked for on `path`, by default ``sys.path``.  Nothing is imported, not even the packages around it.
    """
    import hashlib
    from importlib.machinery import PathFinder

    spec: ModuleSpec | None = None
    where: Sequence[str] = sys.path if path is None else path
    for name in value.partition("[")[0].partition(":")[0].strip().split("."):
        spec = PathFinder.find_spec(name, where)
        if spec is None:
            return ""
        where = list(spec.submodule_search_locations or ())
    get_data = getattr(spec and spec.loader, "get_data", None)
    content = None if spec is None or get_data is None else tried(lambda: cast("bytes", get_data(spec.origin)))[0]
    return "" if content is None else f"sha256:{hashlib.sha256(content).hexdigest()}"
