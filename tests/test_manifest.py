"""The frozen manifest: hooks without metadata, and every difference to the metadata that survived."""

from __future__ import annotations

import contextlib
import errno
import importlib
import json
import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import pytest
from plugins.building import declare, write
from runtime.function import run
from runtime.function import write as write_function

from snapstart_hooks import Phase, Registry
from snapstart_hooks._manifest import NAME
from snapstart_hooks.cli import main
from snapstart_hooks.errors import DiscoveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOOKS: Final = "def after_restore() -> None: ...\n"
OTHER: Final = "def after_restore() -> None: print()\n"


class OnPath(Protocol):
    """Gives ``sys.path`` these entries, and the standard library's."""

    def __call__(self, *entries: Path | str) -> None: ...


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[OnPath]:
    with contextlib.suppress(DiscoveryError):
        Registry().discover()  # what it imports itself comes from a site-packages, too
    before = set(sys.modules)
    packages = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}

    def give(*entries: Path | str) -> None:
        monkeypatch.setattr(sys, "path", [*map(str, entries), *(entry for entry in sys.path if entry not in packages)])
        importlib.invalidate_caches()

    yield give
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No ``pyproject.toml`` here."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))


def freeze(*arguments: Path | str) -> int:
    return main(["freeze", *map(str, arguments)])


def build(folder: Path) -> Path:
    """Two distributions with hooks, and one without."""
    write(folder, "River.Driver", "2.1", entry_points=declare(pool="river_hooks"), modules={"river_hooks": HOOKS})
    write(
        folder,
        "lake",
        entry_points=declare(a="lake_hooks:both [sys]"),
        modules={"lake_hooks": f"class both:\n {HOOKS}"},
    )
    (folder / "lake_hooks.py").write_text("class Both:\n    def after_restore(self) -> None: ...\n\nboth = Both()\n")
    write(folder, "plain", entry_points="[console_scripts]\nx = y:z\n")
    (folder / "River_Driver-2.1.dist-info" / "RECORD").write_text("river_hooks.py,,\nriver_too/__init__.py,,\n")
    return folder


def strip(folder: Path) -> None:
    for metadata in folder.glob("*.dist-info"):
        shutil.rmtree(metadata)


def names(registry: Registry) -> list[str]:
    return [hook.name for phase in Phase for hook in registry.plan(phase)]


def test_hooks_are_found_without_metadata_as_they_are_with_them(tmp_path: Path, on_path: OnPath) -> None:
    on_path(build(tmp_path))
    with_metadata = Registry()
    told = [(info.name, str(info), info.value, info.names) for info in with_metadata.discover()]
    assert [name for name, *_ in told] == ["lake:a", "river-driver:pool"]
    assert "river-too" in with_metadata.providers[1].names
    assert freeze("--target", tmp_path) == 0
    strip(tmp_path)
    registry = Registry()
    assert [(info.name, str(info), info.value, info.names) for info in registry.discover()] == told
    assert (registry.warnings, registry.skipped) == ((), ())
    assert names(registry) == names(with_metadata)


def test_with_a_manifest_finding_the_hooks_of_a_thousand_distributions_opens_one_file(
    tmp_path: Path, on_path: OnPath
) -> None:
    for number in range(1000):
        write(tmp_path, f"package{number}", entry_points=declare(x=f"hooks{number}"))
        (tmp_path / f"hooks{number}.py").write_text(HOOKS)
    assert freeze("--target", tmp_path) == 0
    on_path(tmp_path)
    from snapstart_hooks._discovery import find

    opened: list[str] = []
    listening = True
    sys.addaudithook(lambda event, args: opened.append(str(args[0])) if listening and event == "open" else None)
    found = find()
    listening = False
    assert len(found.declared) == 1000
    assert [name for name in opened if name.startswith(str(tmp_path))] == [str(tmp_path / NAME)]
    assert found.warnings == []


