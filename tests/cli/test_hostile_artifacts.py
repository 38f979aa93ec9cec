"""``doctor`` with artifacts that are not what they seem: a verdict or an error that names the thing, never a hang."""

from __future__ import annotations

import os
import py_compile
import socket
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from cli.samples import Done, command, install, items, write

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.once

HOOKS: Final = "def after_restore(): ...\n"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A function with our package and a library that ships hooks, below a folder of our package's name."""
    folder = tmp_path / "snapstart_hooks" / "build"
    write(folder, "import snapstart_hooks, acme_driver\n\ndef handler(event, context): ...\n")
    write(folder / "snapstart_hooks", "", "__init__.py")
    (folder / "snapstart_hooks-0.1.0.dist-info").mkdir()
    install(folder, "acme-driver", "1.2", "acme_driver", HOOKS)
    return folder


def ask(capsys: pytest.CaptureFixture[str], build: Path, *arguments: object, handler: str = "app.handler") -> Done:
    return command(capsys, "doctor", build, "--handler", handler, "--no-load", "--json", *arguments)


def told(done: Done) -> list[tuple[object, str]]:
    return [(each["check"], str(each["message"])) for each in items(done.document["problems"])]


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe.py")
    os.mkfifo(folder / "snapstart_hooks-0.1.0.dist-info" / "RECORD")


def _socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(folder)  # the name of a socket must be short
        server.bind("s.py")
        os.chdir(here)


def _circles(folder: Path) -> None:
    (folder / "circle.py").symlink_to("circle.py")
    (folder / "around").symlink_to(".")
    (folder / "nowhere.so").symlink_to("/not/there")


def _folders(folder: Path) -> None:
    for name in ("mod.py", "x.cpython-313-x86_64-linux-gnu.so", "libcrypto.so.3", "old.dist-info"):
        (folder / name).mkdir()


@pytest.mark.parametrize("spoil", [_pipe, _socket, _circles, _folders])
def test_what_is_no_file_is_not_read(
    build: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], None]
) -> None:
    spoil(build)
    (build / "extra.py").write_text("import snapstart_hooks\n\n@snapstart_hooks.after_restore\ndef again(): ...\n")
    done = ask(capsys, build)
    assert (done.code, len(items(done.document["providers"]))) == (1, 1)
    assert [what for check, what in told(done) if check == "unimported"] == [
        "/var/task/extra.py declares 1 hook, and nothing that app.handler imports imports that module"
    ]


