"""Discovery of installed hooks: every form in which a distribution can be installed, and every damage to it.

The sample distributions of `plugins/` are built for real, once; what is damaged by hand
afterwards is a copy, or metadata written as installers write it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypedDict, cast

import pytest
from plugins.building import Built, declare, pip_install, uv_install, write

import snapstart_hooks
from snapstart_hooks import Phase, Registry
from snapstart_hooks._discovery import find
from snapstart_hooks.errors import DiscoveryError, ProviderError

if sys.version_info >= (3, 12):
    from importlib.metadata import Distribution
else:
    from importlib_metadata import Distribution

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

HOOKS: Final = "def after_restore() -> None: ...\n"
BOMB: Final = "raise AssertionError('this must not be imported')\n"
LATIN: Final = "café".encode("latin-1")


class OnPath(Protocol):
    """Gives ``sys.path`` these entries, and the standard library's."""

    def __call__(self, *entries: Path | str) -> None: ...


class Seen(TypedDict):
    """What `plugins/discovering.py` says."""

    providers: list[list[str]]
    plan: dict[str, list[str]]
    where: list[str]
    skipped: list[str]


# The three sample distributions, as they have to be found wherever they are.
CREEK: Final = ["creek-driver:creek", "creek_driver", "1.0.post2", "creek", "creek_driver"]
LAKE: Final = ["lake-driver:hooks", "lake-driver", "0.3rc1", "hooks", "lake_driver.snapstart:hooks"]
POOL: Final = ["river-driver:pool", "River.Driver", "2.1", "pool", "river_driver.pool"]
SESSION: Final = [
    "river-driver:session",
    "River.Driver",
    "2.1",
    "session",
    "river_driver.session:Session.shared [river_driver]",
]
PLAN: Final = {
    "before_snapshot": ["lake.flush", "creek-driver:creek", "river-driver:pool"],
    "after_restore": ["lake-driver:hooks", "river-driver:pool", "river-driver:session"],
}
RAN: Final = [
    "lake flushed",
    "creek closed",
    "river pool closed",
    "lake reseeded",
    "river pool opened",
    "river session opened",
]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The sample distributions."""
    return Built(tmp_path_factory.mktemp("built"))


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[OnPath]:
    """Give ``sys.path`` these entries and the standard library alone; forget what was imported from them."""
    find()  # what it imports itself comes from a site-packages, too
    before = set(sys.modules)
    packages = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    monkeypatch.delenv("SNAPSTART_HOOKS_ALLOW", raising=False)

    def give(*entries: Path | str) -> None:
        monkeypatch.setattr(sys, "path", [*map(str, entries), *(entry for entry in sys.path if entry not in packages)])
        for package in ("creek_driver", "lake_driver", "odd_hooks", "river_driver"):  # as who uses them does
            with contextlib.suppress(BaseException):
                import_module(package)

    yield give
    for name in set(sys.modules) - before:
        del sys.modules[name]


def discover_apart(*arguments: str | Path, python: str | Path = sys.executable) -> tuple[Seen, list[str]]:
    """What an interpreter of its own discovers, and what the hooks print when they run."""
    script = Path(__file__).parent / "plugins" / "discovering.py"
    ours = (str(Path(snapstart_hooks.__file__).parents[1]), sysconfig.get_path("purelib"))
    environment = {"PYTHONPATH": os.pathsep.join(ours)} if python != sys.executable else {}
    ran = subprocess.run(
        [python, script, *arguments],
        check=False,
        capture_output=True,
        env={**os.environ, **environment},
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    said, *printed = ran.stdout.splitlines()
    return cast("Seen", json.loads(said)), printed


def names(registry: Registry) -> list[str]:
    """The names of the hooks of both phases."""
    return [hook.name for phase in Phase for hook in registry.plan(phase)]


def refused(registry: Registry) -> dict[str, str]:
    """What the one `DiscoveryError` of `registry` says, by provider."""
    with pytest.raises(DiscoveryError) as caught:
        registry.discover()
    errors = caught.value.exceptions
    assert all(isinstance(error, ProviderError) for error in errors)
    assert str(caught.value).startswith(f"{len(errors)} installed providers of hooks cannot be used: ")
    told = {cast("ProviderError", error).provider: str(error) for error in errors}
    assert len(told) == len(errors)
    return told


def one(folder: Path, on_path: OnPath, value: str, **modules: str) -> str:
    """What is said of one provider of this `value` that cannot be used."""
    write(folder, "Odd.Driver", "3.2", entry_points=declare(pool=value), modules=modules)
    write(folder, "sound", entry_points=declare(pool="sound_hooks"), modules={"sound_hooks": HOOKS})
    on_path(folder)
    registry = Registry()
    ((provider, message),) = refused(registry).items()
    assert provider == "odd-driver:pool"
    assert names(registry) == ["sound:pool"]
    intro = f"provider odd-driver:pool (Odd.Driver 3.2, entry point 'pool'{f' = {value!r}' if value else ''}): "
    assert message.startswith(intro)
    return message.removeprefix(intro)


# Every form in which a distribution can be installed.


def test_wheels_on_sys_path_are_found_as_zips(built: Built) -> None:
    seen, printed = discover_apart(*map(built.build, ("river", "lake", "creek")))
    assert seen["providers"] == [CREEK, LAKE, POOL, SESSION]
    assert seen["plan"] == PLAN
    assert printed == RAN
    assert all(".whl" in place for place in seen["where"])


@pytest.mark.once
def test_wheels_installed_by_pip_into_a_folder_are_found(built: Built, tmp_path: Path) -> None:
    folder = pip_install(tmp_path, *map(built.build, ("river", "lake", "creek")))
    seen, printed = discover_apart(folder)
    assert (seen["providers"], seen["plan"], printed) == ([CREEK, LAKE, POOL, SESSION], PLAN, RAN)
    assert all(Path(place).is_relative_to(folder) for place in seen["where"])


@pytest.mark.once
def test_sdists_are_found_once_installed(built: Built, tmp_path: Path) -> None:
    folder = uv_install(tmp_path, *(built.build(sample, "sdist") for sample in ("river", "lake", "creek")))
    seen, printed = discover_apart(folder)
    assert (seen["providers"], seen["plan"], printed) == ([CREEK, LAKE, POOL, SESSION], PLAN, RAN)


def test_editable_installations_are_found(built: Built, tmp_path: Path) -> None:
    """One by a plain path in a ``.pth``, one by a finder of `editables`, one by a finder of setuptools."""
    pytest.importorskip("editables")
    pytest.importorskip("setuptools")
    projects = [built.project(sample) for sample in ("river", "lake", "creek")]
    folder = uv_install(tmp_path, *(f"--editable={project}" for project in projects))
    seen, printed = discover_apart(f"--site={folder}")
    assert (seen["providers"], seen["plan"], printed) == ([CREEK, LAKE, POOL, SESSION], PLAN, RAN)
    assert all(any(Path(place).is_relative_to(project) for project in projects) for place in seen["where"])
    assert seen["skipped"] == []


def test_an_installation_in_a_virtual_environment_is_found(built: Built, tmp_path: Path) -> None:
    uv = (sys.executable, "-m", "uv")
    subprocess.run([*uv, "venv", "--quiet", "--offline", f"--python={sys.executable}", tmp_path / "v"], check=True)
    python = tmp_path / "v" / "bin" / "python"
    install = ("pip", "install", "--quiet", "--offline", "--no-deps", f"--python={python}")
    subprocess.run([*uv, *install, built.build("river"), built.build("lake")], check=True)
    seen, _ = discover_apart(python=python)
    assert seen["providers"] == [LAKE, POOL, SESSION]
    assert all(Path(place).is_relative_to(tmp_path) for place in seen["where"])


def test_a_zip_of_installed_distributions_is_found(built: Built, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "layer"), "zip", built.unpack(tmp_path / "in", "river", "lake"))
    seen, _ = discover_apart(archive)
    assert seen["providers"] == [LAKE, POOL, SESSION]
    assert all(Path(place).is_relative_to(archive) for place in seen["where"])


def test_an_egg_info_beside_the_code_is_found(built: Built) -> None:
    built.build("creek")  # setuptools leaves it in the project
    assert (built.project("creek") / "creek_driver.egg-info" / "entry_points.txt").exists()
    seen, printed = discover_apart(built.project("creek"))
    assert (seen["providers"], printed) == ([CREEK], ["creek closed"])


def test_a_library_needs_no_dependency_on_this_package(built: Built, tmp_path: Path) -> None:
    folder = built.unpack(tmp_path, "river")
    code = "import river_driver.pool, river_driver.session, sys; assert 'snapstart_hooks' not in sys.modules"
    subprocess.run([sys.executable, "-S", "-c", code], check=True, env={"PYTHONPATH": str(folder)})
    metadata = (folder / "river_driver-2.1.dist-info" / "METADATA").read_text(encoding="utf-8")
    assert "Requires-Dist" not in metadata
    seen, _ = discover_apart(folder)
    assert seen["providers"] == [POOL, SESSION]


def test_providers_are_told_by_attributes(built: Built, tmp_path: Path, on_path: OnPath) -> None:
    on_path(built.unpack(tmp_path, "river", "lake"))
    registry = Registry()
    providers = registry.discover()
    assert providers == registry.providers
    told = [[info.name, info.distribution, info.version, info.entry_point, info.value] for info in providers]
    assert told == [LAKE, POOL, SESSION]
    assert [(hook.priority, hook.required) for hook in registry.plan(Phase.AFTER_RESTORE)] == [
        (-400, True),
        (-200, False),
        (-100, True),
    ]
    assert registry.warnings == ()
    modules = {name: module for name, module in sys.modules.items() if name.endswith("_driver")}
    assert registry.discover() == providers
    assert all(sys.modules[name] is module for name, module in modules.items())
    assert len(registry.hooks) == 5


# Damaged metadata.


@pytest.mark.parametrize(
    "metadata", [None, b"", b"\n", b"Summary: nothing else\n", b"Name:\nVersion:\n", LATIN + b"\n"]
)
def test_without_metadata_the_folder_tells_the_name(
    built: Built, tmp_path: Path, on_path: OnPath, metadata: bytes | None
) -> None:
    on_path(built.unpack(tmp_path, "river"))
    file = tmp_path / "river_driver-2.1.dist-info" / "METADATA"
    file.unlink()
    if metadata is not None:
        file.write_bytes(metadata)
    told = [(info.name, info.distribution, info.version) for info in Registry().discover()]
    assert told == [("river-driver:pool", "river_driver", "2.1"), ("river-driver:session", "river_driver", "2.1")]


def test_a_version_that_is_nowhere_is_unknown(tmp_path: Path, on_path: OnPath) -> None:
    where = write(tmp_path, "gone", entry_points=declare(pool="nothing_here"), metadata="Name: gone\n")
    where.rename(tmp_path / "gone.dist-info")
    on_path(tmp_path)
    (message,) = refused(Registry()).values()
    assert message.startswith("provider gone:pool (gone (unknown version), entry point 'pool' = 'nothing_here'): ")


def test_a_file_that_is_no_utf8_hides_nobody_else(
    built: Built, tmp_path: Path, on_path: OnPath, caplog: pytest.LogCaptureFixture
) -> None:
    built.unpack(tmp_path, "river")
    broken = b"[console_scripts]\n" + LATIN + b" = cafe:main\n"
    write(tmp_path, "cafe", entry_points=broken)
    write(tmp_path, "Our.Cafe", "0.9", entry_points=declare(pool="cafe").encode() + LATIN)
    on_path(tmp_path)
    registry = Registry()
    with caplog.at_level("INFO", "snapstart_hooks"):
        told = refused(registry)
    assert list(told) == ["Our.Cafe"]
    assert told["Our.Cafe"].startswith(
        "provider Our.Cafe (Our.Cafe 0.9): its entry_points.txt cannot be read: "
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe9"
    )
    assert names(registry) == ["river-driver:pool", "river-driver:pool", "river-driver:session"]
    left_out = f"cafe 1.0 in {tmp_path}: its entry_points.txt is no UTF-8, but does not name snapstart.hooks either"
    assert registry.skipped == (left_out,)
    assert f"hooks left out: {left_out}" in caplog.messages


def test_a_file_that_cannot_be_read_can_be_disabled_by_name(
    tmp_path: Path, on_path: OnPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "Our.Cafe", entry_points=declare(pool="cafe").encode() + LATIN)
    on_path(tmp_path)
    monkeypatch.setenv("SNAPSTART_HOOKS_DISABLE", "our_cafe")
    registry = Registry()
    assert registry.discover() == ()
    assert registry.skipped == ("Our.Cafe: disabled",)


@pytest.mark.parametrize(
    ("line", "provider"),
    [("no equals sign", "odd:no equals sign"), ("= sound_hooks", "odd:"), ("=", "odd:"), ("ünïcödé", "odd:ünïcödé")],
)
def test_a_malformed_line_hides_no_other_line(tmp_path: Path, on_path: OnPath, line: str, provider: str) -> None:
    modules = {"sound_hooks": HOOKS}
    write(tmp_path, "odd", entry_points=f"{declare(a='sound_hooks')}{line}\nb = sound_hooks\n", modules=modules)
    on_path(tmp_path)
    registry = Registry()
    ((found, message),) = refused(registry).items()
    assert found == provider
    assert message.endswith(f": {line!r} in its entry_points.txt has to be `name = module`.")
    assert names(registry) == ["odd:a", "odd:b"]


def test_what_is_no_line_of_ours_is_none_of_our_business(tmp_path: Path, on_path: OnPath) -> None:
    text = """\ufeffno section yet
    [console_scripts]
    malformed
    snapstart.hooks = nothing:main

    # [snapstart.hooks]
    [snapstart.hooks.more]
    a = nothing
    [snapstart.hooks]
    # a comment
    ; another
    [[other]]
    malformed, too
    [snapstart.hooks]
      pool=sound_hooks
    \t
    [other]
    z = nothing
    """
    write(tmp_path, "sound", entry_points=text, modules={"sound_hooks": HOOKS})
    write(tmp_path, "mentions", entry_points="[other]\nsnapstart.hooks = nothing\n")
    write(tmp_path, "empty", entry_points="[snapstart.hooks]\n")
    write(tmp_path, "blank", entry_points="")
    write(tmp_path, "plain")
    on_path(tmp_path)
    registry = Registry()
    assert [info.name for info in registry.discover()] == ["sound:pool"]
    assert registry.skipped == ()


def test_a_name_that_a_distribution_declares_twice_means_the_first(tmp_path: Path, on_path: OnPath) -> None:
    text = declare(pool="first_hooks", other="first_hooks") + "pool = second_hooks\n"
    write(tmp_path, "twice", entry_points=text, modules={"first_hooks": HOOKS, "second_hooks": BOMB})
    on_path(tmp_path)
    registry = Registry()
    assert [(info.name, info.value) for info in registry.discover()] == [
        ("twice:other", "first_hooks"),
        ("twice:pool", "first_hooks"),
    ]
    assert registry.skipped == (
        f"twice:pool = second_hooks: twice 1.0 in {tmp_path} declares this name twice; first_hooks is used",
    )


def test_an_entry_points_file_that_is_a_folder_is_named(tmp_path: Path, on_path: OnPath) -> None:
    (write(tmp_path, "odd", "2.0") / "entry_points.txt").mkdir()
    write(tmp_path, "sound", entry_points=declare(pool="sound_hooks"), modules={"sound_hooks": HOOKS})
    on_path(tmp_path)
    registry = Registry()
    ((provider, message),) = refused(registry).items()
    assert provider == "odd"
    assert message.startswith("provider odd (odd 2.0): its entry_points.txt cannot be read: ")
    assert names(registry) == ["sound:pool"]


def test_a_file_without_permission_is_named(tmp_path: Path, on_path: OnPath) -> None:
    where = write(tmp_path, "locked", entry_points=declare(pool="sound_hooks"), modules={"sound_hooks": HOOKS})
    (where / "entry_points.txt").chmod(0)
    if os.access(where / "entry_points.txt", os.R_OK):
        pytest.skip("this user may read everything")
    on_path(tmp_path)
    ((provider, message),) = refused(Registry()).items()
    assert provider == "locked"
    assert "its entry_points.txt cannot be read: " in message


# Several distributions of one name.


@pytest.mark.parametrize("first", ["egg-info", "dist-info"])
def test_what_a_build_leaves_beside_the_sources_is_no_other_distribution(
    tmp_path: Path, on_path: OnPath, first: str
) -> None:
    """``pip install --editable .`` with setuptools puts the sources on ``sys.path``, in front or behind."""
    sources, site = tmp_path / "sources", tmp_path / "site"
    write(
        sources, "foo-bar", "2.0", kind="egg-info", entry_points=declare(pool="its_hooks"), modules={"its_hooks": HOOKS}
    )
    write(site, "foo-bar", "2.0", entry_points=declare(pool="its_hooks"))
    on_path(*((sources, site) if first == "egg-info" else (site, sources)))
    registry = Registry()
    assert [info.name for info in registry.discover()] == ["foo-bar:pool"]
    assert registry.skipped == ()


@pytest.mark.parametrize(
    ("stale", "declares"),
    [
        (declare(pool="old_hooks"), True),
        (declare(), False),
        ("[console_scripts]\nsnapstart.hooks = y:z\n", False),
        (None, False),
    ],
)
def test_a_stale_egg_info_in_front(tmp_path: Path, on_path: OnPath, stale: str | None, declares: bool) -> None:
    """One that declares nothing hides nothing; one that does is what Python itself takes for installed."""
    old, new = tmp_path / "old", tmp_path / "new"
    write(old, "Foo.Bar", "0.1", kind="egg-info", entry_points=stale, modules={"old_hooks": HOOKS})
    write(new, "foo-bar", "2.0", entry_points=declare(pool="new_hooks"), modules={"new_hooks": HOOKS})
    on_path(old, new)
    registry = Registry()
    told = [(info.name, info.distribution, info.version, info.value) for info in registry.discover()]
    if declares:
        assert told == [("foo-bar:pool", "Foo.Bar", "0.1", "old_hooks")]
        reason = f"Foo.Bar 0.1 in {old} comes first on sys.path and declares hooks, too"
        assert registry.skipped == (f"foo-bar 2.0 in {new}: {reason}",)
        assert "new_hooks" not in sys.modules
    else:
        assert told == [("foo-bar:pool", "foo-bar", "2.0", "new_hooks")]
        assert registry.skipped == ()


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("versions", [("1.9", "1.10"), ("1.10rc1", "1.10"), ("0.9", "0.9.post1")])
def test_of_two_in_one_folder_the_newer_is_installed(
    tmp_path: Path, on_path: OnPath, monkeypatch: pytest.MonkeyPatch, reverse: bool, versions: tuple[str, str]
) -> None:
    """What ``pip install --target --upgrade`` leaves behind."""
    old, new = versions
    write(tmp_path, "driver", old, entry_points=declare(pool="old_hooks"), modules={"old_hooks": BOMB})
    write(tmp_path, "driver", new, entry_points=declare(fresh="new_hooks"), modules={"new_hooks": HOOKS})
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder=".": sorted(listdir(folder), reverse=reverse))
    on_path(tmp_path)
    registry = Registry()
    assert [(info.name, info.version) for info in registry.discover()] == [("driver:fresh", new)]
    leftover = f"a leftover: driver {new} in {tmp_path} is installed in the same folder"
    assert registry.skipped == (f"driver {old} in {tmp_path}: {leftover}",)


def test_a_leftover_that_alone_declares_is_not_installed(tmp_path: Path, on_path: OnPath) -> None:
    write(tmp_path, "driver", "1.0", entry_points=declare(pool="old_hooks"), modules={"old_hooks": BOMB})
    write(tmp_path, "driver", "2.0")
    on_path(tmp_path)
    registry = Registry()
    assert registry.discover() == ()
    leftover = f"a leftover: driver 2.0 in {tmp_path} is installed in the same folder"
    assert registry.skipped == (f"driver 1.0 in {tmp_path}: {leftover}",)


@pytest.mark.once
def test_pip_leaves_such_leftovers_nothing_of_which_is_loaded(built: Built, tmp_path: Path) -> None:
    """For real: the newer version of River.Driver declares only one of the two."""
    project = tmp_path / "project"
    shutil.copytree(built.project("river"), project)
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("session")]
    newer = "\n".join(lines).replace('version = "2.1"', 'version = "2.10"')
    (project / "pyproject.toml").write_text(newer, encoding="utf-8")
    folder = pip_install(tmp_path / "target", built.build("river"))
    pip_install(folder, project)
    left = {entry.name for entry in folder.glob("*.dist-info")}
    assert left >= {"river_driver-2.10.dist-info"}
    seen, _ = discover_apart(folder)
    assert [(name, version) for name, _, version, *_ in seen["providers"]] == [("river-driver:pool", "2.10")]
    assert len(seen["skipped"]) == len(left) - 1


@pytest.mark.parametrize("how", ["twice", "symlink", "dotted"])
def test_a_folder_twice_on_sys_path_counts_once(built: Built, tmp_path: Path, on_path: OnPath, how: str) -> None:
    folder = built.unpack(tmp_path / "in", "river")
    again = {"twice": str(folder), "symlink": f"{tmp_path}/link", "dotted": f"{tmp_path}/in/../in/"}[how]
    (tmp_path / "link").symlink_to(folder)
    on_path(folder, again)
    registry = Registry()
    assert [info.name for info in registry.discover()] == ["river-driver:pool", "river-driver:session"]
    assert registry.skipped == ()


# Providers that cannot be used.


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("raise RuntimeError('no\\n  network')", "RuntimeError: no network"),
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("def broken(:", "SyntaxError: invalid syntax (odd_hooks.py, line 1)"),
    ],
)
def test_a_provider_whose_import_raises(tmp_path: Path, on_path: OnPath, source: str, found: str) -> None:
    assert one(tmp_path, on_path, "odd_hooks", odd_hooks=source) == f"loading it raised {found}."


def test_the_cause_is_kept(tmp_path: Path, on_path: OnPath) -> None:
    modules = {"odd_hooks": "raise OSError(5, 'disk')"}
    write(tmp_path, "odd", "3", entry_points=declare(pool="odd_hooks"), modules=modules)
    on_path(tmp_path)
    with pytest.raises(DiscoveryError) as caught:
        Registry().discover()
    error = caught.value.exceptions[0]
    assert isinstance(error, ProviderError)
    assert isinstance(error.__cause__, OSError)
    assert (error.provider, error.distribution, error.version, error.entry_point, error.value) == (
        "odd:pool",
        "odd",
        "3",
        "pool",
        "odd_hooks",
    )


def test_an_interrupt_is_no_error_of_the_provider(tmp_path: Path, on_path: OnPath) -> None:
    modules = {"odd_hooks": "raise KeyboardInterrupt"}
    write(tmp_path, "odd", entry_points=declare(pool="odd_hooks"), modules=modules)
    on_path(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        Registry().discover()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("nothing_here", "loading it raised ModuleNotFoundError: No module named 'nothing_here'"),
        ("odd_hooks.deeper", "loading it raised ModuleNotFoundError: No module named 'odd_hooks.deeper'; "),
        ("odd_hooks:gone", "loading it raised AttributeError: module 'odd_hooks' has no attribute 'gone'"),
        ("odd_hooks:thing.gone", "loading it raised AttributeError: 'Thing' object has no attribute 'gone'"),
        *(
            (value, "this is no object reference: it has to be `module` or `module:attribute`")
            for value in (
                "",
                "odd hooks",
                "odd-hooks",
                "odd_hooks:",
                ":thing",
                "odd_hooks:a:b",
                "odd_hooks:a..b",
                ".odd",
            )
        ),
        *(
            (value, "this is no object reference: it has to be `module` or `module:attribute`")
            for value in ("odd_hooks:thing()", "[sys]", "odd_hooks = thing", "'odd_hooks'")
        ),
        *(
            (f"odd_hooks [{name}]", f"'{told}' is no name of a module. The brackets name what has to be imported")
            for name, told in (
                ("sys, slow>=1", "slow>=1"),
                ("my-driver", "my-driver"),
                ("sys,", ""),
                ("sys:a", "sys:a"),
            )
        ),
    ],
)
def test_an_entry_point_that_names_nothing(tmp_path: Path, on_path: OnPath, value: str, found: str) -> None:
    source = "class Thing: ...\nthing = Thing()\n"
    assert one(tmp_path, on_path, value, odd_hooks=source).startswith(found)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("", "module 'odd_hooks' has neither `before_snapshot` nor `after_restore`"),
        ("after_restore = 3", "an object of type 'int' (module 'odd_hooks') cannot be a hook of after_restore"),
        ("def after_restore(client): ...", "'client'"),
        (f"{HOOKS}priority = 'first'", "module 'odd_hooks': priority='first' is not possible. Give an int"),
        (f"{HOOKS}priority = True", "module 'odd_hooks': priority=True is not possible. Give an int"),
        (f"{HOOKS}after = 'database'", "after='database' is not possible. Give a sequence of names"),
        (f"{HOOKS}after = [3]", "after=(3,) is not possible. Give a tuple or list of names"),
        (f"{HOOKS}timeout = '1 s'", "timeout='1 s' is not possible. Give a number of seconds"),
        (f"{HOOKS}required = None", "required=None is not possible. Give True or False"),
        (f"{HOOKS}concurrent = 1", "concurrent=1 is not possible. Give True or False"),
        ("from snapstart_hooks import after_restore", "is the decorator of snapstart_hooks itself"),
    ],
)
def test_an_attribute_of_the_wrong_type(tmp_path: Path, on_path: OnPath, source: str, found: str) -> None:
    assert found in one(tmp_path, on_path, "odd_hooks", odd_hooks=source)


@pytest.mark.parametrize(
    "value",
    ["odd_hooks:holder.hooks", "odd_hooks : holder.hooks [ absent, sys ]", "odd_hooks[os.path]", "odd_hooks []"],
)
def test_spaces_and_what_it_is_for_in_a_value_are_allowed(tmp_path: Path, on_path: OnPath, value: str) -> None:
    source = f"class holder:\n    class hooks:\n        @staticmethod\n        {HOOKS}\n{HOOKS}"
    write(tmp_path, "odd", entry_points=declare(pool=value), modules={"odd_hooks": source})
    on_path(tmp_path)
    registry = Registry()
    assert [info.value for info in registry.discover()] == [value]
    assert names(registry) == ["odd:pool"]


def test_all_that_is_broken_is_in_one_error_and_all_that_is_not_is_used(
    built: Built, tmp_path: Path, on_path: OnPath
) -> None:
    built.unpack(tmp_path, "river", "lake")
    write(tmp_path, "zz", "1", entry_points=declare(a="zz_hooks", b="missing"), modules={"zz_hooks": HOOKS})
    write(tmp_path, "aa", "2", entry_points=declare(pool="aa_hooks"), modules={"aa_hooks": "1 / 0"})
    write(tmp_path, "mm", "3", entry_points="[snapstart.hooks]\nnonsense\n")
    (write(tmp_path, "nn", "4") / "entry_points.txt").mkdir()
    on_path(tmp_path)
    registry = Registry()
    with pytest.raises(DiscoveryError) as caught:
        registry.discover()
    errors = [cast("ProviderError", error) for error in caught.value.exceptions]
    assert [(error.provider, error.version) for error in errors] == [
        ("aa:pool", "2"),
        ("mm:nonsense", "3"),
        ("nn", "4"),
        ("zz:b", "1"),
    ]
    for error in errors:
        assert str(error)[:60] in str(caught.value)
    assert [info.name for info in registry.providers] == [
        "lake-driver:hooks",
        "river-driver:pool",
        "river-driver:session",
        "zz:a",
    ]
    # Once repaired, the rest is added, and nothing twice.
    (tmp_path / "missing.py").write_text(HOOKS, encoding="utf-8")
    (tmp_path / "aa_hooks.py").write_text(HOOKS, encoding="utf-8")
    on_path(tmp_path)
    assert list(refused(registry)) == ["mm:nonsense", "nn"]
    assert len(registry.providers) == 6


# What may be loaded.


LISTS: Final = {
    "": [],
    "*": ["creek:own", "foo-bar:a", "foo-bar:b"],
    "foo-bar": ["foo-bar:a", "foo-bar:b"],
    "FOO__bar , creek": ["creek:own", "foo-bar:a", "foo-bar:b"],
    "Foo.Bar:a": ["foo-bar:a"],
    "foo-bar:a,foo_bar:b": ["foo-bar:a", "foo-bar:b"],
    "foo-bar:A": ["foo-bar:a"],
    "foo": [],
}
"""What a list of names means."""


def loaded(folder: Path, registry: Registry, on_path: OnPath) -> list[str]:
    """The providers that are loaded of three; nothing of the others is imported, and they are told."""
    modules = {"creek:own": "creek_hooks", "foo-bar:a": "foo_a_hooks", "foo-bar:b": "foo_b_hooks"}
    sources = dict.fromkeys(modules.values(), HOOKS)
    write(folder, "Foo_Bar", entry_points=declare(a="foo_a_hooks", b="foo_b_hooks"), modules=sources)
    write(folder, "creek", entry_points=declare(own="creek_hooks"))
    on_path(folder)
    found = [info.name for info in registry.discover()]
    assert [name for name, module in modules.items() if module in sys.modules] == found
    assert [skipped.rpartition(": ")[0] for skipped in registry.skipped] == [
        name for name in modules if name not in found
    ]
    return found


def test_of_a_namespace_only_what_is_used_is_loaded(tmp_path: Path, on_path: OnPath) -> None:
    for name in ("queue", "store"):
        (tmp_path / "clouds" / name).mkdir(parents=True)
    modules = {f"clouds/{name}/{module}": HOOKS for name in ("queue", "store") for module in ("__init__", "_hooks")}
    entry_points = declare(queue="clouds.queue._hooks", store="clouds.store._hooks")
    write(tmp_path, "clouds", entry_points=entry_points, modules=modules)
    on_path(tmp_path)
    import_module("clouds.store")
    registry = Registry()
    assert [info.name for info in registry.discover()] == ["clouds:store"]
    assert registry.skipped == ("clouds:queue: clouds.queue is not imported, so there is nothing to reset",)
    import_module("clouds.queue")
    registry.run_before_snapshot()
    assert names(registry) == ["clouds:queue", "clouds:store"]
    assert not registry.skipped


@pytest.mark.parametrize("names", LISTS)
def test_what_is_disabled_is_not_imported(
    tmp_path: Path, on_path: OnPath, monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_DISABLE", names)
    registry = Registry()
    assert loaded(tmp_path, registry, on_path) == [name for name in LISTS["*"] if name not in LISTS[names]]
    assert all(skipped.endswith(": disabled") for skipped in registry.skipped)


@pytest.mark.parametrize("names", LISTS)
def test_what_the_environment_does_not_allow_is_not_imported(
    tmp_path: Path, on_path: OnPath, monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_ALLOW", names)
    registry = Registry()
    assert loaded(tmp_path, registry, on_path) == LISTS[names]
    assert all(skipped.endswith(": not on the allow list") for skipped in registry.skipped)


@pytest.mark.parametrize("names", LISTS)
def test_what_the_registry_does_not_allow_is_not_imported(tmp_path: Path, on_path: OnPath, names: str) -> None:
    registry = Registry(allow=[name.strip() for name in names.split(",")])
    assert loaded(tmp_path, registry, on_path) == LISTS[names]
    assert all(skipped.endswith(": not on the allow list") for skipped in registry.skipped)


def test_nobody_passes_for_what_is_allowed(tmp_path: Path, on_path: OnPath) -> None:
    """By what it says of itself: the modules that it is for or consists of, entry points, names of its hooks."""
    metadata = write(tmp_path, "other", entry_points=declare(a="other_hooks [creek, sys]", creek="other_hooks"))
    (metadata / "RECORD").write_text("other_hooks.py,,\ncreek/__init__.py,,\ncreek.py,,\n")
    write(
        tmp_path,
        "creek",
        entry_points=declare(own="other_hooks"),
        modules={"other_hooks": f"provides = ['creek']\n{HOOKS}"},
    )
    on_path(tmp_path)
    registry = Registry(allow=("creek",))
    assert [info.name for info in registry.discover()] == ["creek:own"]
    assert registry.skipped == tuple(f"other:{name}: not on the allow list" for name in ("a", "creek"))


def test_both_allow_lists_have_to_allow_it(tmp_path: Path, on_path: OnPath, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path, name, entry_points=declare(x=f"{name}_hooks"), modules={f"{name}_hooks": HOOKS})
    on_path(tmp_path)
    monkeypatch.setenv("SNAPSTART_HOOKS_ALLOW", "b,c")
    monkeypatch.setenv("SNAPSTART_HOOKS_DISABLE", "c:x")
    registry = Registry(allow=("a", "b", "c"))
    assert [info.name for info in registry.discover()] == ["b:x"]
    assert registry.skipped == ("a:x: not on the allow list", "c:x: disabled")


def test_a_disabled_provider_cannot_fail(tmp_path: Path, on_path: OnPath, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "odd", entry_points=declare(pool="bomb", gone="missing"), modules={"bomb": BOMB})
    on_path(tmp_path)
    monkeypatch.setenv("SNAPSTART_HOOKS_DISABLE", "odd")
    assert Registry().discover() == ()
    assert "bomb" not in sys.modules


@pytest.mark.parametrize("variable", ["DISABLE", "ALLOW"])
def test_a_misspelt_name_is_told(
    tmp_path: Path, on_path: OnPath, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, variable: str
) -> None:
    write(tmp_path, "driver", entry_points=declare(pool="driver_hooks"), modules={"driver_hooks": HOOKS})
    on_path(tmp_path)
    monkeypatch.setenv(f"SNAPSTART_HOOKS_{variable}", "driver:pol,Drivr,*,driver-hooks,driver")
    Registry().discover()
    unknown = "Drivr, driver-hooks, driver:pol" if variable == "ALLOW" else "Drivr, driver:pol"
    assert f"SNAPSTART_HOOKS_{variable} names providers that are not installed: {unknown}" in caplog.messages


# Finders of other kinds.


class Odd(Distribution):
    """A distribution that is in no folder."""

    def __init__(self, files: Mapping[str, str | Exception]) -> None:
        self._files = files

    @override
    def read_text(self, filename: str) -> str | None:
        content = self._files.get(filename)
        if isinstance(content, Exception):
            raise content
        return content

    @override
    def locate_file(self, path: object) -> Path:
        return Path(str(path))


class Finder:
    """A finder for ``sys.meta_path`` that lists these distributions, or raises in between."""

    def __init__(self, *listed: Distribution | Exception) -> None:
        self._listed = listed

    def find_spec(self, *_: object) -> None: ...

    def find_distributions(self, context: object) -> Iterable[Distribution]:
        for one_of_them in self._listed:
            if isinstance(one_of_them, Exception):
                raise one_of_them
            yield one_of_them


def odd(name: str, entry_points: str | Exception, version: str = "7") -> Odd:
    return Odd({"METADATA": f"Name: {name}\nVersion: {version}\n", "entry_points.txt": entry_points})


def test_distributions_of_other_finders_are_found_and_isolated(
    tmp_path: Path, on_path: OnPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "sound", entry_points=declare(pool="sound_hooks"), modules={"sound_hooks": HOOKS})
    on_path(tmp_path)
    finders = (
        Finder(odd("Early", declare(x="sound_hooks")), OSError("the index is gone"), odd("late", declare(x="never"))),
        Finder(odd("unreadable", RuntimeError("no entry"))),
        Finder(odd("twin", declare(x="sound_hooks"), "1"), odd("Twin", declare(x="never"), "2")),
        Finder(Odd({"METADATA": OSError("gone"), "entry_points.txt": declare(x="missing")}), odd("none", "")),
    )
    monkeypatch.setattr(sys, "meta_path", [*finders[:2], *sys.meta_path, *finders[2:]])
    registry = Registry()
    told = refused(registry)
    assert [info.name for info in registry.providers] == ["early:x", "sound:pool", "twin:x"]
    assert list(told)[1:] == ["(unknown):x", "unreadable"]
    assert next(iter(told)).endswith("test_discovery.Finder)")
    messages = " ".join(told.values())
    assert "this finder on sys.meta_path raised while it listed distributions: OSError: the index is gone." in messages
    assert "(unreadable 7): its entry_points.txt cannot be read: RuntimeError: no entry." in messages
    assert registry.skipped == ("Twin 2: twin 1 comes first on sys.path and declares hooks, too",)


def test_a_finder_that_raises_can_be_disabled(tmp_path: Path, on_path: OnPath, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [Finder(OSError("gone")), *sys.meta_path])
    registry = Registry()
    (provider,) = refused(registry)
    monkeypatch.setenv("SNAPSTART_HOOKS_DISABLE", provider)
    assert registry.discover() == ()


# What it costs.


AUDITED: Final[list[list[str]]] = []


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        for opened in AUDITED:
            opened.append(str(arguments[0]))


sys.addaudithook(_audit)  # there is no way to remove one


@contextmanager
def audited() -> Iterator[list[str]]:
    """The names of the files that are opened meanwhile."""
    opened: list[str] = []
    AUDITED.append(opened)
    try:
        yield opened
    finally:
        AUDITED.remove(opened)


def test_a_thousand_distributions_cost_one_file_each(tmp_path: Path, on_path: OnPath) -> None:
    """One each to see that it declares nothing, two more for the names of one that does."""
    for number in range(1000):
        declares = number % 100 == 0
        text = declare(x="never") if declares else "[console_scripts]\nx = y:z\n"
        folder = tmp_path / ("half" if number < 500 else "rest")
        write(folder, f"package{number}", entry_points=text, modules={f"package{number}": BOMB})
    counts = []
    for folders in ((tmp_path / "half",), (tmp_path / "half", tmp_path / "rest")):
        on_path(*folders)
        with audited() as opened:
            found = find()
        assert len(found.declared) == 5 * len(folders)
        counts.append(sum(name.startswith(str(tmp_path)) for name in opened))
        assert len(opened) - counts[-1] < 50  # whatever the standard library's own folders hold
    assert counts == [500 + 2 * 5, 1000 + 2 * 10]
    assert not [name for name in sys.modules if name.startswith("package") and name[7:].isdecimal()]