def test_every_difference_is_told_and_the_manifest_counts(
    tmp_path: Path, on_path: OnPath, caplog: pytest.LogCaptureFixture
) -> None:
    build(tmp_path)
    write(tmp_path, "gone", entry_points=declare(a="river_hooks"))
    assert freeze("--target", tmp_path) == 0
    (tmp_path / "gone-1.0.dist-info" / "entry_points.txt").write_text("[console_scripts]\nx = y:z\n")
    (tmp_path / "lake-1.0.dist-info" / "entry_points.txt").write_text(declare(a="other_hooks"))
    shutil.rmtree(tmp_path / "River_Driver-2.1.dist-info")
    write(tmp_path, "River.Driver", "2.2", entry_points=declare(pool="river_hooks"))
    write(tmp_path, "new", entry_points=declare(b="bomb"), modules={"bomb": "raise AssertionError"})
    on_path(tmp_path)
    registry = Registry()
    with caplog.at_level("WARNING", "snapstart_hooks"):
        registry.discover()
    assert names(registry) == ["gone:a", "lake:a", "river-driver:pool"]
    lake, river = "lake 1.0, entry point 'a'", "River.Driver 2.1, entry point 'pool'"
    place, advice = f"{tmp_path / NAME}: ", ". Review it, and run `snapstart-hooks freeze`"
    assert [each.removeprefix(place).removesuffix(advice) for each in registry.warnings] == [
        f"{tmp_path / 'gone-1.0.dist-info'} no longer declares gone:a = river_hooks",
        f"{lake} = lake_hooks:both [sys] was frozen, and {lake} = other_hooks is installed",
        f"{river} = river_hooks was frozen, and {river.replace('2.1', '2.2')} = river_hooks is installed",
        "not in it, and not loaded: new:b",
    ]
    assert [each for each in caplog.messages if NAME in each] == list(registry.warnings)
    assert registry.skipped == (f"new 1.0, entry point 'b': not in {tmp_path / NAME}",)


def test_a_module_that_is_not_the_one_that_was_frozen_is_not_imported(tmp_path: Path, on_path: OnPath) -> None:
    assert freeze("--target", build(tmp_path)) == 0
    (tmp_path / "river_hooks.py").write_text("raise AssertionError('this must not be imported')\n")
    on_path(tmp_path)
    registry = Registry()
    with pytest.raises(DiscoveryError, match=r"River\.Driver 2\.1.*its module is not the one that was frozen"):
        registry.discover()
    assert names(registry) == ["lake:a"]


def test_it_is_found_in_a_zip_and_the_first_one_counts(tmp_path: Path, on_path: OnPath) -> None:
    assert freeze("--target", build(tmp_path / "build")) == 0
    strip(tmp_path / "build")
    archive = shutil.make_archive(str(tmp_path / "layer"), "zip", tmp_path / "build")
    without = shutil.make_archive(str(tmp_path / "without"), "zip", build(tmp_path / "another"))
    other = tmp_path / "other"
    other.mkdir()
    on_path(tmp_path / "missing", tmp_path, without, archive, other, "")
    assert [info.name for info in Registry().discover()] == ["lake:a", "river-driver:pool"]
    (other / NAME).write_text("format = 1\n")
    on_path(other, archive)
    assert Registry().discover() == ()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("format = ", "TOMLDecodeError"),
        ("", "its format is None, and 1 is known here"),
        ("format = 2\n", "its format is 2"),
        ("format = 1\nprovider = [1]\n", "is no table"),
        ("format = 1\n[[provider]]\ndistribution = 'a'\n", "needs `value`"),
        ("format = 1\n[[provider]]\ndistribution = 'a'\nvalue = 'b'\n", "with `entry-point`"),
        ("\udcff", "UnicodeDecodeError"),
        ("format = true\n", "its format is True"),
        (f"format = 1\nx = {'[' * 5000}{']' * 5000}\n", "nested too deeply"),
        ("format = 1\n[[providers]]\nvalue = 'lake'\n", "it has 'providers', which is not known here"),
        ("format = 1\n[provider]\nvalue = 'lake'\n", "it has 'provider', which is no list"),
        ("format = 1\nexamined = 3\n", "it has 'examined', which is no dict"),
        ("format = 1\n[[provider]]\nvalue = 'lake'\ndigset = ''\n", "has 'digset', which is not known here"),
        ("format = 1\n[[provider]]\nvalue = 'lake'\ndigest = 12\n", "has 'digest', which is no str"),
        ("format = 1\n[[provider]]\nvalue = 'lake'\n[[provider]]\nvalue = 'lake'\n", "it has 'lake' twice"),
    ],
)
def test_one_that_cannot_be_understood_fails_the_publication_and_hides_nothing(
    tmp_path: Path, on_path: OnPath, text: str, what: str
) -> None:
    (build(tmp_path) / NAME).write_bytes(text.encode("utf-8", "surrogateescape"))
    on_path(tmp_path)
    registry = Registry()
    with pytest.raises(DiscoveryError, match=what) as caught:
        registry.discover()
    assert str(tmp_path / NAME) in str(caught.value)
    assert names(registry) == ["lake:a", "river-driver:pool"]


