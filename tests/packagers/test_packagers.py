"""Hooks survive each packager, by themselves or frozen, as the documentation says."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from packagers.matrix import AFTER, BEFORE, PACKAGERS, Bench, Missing, Packager, nested_zip, nothing
from packagers.table import CELLS, PAGE, rows

from snapstart_hooks.cli import main

pytestmark = pytest.mark.once


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


def outcome(bench: Bench, packager: Packager, *, frozen: bool) -> bool | None:
    try:
        return bench.outcome(packager, frozen=frozen)
    except Missing as missing:
        pytest.skip(f"{missing} is not to be had here")


@pytest.mark.parametrize("packager", PACKAGERS, ids=lambda packager: packager.pack.__name__)
def test_a_packager_does_what_the_table_says(bench: Bench, packager: Packager) -> None:
    said = rows(PAGE.read_text(encoding="utf-8"))[packager.name]
    assert said == [*(CELLS[outcome(bench, packager, frozen=frozen)] for frozen in (False, True)), packager.why]


def test_the_table_has_each_packager_once() -> None:
    assert list(rows(PAGE.read_text(encoding="utf-8"))) == [packager.name for packager in PACKAGERS]


def test_starts_at_the_same_time_share_what_is_unpacked(bench: Bench) -> None:
    packed = nested_zip(bench, bench.attempt(), nothing)
    with ThreadPoolExecutor(4) as pool:
        runs = [future.result() for future in [pool.submit(bench.run, packed) for _ in range(4)]]
    assert [(ran.responses, ran.before_snapshot, ran.after_restore) for ran in runs] == [
        (["answered"], BEFORE, AFTER)
    ] * 4


def test_an_extraction_that_was_killed_is_done_again(bench: Bench) -> None:
    packed = nested_zip(bench, bench.attempt(), nothing)
    tmp = packed.task.parent / "tmp"
    tmp.mkdir()
    code = "import zipfile; extract = zipfile.ZipFile._extract_member\n"
    code += "def once(*args): print(extract(*args), flush=True); input()\n"
    code += "zipfile.ZipFile._extract_member = once; import shop"
    environ = {**os.environ, "TMPDIR": str(tmp), "PYTHONPATH": str(packed.task)}
    command, pipe = [packed.python, "-c", code], subprocess.PIPE
    with subprocess.Popen(command, cwd=packed.task, env=environ, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline()  # it has unpacked one file, and waits
        process.kill()
    assert list(tmp.glob(".stage*"))
    ran = bench.run(packed)
    assert (ran.responses, ran.before_snapshot, ran.after_restore) == (["answered"], BEFORE, AFTER)


def test_the_doctor_looks_into_what_they_made(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    packed = nested_zip(bench, bench.attempt(), nothing)
    assert main(["doctor", str(packed.task), "--handler", packed.handler]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out.endswith("providers of hooks, declared by metadata; no problem found\n")


def test_the_same_layer_serves_a_function_that_does_not_know_us(bench: Bench) -> None:
    from packagers.matrix import layer

    packed = layer(bench, bench.attempt(), nothing)
    (packed.task / "app.py").write_text("import acme_driver\ndef handler(event, context): return 'answered'\n")
    packed.handler = "snapstart_hooks.runtime.handler.lambda_handler"
    packed.environment = {"SNAPSTART_HOOKS_HANDLER": "app.handler"}
    ran = bench.run(packed)
    assert (ran.responses, ran.before_snapshot, ran.after_restore) == (["answered"], BEFORE, AFTER)
