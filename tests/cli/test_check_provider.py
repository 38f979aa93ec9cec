"""``check-provider``: what the author of a library reads, and what CI makes of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from cli.samples import command, install, items, mapping, write
from testing.clone_helpers import namespace_only

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = """\
    import random

    generator = random.Random()
    priority = -400
    timeout = 2.5

    async def after_restore():
        generator.seed()
"""
APPLICATION = """\
    import brook_driver

    def handler(event, context):
        return {"item": event["item"], "order": f"{brook_driver.generator.getrandbits(64):016x}"}
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "library"
    install(folder, "Brook-Driver", "3.4", "brook_driver", LIBRARY)
    monkeypatch.syspath_prepend(folder)
    return folder


def test_people_read_what_is_shipped_and_what_clones_of_an_application_show(
    library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    namespace_only()
    folder = tmp_path / "application"
    write(folder, APPLICATION)
    options = ("--app", "app.handler", "--path", folder, "--event", '{"item": 7}', "--types", "no")
    done = command(capsys, "check-provider", "brook_driver", *options)
    assert done.code == 0, done.out + done.err
    lines = [" ".join(line.split()) for line in done.out.splitlines() if line.strip()]
    assert lines[:2] == ["Brook-Driver 3.4", "brook-driver:default = brook_driver"]
    assert lines[2].startswith("always loaded: ")
    assert re.search(r"^after_restore brook-driver:default \(.*\): priority -400, timeout 2.5 s, async$", lines[3])
    assert lines[4].startswith("application: 2 clones, backend ")
    assert "cured: repeated-value response $.order" in lines
    assert not any(line.startswith("error") for line in lines)


def test_ci_reads_the_exit_code_and_one_document(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hooks = library / "brook_driver.py"
    hooks.write_text(f"{hooks.read_text(encoding='utf-8')}\nconcurent = True\n", encoding="utf-8")
    done = command(capsys, "check-provider", "brook-driver", "--json", "--types", "no")
    assert done.code == 1
    assert list(done.document) == [
        "distribution",
        "version",
        "providers",
        "skipped",
        "warnings",
        "rounds",
        "types",
        "problems",
        "notes",
        "ok",
        "clones",
    ]
    (problem,) = items(done.document["problems"])
    assert [problem["code"], problem["severity"]] == ["discovery-warns", "error"]
    assert "`concurent`. Did you mean `concurrent`?" in str(problem["message"])
    (provider,) = items(done.document["providers"])
    assert mapping(provider["cost"])["foreign"] == ["brook_driver"]
    assert "concurent" in command(capsys, "check-provider", "brook-driver", "--types", "no").out


def test_a_warning_fails_if_it_is_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tmp_path, "eager-driver", "1.0", "eager_driver", "import eager_too\ndef after_restore(): ...\n")
    write(tmp_path, "", "eager_too.py")
    monkeypatch.syspath_prepend(tmp_path)
    arguments = "check-provider", "eager-driver", "--types", "no"
    assert command(capsys, *arguments).code == 0
    done = command(capsys, *arguments, "--fail-on", "warning")
    assert done.code == 1
    assert "warning always-loaded: eager-driver:default" in " ".join(done.out.split())


def test_wrong_arguments_are_told_from_wrong_hooks(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = command(capsys, "check-provider", "brok-driver")
    assert (done.code, done.out) == (2, "")
    assert "Did you mean 'Brook-Driver'?" in done.err
    done = command(capsys, "check-provider", "brook-driver", "--event", "{}")
    assert (done.code, done.out) == (2, "")
    assert "--event needs --app HANDLER" in done.err
    assert json.loads(command(capsys, "check-provider", "brook-driver", "--json", "--types", "no").out)["ok"] is True