def test_an_editor_may_have_rewritten_it(tmp_path: Path, on_path: OnPath) -> None:
    provider = "[[provider]]\r\ndistribution='x'\r\nentry-point='y'\r\nvalue='river_hooks'\r\nalso=[1,'z']\r\n"
    build(tmp_path)
    strip(tmp_path)
    (tmp_path / NAME).write_bytes(b"\xef\xbb\xbfformat = 1\r\n" + provider.encode())
    on_path(tmp_path)
    (info,) = Registry().discover()
    assert (info.name, info.version, "z" in info.names) == ("x:y", None, True)
    assert main(["freeze", "--target", str(tmp_path), "--check"]) == 1  # read, and other than what is there


def test_providers_are_declared_by_hand(tmp_path: Path, on_path: OnPath, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "hooks.py").write_text(HOOKS)
    build(tmp_path)
    on_path(tmp_path)
    # What metadata declares, too, is taken once, also with the modules in brackets for which it is there.
    given = "shop.hooks, river_hooks, lake_hooks : both,river_hooks,shop.hooks "
    monkeypatch.setenv("SNAPSTART_HOOKS_PROVIDERS", given)
    registry = Registry()
    providers = registry.discover()
    assert [info.name for info in providers] == ["lake:a", "river-driver:pool", "shop.hooks"]
    assert "shop" in providers[-1].names
    monkeypatch.setenv("SNAPSTART_HOOKS_PROVIDERS", "shop.nothing")
    with pytest.raises(DiscoveryError, match=r"provider shop\.nothing .*No module named 'shop.nothing'") as caught:
        Registry().discover()
    assert str(caught.value).endswith(
        "Correct what names those without a distribution: SNAPSTART_HOOKS_PROVIDERS, or the manifest."
    )
    assert "SNAPSTART_HOOKS_DISABLE" not in str(caught.value)


def test_a_value_that_is_no_object_reference_is_refused_with_the_manifest(tmp_path: Path, on_path: OnPath) -> None:
    (tmp_path / NAME).write_text('format = 1\n[[provider]]\nvalue = "0"\n')
    on_path(tmp_path)
    with pytest.raises(DiscoveryError, match="no object reference") as caught:
        Registry().discover()
    assert f"{tmp_path / NAME}: this is no object reference" in str(caught.value)


@pytest.mark.parametrize(
    "spoil",
    [lambda file: file.write_text("<"), Path.mkdir, lambda file: file.symlink_to("gone")],
    ids=["text", "folder", "link"],
)
def test_a_manifest_that_cannot_be_read_is_passed_over_by_no_allow_list(
    tmp_path: Path, on_path: OnPath, spoil: Callable[[Path], object]
) -> None:
    spoil(tmp_path / NAME)
    on_path(build(tmp_path))
    with pytest.raises(DiscoveryError, match="cannot be read as a manifest") as caught:
        Registry(allow=("lake",)).discover()
    assert "or the manifest" in str(caught.value)
    assert "SNAPSTART_HOOKS_DISABLE" not in str(caught.value)


