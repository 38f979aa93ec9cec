"""What must hold for whatever text stands in metadata, manifests and settings.

``python tests/fuzzing.py 20000`` tries so many inputs for each, and tells how many it tried.
"""

# mypy: disallow-any-decorated=False
# (hypothesis gives what it decorates the type `Callable[..., None]`)

from __future__ import annotations

import contextlib
import io
import shutil
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snapstart_hooks._discovery import find, installed
from snapstart_hooks._manifest import NAME, Manifest, digest
from snapstart_hooks._settings import Settings
from snapstart_hooks.cli import main as command
from snapstart_hooks.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from snapstart_hooks._discovery import Found

__all__ = ("PROPERTIES", "tried")

Property: TypeAlias = "Callable[[Path], Callable[[], None]]"

GROUP: Final = "[snapstart.hooks]\n"
ODD: Final = ("pool", "a.b:c", "x [y, z]", "[z]", "snapstart.hooks", "", "=", "..")
words = st.one_of(st.text(max_size=12), st.sampled_from(ODD))
lines = st.builds("{}{}{}".format, words, st.sampled_from(("=", " = ", "", ":")), words)
files = st.one_of(
    st.binary(max_size=60),
    st.lists(lines, max_size=6).map(lambda some: (GROUP + "\n".join(some)).encode("utf-8", "surrogatepass")),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 99), words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=8,
)
keys = st.sampled_from(("value", "distribution", "entry-point", "version", "digest", "also", "more"))
tables = st.dictionaries(keys, values, max_size=7)
manifests = st.one_of(
    st.text(max_size=80),
    st.lists(tables, max_size=3).map(lambda some: "\n".join(["format = 1", *map(_table, some)])),
    st.tuples(values, tables).map(lambda two: f"format = 1\nprovider = {_value(two[0])}\nexamined = {_value(two[1])}"),
)
NAMES: Final = ("DISABLE", "ALLOW", "PROVIDERS", "OPTIONAL", "REQUIRED", "BUDGET", "ROLLBACK", "AUDIT", "EMF", "OTEL")
variables = st.sampled_from(NAMES)
environments = st.dictionaries(variables.map("SNAPSTART_HOOKS_{}".format), st.one_of(words, st.text(max_size=30)))


def _value(value: object) -> str:
    """A value as TOML has it, or as somebody wrote it who does not know TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_value(name)} = {_value(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value) if isinstance(value, (str, int)) else "''"


def _table(table: dict[str, object]) -> str:
    return "[[provider]]\n" + "".join(f"{name} = {_value(value)}\n" for name, value in table.items())


FOLDERS: Final = ("odd-1.0.dist-info", "odd.egg-info", "x.dist-info")


def metadata(folder: Path) -> Callable[[], None]:
    """Metadata are read without an exception and without an import; what is told of them is printable."""

    @given(
        files,
        st.one_of(st.none(), st.binary(max_size=40)),
        st.sampled_from(("odd-1.0.dist-info", "odd.egg-info", "x.dist-info")),
    )
    def check(entry_points: bytes, other: bytes | None, name: str) -> None:
        with _fresh(folder) as empty:
            (empty / name).mkdir()
            (empty / name / "entry_points.txt").write_bytes(entry_points)
            for file in ("METADATA", "PKG-INFO", "RECORD") if other is not None else ():
                (empty / name / file).write_bytes(other or b"")
            before = set(sys.modules)
            found = installed([str(empty)])
            _told(
                [*map(str, found.skipped)],
                found.warnings,
                [str(each.info) + each.info.value for each in found.declared],
            )
            assert not {each for each in set(sys.modules) - before if not each.startswith(STANDARD)}

    return check


STANDARD: Final = (
    "lazy_importer",
    "email",
    "importlib",
    "difflib",
    "base64",
    "binascii",
    "quopri",
    "encodings",
    "calendar",
    "locale",
)
"""What the standard library, or its backport, imports to read metadata."""


def manifest(folder: Path) -> Callable[[], None]:
    """A manifest is understood or refused by one kind of error, which names it; discovery goes on."""

    @given(manifests)
    def check(text: str) -> None:
        with _fresh(folder) as empty:
            with contextlib.suppress(ValueError):
                Manifest(text, "place")
            (empty / NAME).write_bytes(text.encode("utf-8", "surrogatepass"))
            found = find([str(empty)])
            _told(
                [*map(str, found.skipped)],
                found.warnings,
                [str(each.info) + each.info.value for each in found.declared],
            )
            assert all(str(empty / NAME) in each.fault for each in found.declared if each.fault)

    return check


def frozen(folder: Path) -> Callable[[], None]:
    """What freeze writes says the same as the metadata from which it was written."""

    @given(files)
    def check(entry_points: bytes) -> None:
        with _fresh(folder) as empty:
            (empty / "odd-1.0.dist-info").mkdir()
            (empty / "odd-1.0.dist-info" / "entry_points.txt").write_bytes(entry_points)
            (empty / "pool.py").touch()
            with contextlib.redirect_stdout(io.StringIO()):
                code = command(["freeze", "--target", str(empty), "--pyproject", str(folder / "none.toml")])
            assert (code == 0) is (empty / NAME).exists()
            if code == 0:
                before = [
                    (each.info.name, each.info.value, each.info.names) for each in installed([str(empty)]).declared
                ]
                tomllib.loads((empty / NAME).read_text(encoding="utf-8"))
                shutil.rmtree(empty / "odd-1.0.dist-info")
                after = find([str(empty)])
                assert _known(after) == before
                assert after.warnings == []

    (folder / "none.toml").touch()
    return check


def setting(folder: Path) -> Callable[[], None]:
    """Settings are understood or refused by one kind of error, which names the variable and is printable."""

    @given(environments)
    def check(environ: dict[str, str]) -> None:
        try:
            Settings(environ)
        except SettingsError as error:
            text = str(error)
        else:
            return
        _told([text])
        assert any(name in text for name in environ)

    return check


def reference(folder: Path) -> Callable[[], None]:
    """Whatever an entry point names, looking for its file raises nothing."""
    return given(st.one_of(st.text(max_size=30), words))(lambda value: _digest(value, folder))


def _digest(value: str, folder: Path) -> None:
    assert digest(value, [str(folder)]) == ""


def _known(found: Found) -> list[tuple[str, str, frozenset[str]]]:
    return [(each.info.name, each.info.value, each.info.names) for each in found.declared]


@contextlib.contextmanager
def _fresh(folder: Path) -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(dir=folder))
    try:
        yield made
    finally:
        shutil.rmtree(made)


def _told(*texts: list[str]) -> None:
    assert all(text.isprintable() for some in texts for text in some)


PROPERTIES: Final[tuple[Property, ...]] = (metadata, manifest, frozen, setting, reference)


def tried(one: Property, count: int) -> int:
    """Try a property with so many inputs; tell how many there were."""
    with tempfile.TemporaryDirectory() as name:
        check = one(Path(name))
        inner = check.hypothesis.inner_test  # type: ignore[attr-defined]
        tries = 0

        def counted(*args: object, **kwargs: object) -> None:
            nonlocal tries
            tries += 1
            inner(*args, **kwargs)

        check.hypothesis.inner_test = counted  # type: ignore[attr-defined]
        quiet = settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        quiet(check)()
        return tries


def main() -> None:
    """Try all, and tell."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for one in PROPERTIES:
        begun = time.monotonic()
        number = tried(one, count)
        print(f"{one.__name__:10} {number:8,} inputs in {time.monotonic() - begun:5.1f} s: {one.__doc__}", flush=True)


if __name__ == "__main__":
    main()
