"""``doctor``: what is deployed, as Lambda would see it."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Final

import pytest
from cli.samples import Done, command, install, items, write

from snapstart_hooks.cli import main

pytestmark = pytest.mark.once

HOOKS: Final = "def after_restore(): ...\n"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A function with our package and a library that ships hooks, in which nothing is wrong."""
    folder = tmp_path / "build"
    write(folder / "snapstart_hooks", "")
    (folder / "snapstart_hooks" / "app.py").rename(folder / "snapstart_hooks" / "__init__.py")
    metadata = folder / "snapstart_hooks-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "RECORD").write_text("snapstart_hooks/__init__.py,,\nsnapstart_hooks-0.1.0.dist-info/RECORD,,\n")
    install(folder, "acme-driver", "1.2", "acme_driver", HOOKS)
    write(folder, "import snapstart_hooks, acme_driver\n\ndef handler(event, context): ...\n")
    return folder


def ask(capsys: pytest.CaptureFixture[str], build: Path, *arguments: object, handler: str = "app.handler") -> Done:
    return command(capsys, "doctor", build, "--handler", handler, "--json", *arguments)


def problems(done: Done) -> list[tuple[object, object, str]]:
    return [(each["severity"], each["check"], str(each["message"])) for each in items(done.document["problems"])]


def only(done: Done, check: str) -> str:
    """The message of the one problem of a check, an error that fails the command."""
    ((severity, asked, what),) = [each for each in problems(done) if each[1] == check]
    assert (severity, asked, done.code) == ("error", check, 1), done.out
    return what