def test_what_is_declared_in_pyproject_is_frozen(tmp_path: Path, on_path: OnPath) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "hooks.py").write_text(HOOKS)  # in a namespace package
    project = tmp_path / "project.toml"
    project.write_text('[tool.snapstart-hooks]\nproviders = ["shop.hooks"]\n')
    assert freeze("--target", tmp_path, "--pyproject", project) == 0
    on_path(tmp_path)
    registry = Registry()
    registry.discover()
    assert names(registry) == ["shop.hooks"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[tool", "pyproject.toml: "),
        ("[tool.snapstart-hooks]\nproviders = 3\n", 'must have the form providers = ["module:object", ...]'),
        ("[tool.snapstart-hooks]\nprovider = ['a']\n", "has 'provider'. Did you mean 'providers'?"),
    ],
)
def test_what_pyproject_says_wrongly_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, what: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert freeze("--target", tmp_path, "--pyproject", tmp_path / "pyproject.toml") == 2
    assert what in capsys.readouterr().err


def test_check_fails_for_what_is_new_changed_or_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build(tmp_path / "build")
    manifest = tmp_path / "committed.lock"
    arguments = ("--target", tmp_path / "build", "--manifest", manifest)
    assert freeze(*arguments, "--check") == 1
    assert "write it with `snapstart-hooks freeze`" in capsys.readouterr().out
    assert not manifest.exists()
    assert freeze(*arguments) == freeze(*arguments, "--check") == 0
    text = manifest.read_bytes()
    manifest.write_bytes(text.replace(b"\n", b"\r"))
    assert freeze(*arguments, "--check") == 2  # as when a version is published
    manifest.write_bytes(text.replace(b"\n", b"\r\n"))
    assert freeze(*arguments, "--check") == 0
    manifest.write_bytes(text)
    write(tmp_path / "build", "plain-too", "3", entry_points="[console_scripts]\nx = y:z\n")
    assert freeze(*arguments, "--check") == 0  # it adds no hook
    frozen = manifest.read_bytes()
    capsys.readouterr()

    write(tmp_path / "build", "new", entry_points=declare(b="river_hooks"))
    (tmp_path / "build" / "River_Driver-2.1.dist-info" / "entry_points.txt").unlink()
    (tmp_path / "build" / "lake_hooks.py").write_text(OTHER)
    assert freeze(*arguments, "--check", "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert document["changes"] == [
        "lake:a: other code",
        "new:b is new: new 1.0, entry point 'b' = river_hooks",
        "river-driver:pool is gone: River.Driver 2.1, entry point 'pool' = river_hooks",
    ]
    assert (document["ok"], document["written"], manifest.read_bytes()) == (False, False, frozen)
    shutil.rmtree(tmp_path / "build" / "lake-1.0.dist-info")
    write(tmp_path / "build", "lake", "2.0", entry_points=declare(a="lake_hooks:both [sys]"))
    assert freeze(*arguments, "--check") == 1
    assert "changed: lake:a: 1.0 is now 2.0, with other code\n" in capsys.readouterr().out
    (tmp_path / "build" / "lake-2.0.dist-info" / "entry_points.txt").write_text(declare(a="lake_hooks:Both"))
    assert freeze(*arguments, "--check") == 1
    out = capsys.readouterr().out
    assert "changed: lake:a: lake 1.0, entry point 'a' = lake_hooks:both [sys] is now lake 2.0" in out
    assert ", entry point 'a' = lake_hooks:Both, with other code\n" in out


