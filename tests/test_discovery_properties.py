"""What holds of discovery for any set of installed distributions."""

# mypy: disallow-any-decorated=False
# (hypothesis gives tests the type `Callable[..., None]`)

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import Version
from plugins.building import declare, write

from snapstart_hooks._discovery import excluded, find, version_key
from snapstart_hooks._hook import ProviderInfo, normalise
from snapstart_hooks._settings import Names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Several spellings of few names: they shall meet.
SPELLINGS = ("foo-bar", "Foo_Bar", "FOO.bar", "foo", "Foo", "zed", "b2")
VERSIONS = ("0.9", "1.0", "1.0.post1", "1.10", "1.9", "2.0rc1")


class One(NamedTuple):
    """A distribution in one of the folders."""

    name: str
    version: str
    folder: int
    entry_points: tuple[str, ...]
    """None of ours if empty."""

    @property
    def key(self) -> str:
        return canonicalize_name(self.name)


distributions = st.lists(
    st.builds(
        One,
        name=st.sampled_from(SPELLINGS),
        version=st.sampled_from(VERSIONS),
        folder=st.integers(0, 2),
        entry_points=st.lists(st.sampled_from("abc"), max_size=3, unique=True).map(tuple),
    ),
    max_size=10,
    # Two spellings of one name and version in one folder are no state that an installer leaves.
    unique_by=lambda one: (one.key, one.version, one.folder),
)


def found_in(folders: Sequence[Path], listing: int) -> list[tuple[str, str | None, str]]:
    """The providers found in these folders, each of which is listed in an order of its own."""
    listdir = os.listdir

    def shuffled(folder: str = ".") -> list[str]:
        return sorted(listdir(folder), key=lambda name: hash((name, listing)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(folder) for folder in folders])
        patch.setattr(os, "listdir", shuffled)
        return [(one.info.name, one.info.version, one.info.value) for one in find().declared]


@contextmanager
def on_disk(installed: Sequence[One]) -> Iterator[list[Path]]:
    """Write them; what finders cache of a folder is never of an earlier example."""
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name, str(number)) for number in range(3)]
        for folder in folders:
            folder.mkdir()
        for one in installed:
            text = declare(**dict.fromkeys(one.entry_points, f"in_{one.folder}")) if one.entry_points else None
            write(folders[one.folder], one.name, one.version, entry_points=text)
        yield folders


def expected(installed: Sequence[One], path: Sequence[int]) -> list[tuple[str, str | None, str]]:
    """The rules once more, as short as they can be said."""
    winners: dict[str, One] = {}
    for folder in path:
        here = [one for one in installed if one.folder == folder]
        for key in {one.key for one in here}:
            newest = max((one for one in here if one.key == key), key=lambda one: Version(one.version))
            if newest.entry_points:
                winners.setdefault(key, newest)
    return [
        (f"{key}:{name}", winner.version, f"in_{winner.folder}")
        for key, winner in sorted(winners.items())
        for name in sorted(winner.entry_points)
    ]


@given(installed=distributions, path=st.permutations(range(3)), seeds=st.tuples(st.integers(), st.integers()))
def test_the_first_on_sys_path_that_declares_wins_however_folders_are_listed(
    installed: list[One], path: list[int], seeds: tuple[int, int]
) -> None:
    with on_disk(installed) as folders:
        ordered = [folders[number] for number in path]
        told = [found_in(ordered, seed) for seed in seeds]
    assert told == [expected(installed, path)] * 2


@given(installed=distributions, paths=st.tuples(st.permutations(range(3)), st.permutations(range(3))))
def test_the_order_of_sys_path_decides_only_among_namesakes(
    installed: list[One], paths: tuple[list[int], list[int]]
) -> None:
    assume(len({one.key for one in installed}) == len(installed))
    with on_disk(installed) as folders:
        told = [found_in([folders[number] for number in path], 0) for path in paths]
    assert told[0] == told[1]


@given(installed=distributions, repeated=st.lists(st.integers(0, 2), max_size=4))
def test_a_folder_that_is_repeated_changes_nothing(installed: list[One], repeated: list[int]) -> None:
    with on_disk(installed) as folders:
        again = [*folders, *(folders[number] for number in repeated)]
        assert found_in(again, 0) == found_in(folders, 0)


names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,8}[A-Za-z0-9])?", fullmatch=True)


@pytest.mark.once
@given(names)
def test_names_are_normalised_as_installers_do(name: str) -> None:
    assert normalise(name) == canonicalize_name(name)


@given(first=names, second=names, entry_point=names)
def test_a_list_means_every_spelling_of_a_name(first: str, second: str, entry_point: str) -> None:
    info = ProviderInfo(f"{first}:{entry_point}", distribution=first, entry_point=entry_point)
    same = canonicalize_name(first) == canonicalize_name(second)
    for given_name in (second, f"{second}:{entry_point}"):
        listed = Names([given_name])
        assert excluded(info, listed) == ("disabled" if same else "")
        assert excluded(info, Names(), None, listed) == ("" if same else "not on the allow list")
        assert listed.unknown(info.names) == ([] if same else [given_name])
    assert not excluded(info, Names([f"{second}:{entry_point}x"]))
    assert excluded(info, Names(["*"])) == "disabled"
    assert Names(["*"]).unknown(info.names) == []


digits = st.integers(0, 12).map(str)


@st.composite
def versions(draw: st.DrawFn) -> str:
    """Versions in every spelling that PEP 440 allows."""

    def maybe(*parts: st.SearchStrategy[str]) -> str:
        return "".join(draw(part) for part in parts) if draw(st.booleans()) else ""

    separator = st.sampled_from(("", ".", "-", "_"))
    number = st.one_of(st.just(""), digits)
    stages = st.sampled_from(("a", "b", "rc", "c", "alpha", "beta", "pre", "preview", "A", "RC"))
    posts = st.sampled_from(("post", "rev", "r", "Post"))
    local = st.lists(st.one_of(digits, st.sampled_from(("a", "ubuntu", "1a"))), min_size=1, max_size=3)
    release = ".".join(draw(st.lists(digits, min_size=1, max_size=4)))
    return (
        maybe(st.just("v"))
        + maybe(digits, st.just("!"))
        + release
        + maybe(separator, stages, separator, number)
        + draw(st.one_of(st.just(maybe(separator, posts, separator, number)), digits.map("-{}".format)))
        + maybe(separator, st.just("dev"), separator, number)
        + maybe(st.just("+"), local.map(draw(st.sampled_from(".-_")).join))
    )


@given(versions(), versions())
@example("1.0.dev1", "1.0a1")
@example("1.0a1.dev1", "1.0a1")
@example("1.0a1", "1.0a1.post1")
@example("1.0rc1", "1.0c1")
@example("1.0", "1")
@example("1.0+local", "1.0-1")
@example("1.0.post1.dev1", "1.0.post1")
@example("1.0.rev3", "1.0.post2")
@example("0.0", "0")
def test_versions_are_ordered_as_installers_order_them(first: str, second: str) -> None:
    assert (version_key(first) < version_key(second)) == (Version(first) < Version(second))
    assert (version_key(first) == version_key(second)) == (Version(first) == Version(second))


@given(versions(), st.one_of(st.none(), st.text().filter(lambda text: not text.strip()[:1].isalnum())))
def test_what_is_no_version_is_older_than_any(version: str, other: str | None) -> None:
    assert version_key(other) < version_key(version)
