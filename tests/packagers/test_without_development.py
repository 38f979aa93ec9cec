"""A deployment without the subpackages for development, as ``docs/deploying.md`` makes it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from documents import blocks
from packagers.matrix import AFTER, BASE, BEFORE, ROOT, TOOLS, VERSION, Bench, Packed, freeze

from snapstart_hooks.__main__ import DEVELOPMENT
from snapstart_hooks.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.once


def start(task: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program that imports what is in the build."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(task)}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files of the page, for this Python; the function also uses a library that ships hooks."""
    for block in blocks(ROOT / "docs" / "deploying.md"):
        file = tmp_path / (block.title or "")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text.replace("3.13", VERSION), encoding="utf-8")
    app = tmp_path / "src" / "app.py"
    app.write_text("import acme_driver\n" + app.read_text(encoding="utf-8"), encoding="utf-8")
    with (tmp_path / "src" / "requirements.txt").open("a", encoding="utf-8") as requirements:
        requirements.write("acme-driver\n")
    return tmp_path


def shell(bench: Bench, project: Path, command: str, **environ: str) -> None:
    tools = os.pathsep.join([os.path.dirname(sys.executable), str(TOOLS), os.environ["PATH"]])  # noqa: PTH120
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON", "VIRTUAL"))}
    offline = {**bench.offline, "UV_OFFLINE": "1", "UV_FIND_LINKS": str(bench.wheels), "SAM_CLI_TELEMETRY": "0"}
    subprocess.run(
        ["/bin/sh", "-e", "-c", command],
        cwd=project,
        env={**clean, **offline, **environ, "PATH": tools},
        check=True,
        timeout=1200,
    )


def sam(bench: Bench, project: Path) -> Path:
    if not (TOOLS / "sam").exists():
        pytest.skip("AWS SAM is not to be had here")
    shell(bench, project, (project / "build-sam.sh").read_text(encoding="utf-8"))
    return project / ".aws-sam" / "build" / "Shop"


def uv(bench: Bench, project: Path) -> Path:
    shell(bench, project, (project / "build-uv.sh").read_text(encoding="utf-8"))
    return project / "build"


def image(bench: Bench, project: Path) -> Path:
    """No daemon builds the image here: its ``RUN`` is run in the folder that ``COPY`` copies to."""
    task = project / "var" / "task"
    task.mkdir(parents=True)
    text = (project / "Dockerfile.small").read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        instruction, _, value = line.partition(" ")
        if instruction == "COPY":
            source, to = value.replace('"${LAMBDA_TASK_ROOT}"', ".").split()
            shutil.copy(project / source, task / to)
        elif instruction == "RUN":
            shell(bench, task, value, LAMBDA_TASK_ROOT=str(task))
    return task


@pytest.mark.parametrize("build", [sam, uv, image])
def test_what_is_left_runs_and_nothing_finds_it_wrong(
    build: Callable[[Bench, Path], Path], bench: Bench, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = build(bench, project)
    package = task / "snapstart_hooks"
    assert (package / "resources").is_dir()
    assert not [name for name in DEVELOPMENT if (package / name).exists()]

    for frozen in (False, True):
        if frozen:
            freeze(task)
        ran = bench.run(Packed(task))
        assert len(ran.responses) == 1, ran.stderr + ran.printed.decode()
        assert (ran.before_snapshot, ran.after_restore) == (BEFORE, AFTER)
        capsys.readouterr()
        assert main(["doctor", str(task), "--handler", "app.handler", "--python", VERSION]) == 0
        assert capsys.readouterr().out.endswith("no problem found\n")

    started = [[BASE, "-m", "snapstart_hooks"], *([BASE, str(script)] for script in task.glob("bin/snapstart-hooks"))]
    for command in started:
        done = start(task, *command, "plan", "app.handler")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{package / 'cli'} does not exist" in done.stderr
        assert "pip install --force-reinstall 'snapstart-hooks[cli]'" in done.stderr

    check = start(task, sys.executable, "-m", "pip", "check")
    assert (check.returncode, check.stdout) == (0, "No broken requirements found.\n")