def test_what_one_distribution_ships_is_told_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "lake", entry_points=declare(a="fish", b="weed", c="weed:hooks"), modules={"fish": "", "weed": ""})
    write(tmp_path, "tarn", entry_points=declare(a="fish"))
    arguments = ("--target", tmp_path)
    assert freeze(*arguments) == 0
    assert capsys.readouterr().out.startswith("lake 1.0  a, b, c\ntarn 1.0  fish\n4 providers")
    (tmp_path / "lake-1.0.dist-info").rename(tmp_path / "lake-1.1.dist-info")
    metadata = tmp_path / "lake-1.1.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.0", "1.1"))
    (tmp_path / "weed.py").write_text("hooks = None\n")
    assert freeze(*arguments, "--check") == 1
    changed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("changed: ")]
    assert changed == [
        "changed: lake:a: 1.0 is now 1.1",
        "changed: lake:b, lake:c: 1.0 is now 1.1, with other code",
    ]


def test_nothing_is_written_that_lacks_a_hook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "odd", entry_points=declare(b="elsewhere"))
    write(tmp_path, "bad", entry_points="[snapstart.hooks]\nno equals sign\n")
    assert freeze("--target", tmp_path) == 1
    out = capsys.readouterr().out
    assert f"error: odd:b (odd 1.0, entry point 'b'): {tmp_path} does not contain the module of elsewhere" in out
    assert "error: bad:no equals sign" in out
    assert not (tmp_path / NAME).exists()
    (tmp_path / "layer" / "python").mkdir(parents=True)
    (tmp_path / "layer" / "python" / "elsewhere.py").write_text(HOOKS)
    shutil.rmtree(tmp_path / "bad-1.0.dist-info")
    assert freeze("--target", tmp_path, "--layer", tmp_path / "layer") == 0


def test_a_function_whose_metadata_were_stripped_runs_the_frozen_hooks_under_the_runtime(tmp_path: Path) -> None:
    write(
        tmp_path,
        "lake",
        entry_points=declare(a="lake_hooks"),
        modules={"lake_hooks": "def after_restore(): print('lake')\n"},
    )
    write_function(tmp_path, "import snapstart_hooks\ndef handler(event, context): ...\n")
    assert freeze("--target", tmp_path) == 0
    strip(tmp_path)
    assert run(tmp_path).after_restore == ["lake"]
    (tmp_path / "lake_hooks.py").write_text(OTHER)
    failed = run(tmp_path)
    assert failed.exit_code == 64
    assert "its module is not the one that was frozen" in failed.error["errorMessage"]


def test_a_manifest_that_is_there_survives_what_keeps_another_from_being_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = build(tmp_path / "build")
    assert main(["freeze", "--target", str(folder)]) == 0
    before = (folder / NAME).read_bytes()
    (folder / "sea.py").write_text(HOOKS)
    (folder / "sea-1.dist-info").mkdir()
    (folder / "sea-1.dist-info" / "entry_points.txt").write_text("[snapstart.hooks]\na = sea\n")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert main(["freeze", "--target", str(folder)]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert (folder / NAME).read_bytes() == before
    assert [each.name for each in folder.iterdir() if each.name.startswith(".")] == []


def test_a_build_without_hooks_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["freeze", "--target", str(tmp_path)]) == 0
    assert "warning: nothing in it declares hooks, so with this manifest none of a library is loaded" in (
        capsys.readouterr().out
    )
    with pytest.raises(SystemExit, match="2"):
        main(["freeze", "--target", ""])
    assert "--target: '' is empty" in capsys.readouterr().err


def test_names_that_no_manifest_can_hold_are_left_out_of_it(tmp_path: Path) -> None:
    folder = build(tmp_path / "build")
    odd = os.fsencode(folder) + b"/caf\xe9-1.0.dist-info"
    try:
        os.mkdir(odd)  # noqa: PTH102 - no text
    except OSError:
        pytest.skip("this file system takes no names that are no UTF-8")
    for name in (odd + b"/entry_points.txt", os.fsencode(folder / "del\x7f-1.dist-info")):
        if name.endswith(b"-info"):
            os.mkdir(name)  # noqa: PTH102
            name += b"/entry_points.txt"  # noqa: PLW2901
        with open(name, "w") as file:  # noqa: PTH123
            file.write("[snapstart.hooks]\na = river_hooks\n")
    assert main(["freeze", "--target", str(folder)]) == 0
    assert main(["freeze", "--target", str(folder), "--check"]) == 0