def test_nothing_is_wrong_with_what_is_right(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = ask(capsys, build)
    assert (done.code, problems(done), done.document["ok"], done.document["frozen"]) == (0, [], True, False)
    assert [each["name"] for each in items(done.document["providers"])] == ["acme-driver:default"]
    done = command(capsys, "doctor", build, "--handler", "app.handler")
    assert done.out == "1 provider of hooks, declared by metadata; no problem found\n"


def test_zips_wheels_layers_and_images_are_laid_out_as_lambda_does(
    build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Path(shutil.make_archive(str(tmp_path / "function"), "zip", build))
    assert problems(ask(capsys, whole)) == []
    layer = tmp_path / "layer" / "python" / "lib" / "python3.13" / "site-packages"
    layer.mkdir(parents=True)
    for name in ("acme_driver.py", "acme_driver-1.2.dist-info"):
        shutil.move(build / name, layer / name)
    archive = shutil.make_archive(str(tmp_path / "layer"), "zip", tmp_path / "layer")
    done = ask(capsys, build, "--layer", archive)
    assert (problems(done), len(items(done.document["providers"]))) == ([], 1)
    image = tmp_path / "rootfs"
    shutil.copytree(build, image / "var" / "task")
    shutil.copytree(tmp_path / "layer", image / "opt")
    done = ask(capsys, image)
    assert only(done, "activation") == "the image does not contain snapshot_restore_py, so nothing runs the hooks"
    (image / "var" / "runtime").mkdir()
    (image / "var" / "runtime" / "snapshot_restore_py.py").touch()
    assert problems(ask(capsys, image)) == []


@pytest.mark.parametrize(
    "packages",
    [
        "usr/lib/python3/dist-packages",
        "usr/local/lib/python3.13/site-packages",
        "app/.venv/lib/python3.13/site-packages",
    ],
)
def test_an_image_is_examined_whole_from_where_its_function_is_started(
    build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], packages: str
) -> None:
    image, source = tmp_path / "rootfs", "import snapstart_hooks\ndef handler(event, context): ...\n"
    for folder in ("etc", "usr", "app", "code"):
        (image / folder).mkdir(parents=True)
    shutil.copytree(build, image / packages)
    (image / packages / "app.py").unlink()
    (image / packages / "snapshot_restore_py.py").touch()
    (image / "app" / ".venv").mkdir(exist_ok=True)
    (image / "app" / ".venv" / "pyvenv.cfg").touch()
    write(image / "app", source)
    done = command(capsys, "doctor", image)
    assert (done.code, f"such as {image / 'app'}" in done.err) == (2, True), done.err
    done = ask(capsys, image / "app", "--no-load")
    assert (problems(done), [each["name"] for each in items(done.document["providers"])]) == (
        [],
        ["acme-driver:default"],
    )
    (image / packages / "_shop.pth").write_text("import os\n/code\n")
    write(image / "code", source, "shop.py")
    assert problems(ask(capsys, image / "app", "--no-load", handler="shop.handler")) == []
    (image / packages / "_shop.pth").write_text("/gone\n")
    (image / "var" / "task").mkdir(parents=True)  # all base images of AWS have it
    found = problems(ask(capsys, image, "--no-load", handler="shop.handler"))
    assert [check for _, check, _ in found] == ["handler", "shadowed"]
    assert found[1][2].startswith(f"/{packages}/_shop.pth: ")


def test_what_a_packager_has_nested_is_looked_into(
    build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outer = tmp_path / "outer"
    (outer / "app").mkdir(parents=True)
    (outer / "app" / "__init__.py").write_text("def load_nested_zip(): ...\nload_nested_zip()\n")
    (build / "app").mkdir()
    (build / "app.py").rename(build / "app" / "__init__.py")
    archive = shutil.make_archive(str(tmp_path / "dependencies"), "zip", build)
    shutil.move(archive, outer / "app" / ".dependencies.zip")
    done = ask(capsys, outer)
    assert [each["name"] for each in items(done.document["providers"])] == ["acme-driver:default"]
    assert [each for each in problems(done) if each[0] == "error"] == []


def test_a_wheel_is_a_library(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(tmp_path / "in", "acme-driver", "1.2", "acme_driver", HOOKS)
    archive = Path(shutil.make_archive(str(tmp_path / "acme"), "zip", tmp_path / "in"))
    wheel = archive.rename(tmp_path / "acme_driver-1.2-py3-none-any.whl")
    done = command(capsys, "doctor", wheel)
    assert (done.code, done.out) == (0, "1 provider of hooks, declared by metadata; no problem found\n")


@pytest.mark.parametrize(
    ("handler", "what"),
    [
        ("app:handler", "'app:handler' is not a handler"),
        ("handler", "'handler' is not a handler"),
        ("shop.handler", "does not contain the handler's module 'shop'"),
        ("app.main", "/var/task/app.py defines no 'main'"),
        ("snapstart_hooks.runtime.handler.lambda_handler", "needs the variable SNAPSTART_HOOKS_HANDLER"),
    ],
)
def test_a_handler_that_cannot_be_loaded(
    build: Path, capsys: pytest.CaptureFixture[str], handler: str, what: str
) -> None:
    assert what in only(ask(capsys, build, "--no-load", handler=handler), "handler")


def test_a_function_that_does_not_import_us(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(build, "def handler(event, context):\n    import snapstart_hooks\n")
    assert only(ask(capsys, build, "--no-load"), "activation").startswith("nothing that app.handler imports imports")
    standing_in = "snapstart_hooks.runtime.handler.lambda_handler"
    done = ask(capsys, build, "--no-load", "--env", "SNAPSTART_HOOKS_HANDLER=app.handler", handler=standing_in)
    assert problems(done) == []
    shutil.rmtree(build / "snapstart_hooks")
    assert only(ask(capsys, build, "--no-load"), "activation").endswith(" does not contain snapstart_hooks")


def test_stripped_metadata_are_missed_unless_they_were_frozen(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frozen = build / "snapstart-hooks.lock"
    assert main(["freeze", "--target", str(build)]) == 0
    for metadata in build.glob("*.dist-info"):
        shutil.rmtree(metadata)
    done = ask(capsys, build, "--no-load")
    assert [(severity, check) for severity, check, _ in problems(done)] == [("note", "metadata")]
    assert (done.code, len(items(done.document["providers"]))) == (0, 1)
    frozen.unlink()
    write(build, "import snapstart_hooks\ndef handler(event, context): ...\n")
    done = ask(capsys, build, "--no-load")
    assert "the *.dist-info of snapstart_hooks was stripped" in only(done, "metadata")
    assert ("warning", "providers") in [(severity, check) for severity, check, _ in problems(done)]
    assert "slimPatternsAppendDefaults" in done.out


def test_entry_points_that_the_record_has_and_the_folder_lost(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metadata = build / "acme_driver-1.2.dist-info"
    (metadata / "RECORD").write_text("acme_driver.py,,\nacme_driver-1.2.dist-info/entry_points.txt,,\n")
    (metadata / "entry_points.txt").unlink()
    assert "acme_driver-1.2.dist-info has lost its entry_points.txt" in only(
        ask(capsys, build, "--no-load"), "metadata"
    )


def test_leftovers_and_shadows(build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = build / "acme_driver-1.1.dist-info"
    shutil.copytree(build / "acme_driver-1.2.dist-info", old)
    install(tmp_path / "layer" / "python", "acme-driver", "1.3", "acme_driver", HOOKS)
    (build / "awslambdaric.py").touch()
    (build / "__editable___shop_finder.py").touch()
    done = ask(capsys, build, "--no-load", "--layer", tmp_path / "layer", "--fail-on", "warning")
    found = problems(done)
    assert done.code == 1
    assert ("warning", "metadata", "/var/task has metadata of 2 versions of acme-driver: 1.1, 1.2") in found
    assert any("acme_driver lies in 2 places: /var/task/acme_driver.py is imported" in what for *_, what in found)
    assert any("replaces the managed runtime's own awslambdaric" in what for *_, what in found)
    assert any(what.startswith("hooks left out: ") for *_, what in found)
    assert [what for severity, _, what in found if severity == "error"] == [
        "/var/task/__editable___shop_finder.py: an editable installation refers to a folder that Lambda does not have"
    ]


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import not_deployed\n", "ModuleNotFoundError: No module named 'not_deployed'"),
        ("raise SystemExit(3)\n", "loading it raised SystemExit: 3"),
        ("after_restored = print\n", "has neither `before_snapshot` nor `after_restore`"),
    ],
)
def test_providers_that_cannot_be_loaded(
    build: Path, capsys: pytest.CaptureFixture[str], source: str, what: str
) -> None:
    (build / "acme_driver.py").write_text(source)
    assert what in only(ask(capsys, build), "providers")


def test_providers_whose_interpreter_ends_are_told(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (build / "acme_driver.py").write_text("import os\nprint('dying')\nos._exit(7)\n")
    done = ask(capsys, build, "--fail-on", "warning")
    assert (done.code, "ended with exit code 7" in done.out) == (1, True)
    assert ask(capsys, build, "--python", "3.99").code == 0  # this Python is another: it is said, and no error
    (build / "acme_driver.py").unlink()
    assert "hooks of acme-driver: " in (what := only(ask(capsys, build, "--no-load"), "providers"))
    assert what.endswith(" does not contain the module 'acme_driver'")
    (build / "acme_driver-1.2.dist-info" / "entry_points.txt").write_text("[snapstart.hooks]\na = x.y\nb = z\n")
    assert only(ask(capsys, build, "--no-load"), "providers").endswith(" does not contain the module 'x.y' and 1 more")


def test_hooks_that_nobody_imports(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(build, "from snapstart_hooks import after_restore\n@after_restore\ndef reseed(): ...\n", "reseeding.py")
    what = "/var/task/reseeding.py declares 1 hook, and nothing that app.handler imports imports that module"
    assert only(ask(capsys, build, "--no-load"), "unimported") == what
    write(build, "from reseeding import reseed\nhandler = acme_driver = reseed\n")
    assert problems(ask(capsys, build, "--no-load")) == []
    write(build, "import typing\nif typing.TYPE_CHECKING:\n    import reseeding\nimport snapstart_hooks\nhandler = 1\n")
    assert only(ask(capsys, build, "--no-load"), "unimported") == what


def test_several_functions_share_one_build(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hooks = "from snapstart_hooks import after_restore\n@after_restore\ndef reseed(): ...\n"
    write(build / "billing", "from billing import rates\ndef handler(event, context): ...\n", "main.py")
    write(build / "billing", "", "__init__.py")
    write(build / "billing", hooks, "rates.py")
    done = ask(capsys, build, "--no-load")
    assert done.code == 0
    what = "/var/task/billing/rates.py declares 1 hook, and nothing that app.handler imports imports that module"
    assert problems(done) == [("note", "unimported", f"{what}, but what looks like another function does")]
    write(build / "billing", "from billing import rates\ndef main(event, context): ...\n", "main.py")
    assert only(ask(capsys, build, "--no-load"), "unimported") == what


def test_what_the_project_installs_is_its_own(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A project in a src layout, or a member of its workspace, is installed like a library, and is none."""
    hooks = "from snapstart_hooks import after_restore\n@after_restore\ndef reseed(): ...\n"
    for name, direct_url in (("shop", None), ("common", '{"url": "file:///w", "dir_info": {}}'), ("library", "[1]")):
        write(build / name, "import snapstart_hooks, common, library, uuid\nTOKEN = uuid.uuid4()\n", "__init__.py")
        write(build / name, hooks, "hooks.py")
        metadata = build / f"{name}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "RECORD").write_text(f"{name}/__init__.py,,\n{name}/hooks.py,,\n{name}/gone.py,,\n")
        if direct_url:
            (metadata / "direct_url.json").write_text(direct_url)
    found = problems(ask(capsys, build, "--no-load", handler="shop.TOKEN"))
    assert [(check, what.partition(" declares ")[0].partition(": SSH101 ")[0]) for _, check, what in found] == [
        ("unimported", "/var/task/shop/hooks.py"),
        ("lint", "/var/task/common/__init__.py:2"),
        ("lint", "/var/task/shop/__init__.py:2"),
    ]


def test_what_differs_from_the_manifest(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["freeze", "--target", str(build)]) == 0
    install(build, "new", "1.0", "new_hooks", HOOKS)
    assert "not in it, and not loaded: new:default" in only(ask(capsys, build, "--no-load"), "manifest")
    (build / "new_hooks.py").unlink()
    (build / "acme_driver.py").write_text("raise AssertionError\n")
    assert "its module is not the one that was frozen" in only(ask(capsys, build), "providers")


def test_the_runtime_and_what_is_built_for_it(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        only(ask(capsys, build, "--no-load", "--python", "python3.11"), "runtime")
        == "SnapStart does not support Python 3.11"
    )
    (build / "fast.cpython-313-x86_64-linux-gnu.so").touch()
    what = only(ask(capsys, build, "--no-load", "--python", "3.12"), "runtime")
    assert what == "/var/task/fast.cpython-313-x86_64-linux-gnu.so is built for Python 3.13, and the function's is 3.12"
    (build / "slow.cpython-311-x86_64-linux-gnu.so").touch()
    assert (
        only(ask(capsys, build, "--no-load"), "runtime")
        == "compiled modules are built for several versions of Python: 3.11, 3.13"
    )


def test_openssl_and_the_linter(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (build / "psycopg_binary.libs").mkdir()
    (build / "psycopg_binary.libs" / "libcrypto-3.so.3").touch()
    write(build, "import uuid, snapstart_hooks\nTOKEN = uuid.uuid4()\ndef handler(event, context): return TOKEN\n")
    openssl, lint = problems(ask(capsys, build, "--no-load"))
    assert openssl[:2] == ("warning", "openssl")
    assert openssl[2].startswith("psycopg_binary contains its own OpenSSL (/var/task/psycopg_binary.libs/")
    assert lint[:2] == ("warning", "lint")
    (build / "snapstart_hooks" / "integrations").mkdir()
    (build / "snapstart_hooks" / "integrations" / "openssl.py").touch()
    ours = "[snapstart.hooks]\nopenssl = snapstart_hooks.integrations.openssl [_ssl]\n"
    (build / "snapstart_hooks-0.1.0.dist-info" / "entry_points.txt").write_text(ours)
    assert [check for _, check, _ in problems(ask(capsys, build, "--no-load"))] == ["lint"]
    assert lint[2].startswith("/var/task/app.py:2: SSH101 ")


def test_the_limits_of_sizes(build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (build / "model.bin").open("wb") as sparse:
        sparse.truncate(251 * 2**20)
    assert only(ask(capsys, build, "--no-load"), "sizes") == "unpacked it has 251 MB; Lambda allows 250 MB"
    (tmp_path / "layer" / "python").mkdir(parents=True)
    (build / "model.bin").unlink()
    layers = ["--layer", tmp_path / "layer"] * 6
    assert only(ask(capsys, build, "--no-load", *layers), "sizes") == "there are 6 layers; a function may have 5"


def test_archives_lead_nowhere_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = tmp_path / "bad.zip"
    with zipfile.ZipFile(archive, "w") as bad:
        bad.writestr("../../escaped.py", "")
    done = command(capsys, "doctor", archive)
    assert (done.code, "leads out of the archive" in done.err) == (2, True)
    assert not list(tmp_path.parent.rglob("escaped.py"))
    archive.write_bytes(b"PK\3\4 no zip")
    assert command(capsys, "doctor", archive).code == 2
    assert command(capsys, "doctor", tmp_path / "missing.zip").code == 2


@pytest.mark.parametrize("wrong", [("--python", "2.7"), ("--env", "NAME")])
def test_wrong_arguments(build: Path, capsys: pytest.CaptureFixture[str], wrong: tuple[str, str]) -> None:
    with pytest.raises(SystemExit) as ended:
        ask(capsys, build, *wrong)
    assert ended.value.code == 2
    assert json.dumps(wrong[1])[1:-1] in capsys.readouterr().err