@pytest.mark.skipif(os.name != "posix", reason="names of files are bytes on POSIX alone")
def test_names_have_no_power_over_a_terminal_or_a_log(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (build / "ev\x1b[31mil\nerror  forged.py").write_text(HOOKS)
    try:
        (build / os.fsdecode(b"caf\xe9.py")).write_text(HOOKS)
    except OSError:
        pytest.skip("this file system takes no names that are no UTF-8")
    done = command(capsys, "doctor", build, "--handler", "app.handler", "--no-load")
    assert done.code == 0
    assert r"/var/task/ev\x1b[31mil\nerror  forged.py looks like the hooks" in done.out
    assert r"/var/task/caf\udce9.py looks like the hooks" in done.out


def test_what_lambda_may_not_read_is_told(build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(ask(capsys, build)) == []
    (build / "app.py").chmod(0o600)
    hidden = ("files", "/var/task/app.py cannot be read by others than the owner, and Lambda runs functions as another")
    assert hidden in told(ask(capsys, build))
    with zipfile.ZipFile(tmp_path / "function.zip", "w") as archive:
        for file in build.rglob("*"):
            archive.write(file, file.relative_to(build))
    assert told(ask(capsys, tmp_path / "function.zip")) == [hidden]
    (build / "app.py").chmod(0o644)
    with zipfile.ZipFile(tmp_path / "function.zip", "w") as archive:
        for file in build.rglob("*"):
            if file.is_file():
                archive.write(file, file.relative_to(build))
        plain = zipfile.ZipInfo("plain/data.txt")
        plain.external_attr = 0o644 << 16  # and of its folder nothing is said
        archive.writestr(plain, "")
    umask = os.umask(0o077)
    try:
        assert "files" not in dict(told(ask(capsys, tmp_path / "function.zip")))
    finally:
        assert os.umask(umask) == 0o077
    (build / "closed").mkdir(mode=0o700)
    (build / "closed" / "data.txt").touch()
    with zipfile.ZipFile(tmp_path / "function.zip", "w") as archive:
        for file in build.rglob("*"):
            archive.write(file, file.relative_to(build))
    assert [check for check, what in told(ask(capsys, tmp_path / "function.zip")) if "/closed" in what] == ["files"]


def test_entries_of_an_archive(build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = tmp_path / "function.zip"
    with zipfile.ZipFile(archive, "w") as function:
        for file in build.rglob("*"):
            function.write(file, file.relative_to(build))
        with pytest.warns(UserWarning, match="Duplicate name"):
            function.write(build / "app.py", "app.py")
    assert told(ask(capsys, archive)) == [
        ("metadata", f"{archive} has app.py several times; the last one is taken here")
    ]
    for name, what in (("a" * 300, "File name too long ('aaa"), ("app.py/x", "File exists ('app.py/x')")):
        with zipfile.ZipFile(archive, "w") as function:
            function.writestr("app.py", "")
            function.writestr(name, "")
        done = command(capsys, "doctor", archive)
        assert (done.code, what in done.err) == (2, True), done.err
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as function:
        function.writestr("app.py", "x = 1\n" * 1000)
    spoilt = bytearray(archive.read_bytes())
    spoilt[36:46] = b"\xff" * 10
    archive.write_bytes(spoilt)
    done = command(capsys, "doctor", archive)
    assert (done.code, "cannot be unpacked" in done.err, "('app.py')" in done.err) == (2, True, True), done.err
    for name in (os.devnull, ""):
        try:
            assert command(capsys, "doctor", name).code == 2
        except SystemExit as ended:
            assert ended.code == 2  # noqa: PT017 - argparse


def test_a_spoilt_archive_inside_is_named(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (build / ".requirements.zip").write_bytes(b"no zip")
    done = command(capsys, "doctor", build)
    assert (done.code, f"{build}: .requirements.zip: this is not" in done.err) == (2, True), done.err


def test_links_of_an_image_stay_in_it(build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "root"
    (root / "var").mkdir(parents=True)
    (root / "srv").mkdir()
    build.rename(root / "srv" / "code")
    (root / "srv" / "now").symlink_to("code")
    (root / "var" / "task").symlink_to("/srv/now")
    done = ask(capsys, root)
    assert len(items(done.document["providers"])) == 1
    assert [check for check, _ in told(done)] == ["activation"]  # AWS's package is not in it
    (tmp_path / "link").symlink_to(root)
    assert [check for check, _ in told(ask(capsys, tmp_path / "link"))] == ["activation"]
    (root / "var" / "task").unlink()
    (root / "var" / "task").symlink_to("../../elsewhere")
    (tmp_path / "elsewhere").mkdir()
    for name in ("etc", "usr"):
        (root / name).mkdir()
    done = command(capsys, "doctor", root)
    assert (done.code, "it has no /var/task" in done.err) == (2, True)


def test_of_two_layers_the_later_counts(build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (build / "acme_driver.py").unlink()
    (build / "acme_driver-1.2.dist-info" / "METADATA").unlink()
    (build / "acme_driver-1.2.dist-info" / "entry_points.txt").unlink()
    for name, version in (("first", "1.4"), ("later", "1.3")):
        install(tmp_path / name / "python", "acme-driver", version, "acme_driver", HOOKS)
    done = ask(capsys, build, "--layer", tmp_path / "first", "--layer", tmp_path / "later")
    (provider,) = items(done.document["providers"])
    assert provider["version"] == "1.3"


def test_compiled_code_is_code(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in [*build.rglob("*.py")]:
        py_compile.compile(str(file), str(file.with_suffix(".pyc")))
        file.unlink()
    assert told(ask(capsys, build)) == [
        ("handler", "/var/task/app.pyc is compiled, so what the function imports is not known")
    ]
    (build / "app.pyc").unlink()
    (build / "app.cpython-313-x86_64-linux-gnu.so").touch()
    assert [check for check, _ in told(ask(capsys, build))] == ["handler"]
    (build / "snapstart_hooks" / "__init__.pyc").unlink()
    assert "activation" in [check for check, _ in told(ask(capsys, build))]


def test_what_a_wheel_has_for_the_installer_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wheel = tmp_path / "acme_driver-1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("acme_driver-1.2.data/purelib/acme_driver.py", HOOKS)
        archive.writestr("acme_driver-1.2.dist-info/entry_points.txt", "[snapstart.hooks]\na = acme_driver\n")
    done = command(capsys, "doctor", wheel, "--no-load")
    assert (done.code, done.out) == (0, "1 provider of hooks, declared by metadata; no problem found\n")


def test_an_editable_installation_of_any_builder(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (build / "_editable_impl_shop.pth").write_text("/home/me/shop/src\n")
    (build / "distutils-precedence.pth").write_text("import os\n")
    ((check, what),) = told(ask(capsys, build))
    assert (check, what.partition(": ")[0]) == ("shadowed", "/var/task/_editable_impl_shop.pth")


def test_frozen_code_is_compared_without_loading(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(capsys, "freeze", "--target", build).code == 0
    assert told(ask(capsys, build)) == []
    (build / "acme_driver.py").write_text(f"{HOOKS}\n")
    ((check, what),) = told(ask(capsys, build))
    assert (check, what.endswith("its module is not the one that was frozen")) == ("providers", True)
    frozen = build / "snapstart-hooks.lock"
    lines = frozen.read_text().splitlines(keepends=True)
    frozen.write_text("".join(line for line in lines if not line.startswith("digest")))
    assert told(ask(capsys, build)) == [
        ("manifest", "the manifest has no digest of acme-driver:default, so its code may be any")
    ]
    frozen.write_text("<<<<<<< HEAD\n")
    _is_no_manifest(ask(capsys, build), "Invalid statement")
    frozen.unlink()
    frozen.symlink_to("../../left/where/it/was/built.lock")
    _is_no_manifest(ask(capsys, build), "a link that leads nowhere")


def _is_no_manifest(done: Done, why: str) -> None:
    ((check, what),) = told(done)
    assert (done.code, done.document["frozen"], check, why in what) == (1, False, "manifest", True), what
    assert [each["name"] for each in items(done.document["providers"])] == ["acme-driver:default"]


def test_metadata_that_look_as_they_were_frozen_are_read(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(capsys, "freeze", "--target", build).code == 0
    frozen = build / "snapstart-hooks.lock"
    frozen.write_text(frozen.read_text().replace('"default"', '"another"'))
    assert [
        (check, what.partition(". Review it")[0].rpartition(": ")[2]) for check, what in told(ask(capsys, build))
    ] == [
        ("manifest", f"{build / 'acme_driver-1.2.dist-info'} no longer declares acme-driver:another = acme_driver"),
        ("manifest", "acme-driver:default"),
    ]


def test_a_wrong_handler_is_one_problem(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(build / "shop", "", "__init__.py")
    write(build / "shop", "def handle(event, context): ...\n", "orders.py")
    assert [check for check, _ in told(ask(capsys, build, handler="shop.orders:handle"))] == ["handler"]
