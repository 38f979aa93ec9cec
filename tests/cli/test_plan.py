"""``plan``: whose hooks would run, in which order, and what is in their way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final, cast

import pytest
from cli.samples import HOOKS, command, install, items, mapping, write

from snapstart_hooks import Registry
from snapstart_hooks.cli._plan import unmatched

if TYPE_CHECKING:
    from pathlib import Path


def test_people_see_place_name_owner_priority_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path)
    done = command(capsys, "plan", "app.lambda_handler", "--path", tmp_path)
    assert done.code == 0
    lines = [" ".join(line.split()) for line in done.out.splitlines() if line.strip()]
    assert lines == [
        "before_snapshot 1 hook, once, when a version is published",
        "1 app.close 0 APPLICATION",
        "application, app.py:5",
        "after_restore 2 hooks, in every restored environment, before its first invocation",
        "1 app.warm 0 APPLICATION optional",
        "application, app.py:13",
        "2 app.reconnect 5 timeout 2 s, async",
        "application, app.py:9",
        *lines[8:],
    ]
    (title, ours) = lines[8:]
    assert title == "left out"
    assert ours.startswith("- snapstart-hooks: ")


def test_integrations_without_work_are_one_line_for_people_and_all_there_for_machines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SNAPSTART_HOOKS_DISABLE")
    write(tmp_path, "import random, snapstart_hooks\ndef lambda_handler(event, context): ...")
    arguments = "plan", "app.lambda_handler", "--path", tmp_path
    text = " ".join(command(capsys, *arguments).out.split())
    assert "snapstart-hooks:random -400 ENTROPY optional" in text
    assert text.count("so there is nothing to reset") == 1
    document = command(capsys, *arguments, "--json").document
    skipped = cast("list[str]", document["skipped"])
    assert "snapstart-hooks:bson: bson.objectid is not imported, so there is nothing to reset" in skipped


VERSION: Final = "{}.{}".format(*sys.version_info)


@pytest.mark.parametrize(("layers", "version"), [(("first", "later"), "2"), (("known", "first", "other"), "4")])
def test_layers_are_laid_out_as_lambda_does(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    layers: tuple[str, ...],
    version: str,
) -> None:
    for layer, number, packages in (
        ("first", "1", "python"),
        ("later", "2", "python"),
        ("other", "3", "python/lib/python3.1/site-packages"),
        ("known", "4", f"python/lib/python{VERSION}/site-packages"),
    ):
        install(tmp_path / layer / packages, "acme-driver", number, "acme_driver", "def after_restore(): ...\n")
    (tmp_path / "other" / "python" / "empty").mkdir()
    write(tmp_path / "app", "import snapstart_hooks, acme_driver\ndef lambda_handler(event, context): ...")
    monkeypatch.chdir(tmp_path)
    given = [argument for layer in layers for argument in ("--layer", layer)]
    document = command(capsys, "plan", "app.lambda_handler", "--path", "app", *given, "--json").document
    hooks = items(mapping(document["phases"])["after_restore"])
    assert [hook["version"] for hook in hooks if hook["distribution"] == "acme-driver"] == [version]


def test_what_is_no_layer_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path)
    for layer, told in ((tmp_path / "nowhere", "there is no such folder"), (tmp_path, "contains no folder python/")):
        done = command(capsys, "plan", "app.lambda_handler", "--path", tmp_path, "--layer", layer)
        assert (done.code, f"--layer {layer}: " in done.err, told in done.err) == (2, True, True), done.err


def test_machines_see_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path)
    done = command(capsys, "plan", "app.lambda_handler", "--path", tmp_path, "--json")
    assert done.code == 0
    document = done.document
    phases = mapping(document.pop("phases"))
    assert all(str(line).startswith("snapstart-hooks:") for line in cast("list[object]", document.pop("skipped")))
    assert document == {
        "handler": "app.lambda_handler",
        "path": str(tmp_path),
        "ok": True,
        "connected": True,
        "init_error": None,
        "warnings": [],
        "errors": [],
    }
    assert list(phases) == ["before_snapshot", "after_restore"]
    warm, reconnect = items(phases["after_restore"])
    assert [warm["name"], warm["required"], warm["place"]] == ["app.warm", False, 1]
    assert reconnect == {
        "place": 2,
        "name": "app.reconnect",
        "provider": None,
        "distribution": None,
        "version": None,
        "location": f"{file}:9",
        "priority": 5,
        "after": [],
        "unmatched": {},
        "timeout": 2,
        "required": True,
        "concurrent": False,
        "is_async": True,
        "overlaps": [],
        "runs": True,
    }


def test_hooks_of_installed_libraries_are_theirs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "function")
    library = tmp_path / "library"
    install(library, "Brook-Driver", "3.4", "brook_driver", "def after_restore(): raise SystemExit\n")
    monkeypatch.syspath_prepend(library)
    arguments = "plan", "app.lambda_handler", "--path", tmp_path / "function", "--phase", "after_restore"
    phases = mapping(command(capsys, *arguments, "--json").document["phases"])
    assert list(phases) == ["after_restore"]
    theirs = items(phases["after_restore"])[0]
    assert [theirs["distribution"], theirs["version"], theirs["provider"]] == [
        "Brook-Driver",
        "3.4",
        "brook-driver:default",
    ]
    assert theirs["location"] == f"{library / 'brook_driver.py'}:1"
    assert "Brook-Driver 3.4, brook_driver.py:1" in command(capsys, *arguments).out


def test_a_library_whose_hooks_cannot_be_used_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "function")
    install(tmp_path / "library", "Brook-Driver", "3.4", "brook_driver", "import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path / "library")
    arguments = "plan", "app.lambda_handler", "--path", tmp_path / "function"
    done = command(capsys, *arguments, "--json")
    assert done.code == 64
    (error,) = items(done.document["errors"])
    assert error["provider"] == "brook-driver:default"
    for told in ("Brook-Driver 3.4", "not_installed_anywhere"):
        assert told in str(error["message"])
    assert len(items(mapping(done.document["phases"])["after_restore"])) == 2  # the others are shown
    done = command(capsys, *arguments)
    assert done.code == 64
    assert "not_installed_anywhere" in done.out
    assert "Publishing a version would fail." in done.out
    assert "SNAPSTART_HOOKS_DISABLE=brook-driver:default" in done.out


def test_a_library_that_is_left_out_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "function")
    install(tmp_path / "library", "Brook-Driver", "3.4", "brook_driver", "def after_restore(): ...\n")
    monkeypatch.syspath_prepend(tmp_path / "library")
    monkeypatch.setenv("SNAPSTART_HOOKS_DISABLE", "Brook-Driver")
    done = command(capsys, "plan", "app.lambda_handler", "--path", tmp_path / "function", "--json")
    assert done.code == 0
    assert "brook-driver:default: disabled" in str(done.document["skipped"])
    assert "brook" not in str(done.document["phases"]).lower()


def test_a_cycle_is_no_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        tmp_path,
        """\
        from snapstart_hooks import after_restore
        @after_restore(name="hen", after=["egg"])
        def hen(): ...
        @after_restore(name="egg", after=["hen"])
        def egg(): ...
        def lambda_handler(event, context): ...
        """,
    )
    done = command(capsys, "plan", "app.lambda_handler", "--path", tmp_path, "--json")
    assert done.code == 64
    (error,) = items(done.document["errors"])
    assert "hen" in str(error["message"])
    assert "egg" in str(error["message"])
    assert "app.py:2" in str(error["message"])


@pytest.mark.parametrize(
    "case",
    [
        ("nowhere.lambda_handler", HOOKS, "No module named 'nowhere'"),
        ("app.missing", HOOKS, "'missing' missing on module 'app'"),
        ("app", HOOKS, "app"),
        ("app.lambda_handler", "raise LookupError('no such table')\n", "no such table"),
        ("app.lambda_handler", "import sys; sys.exit(7)\n", "7"),
    ],
    ids=["module", "attribute", "no dot", "raises", "exits"],
)
@pytest.mark.parametrize("subcommand", ["plan", "run"])
def test_a_handler_that_cannot_be_loaded_is_exit_code_3(
    subcommand: str, case: tuple[str, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler, source, told = case
    write(tmp_path, source)
    done = command(capsys, subcommand, handler, "--path", tmp_path)
    assert done.code == 3
    assert told in done.out
    done = command(capsys, subcommand, handler, "--path", tmp_path, "--json")
    assert done.code == 3
    assert done.document["ok"] is False
    assert told in str(mapping(done.document["init_error" if subcommand == "plan" else "error"])["message"])


def test_no_hook_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        tmp_path,
        """\
        from pathlib import Path
        from snapstart_hooks import before_snapshot, after_restore
        before_snapshot(Path("ran").touch)
        after_restore(Path("ran").touch)
        def lambda_handler(event, context): Path("ran").touch()
        """,
    )
    done = command(capsys, "plan", "app.lambda_handler", "--path", tmp_path)
    assert done.code == 0
    assert done.out.count("1 hook") == 2
    assert not (tmp_path / "ran").exists()


def test_a_function_that_does_not_import_us_is_told_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "def lambda_handler(event, context): ...\n")
    done = command(capsys, "plan", "app.lambda_handler", "--path", tmp_path)
    assert done.code == 0
    assert "SNAPSTART_HOOKS_HANDLER to app.lambda_handler" in done.out


def test_hooks_of_libraries_that_would_not_run_are_marked(tmp_path: Path) -> None:
    """In a process of its own, in which nothing has been imported yet."""
    write(tmp_path / "function", "def lambda_handler(event, context): ...\n")
    install(tmp_path / "library", "Brook-Driver", "3.4", "brook_driver", "def after_restore(): ...\n")
    told = [sys.executable, "-m", "snapstart_hooks", "plan", "app.lambda_handler", "--path", str(tmp_path / "function")]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "library")}
    for arguments in ((), ("--json",)):
        done = subprocess.run([*told, *arguments], env=environment, capture_output=True, text=True, check=True)
        if arguments:
            document = json.loads(done.stdout)
            assert document["connected"] is False
            (hook,) = [
                each for each in document["phases"]["after_restore"] if each["provider"] == "brook-driver:default"
            ]
            assert hook["runs"] is False
        else:
            assert "would not run on Lambda" in done.stdout
            assert "Nothing that app.lambda_handler imports imports snapstart_hooks." in done.stdout


def test_an_after_that_nothing_bears_is_told_with_the_nearest_name() -> None:
    registry = Registry()
    registry.after_restore(name="credentials")(lambda: None)
    registry.after_restore(name="pool", after=("credential", "something else", "credentials"))(lambda: None)
    assert {hook.name: found for hook, found in unmatched(registry.hooks).items()} == {
        "pool": {"credential": "credentials", "something else": None}
    }
