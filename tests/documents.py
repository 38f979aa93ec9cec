"""Executes the code blocks of a Markdown page, in their order, as a reader would.

- a block with a title, as in ```` ```python title="app.py" ````, is a file: it is written;
- other ``python`` blocks are run, each page's in one namespace;
- ``console`` blocks hold commands behind ``$`` and what they print; ``...`` stands for anything.
  A command with ``&`` at its end is a server, which listens on port 8765 and runs until the page ends.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import sys
import time
import tomllib
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from runtime.installing import install
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FENCE = re.compile(
    r"^( *)```(\w+)(?: title=\"([^\"]+)\")?(?: hl_lines=\"[^\"]+\")?\n(.*?)^\1```$", re.MULTILINE | re.DOTALL
)
_PORT = "8765"  # stands in the pages for a port that is free
_ANY_FENCE = re.compile(r"^ *```\w", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One code block."""

    page: Path
    line: int
    language: str
    title: str | None
    text: str

    @override
    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """The code blocks of a page; none is passed over."""
    content = page.read_text(encoding="utf-8")
    found = list(_FENCE.finditer(content))
    assert len(found) == len(_ANY_FENCE.findall(content)), f"{page} has a code block that nobody understands"
    for match in found:
        indent, language, title, text = match.groups()
        text = re.sub(f"^{indent}", "", text, flags=re.MULTILINE)
        yield Block(page, content.count("\n", 0, match.start()) + 1, language, title, text)


def execute(page: Path, folder: Path, project: Path) -> int:
    """Execute all blocks of `page` in `folder`; tell how many."""
    program: list[str] = []
    port = _free_port()
    all_blocks = [replace(block, text=block.text.replace(_PORT, port)) for block in blocks(page)]
    with ExitStack() as servers:
        for block in all_blocks:
            if block.title is not None:
                _write(folder / block.title, block)
            elif block.language == "python":
                program.append("\n" * (block.line - sum(part.count("\n") for part in program)) + block.text)
            elif block.language == "console":
                _type(block, folder, project, servers)
            elif block.language == "toml":
                tomllib.loads(block.text)
            else:
                message = f"{block}: who can execute {block.language!r}?"
                raise AssertionError(message)
        if program:
            _python(page, "".join(program), folder)
    return len(all_blocks)


def _free_port() -> str:
    """A port that stays free until a server takes it: below those that the system gives to others unasked."""
    while True:
        port = 12_000 + secrets.randbelow(2_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return str(port)


def _serve(command: str, folder: Path, servers: ExitStack) -> None:
    """Start a server, and wait until it listens."""
    started = subprocess.Popen(f"exec {command}", shell=True, cwd=folder, env=_environment(folder))  # noqa: S602
    servers.callback(started.wait, 30)
    servers.callback(started.kill)
    port = re.search(r"\d{4,}", command)
    assert port, command
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", int(port[0])), 1).close()
        except OSError:
            assert time.monotonic() < deadline, command
            time.sleep(0.05)
        else:
            return


def _write(file: Path, block: Block) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block.text, encoding="utf-8")
    if file.suffix == ".py":
        compile(block.text, str(block), "exec")
    elif file.suffix == ".toml":
        tomllib.loads(block.text)


def _environment(folder: Path) -> dict[str, str]:
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])  # noqa: PTH120 - a str is wanted
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SNAPSTART_HOOKS_")}
    # As where no other plugin is installed: those that we test with take half of a second to load.
    plugins = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "pytest_snapstart_hooks"}
    return {**environment, **plugins, "PATH": path, "PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "100"}


def _python(page: Path, program: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=_environment(folder),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{page.name}: {done.stderr}"


def _type(block: Block, folder: Path, project: Path, servers: ExitStack) -> None:
    for command, expected in re.findall(r"^\$ (.*(?:\n> .*)*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
        if command == "pip install --editable .":
            install(folder, folder)
            continue
        if command.startswith(("pip install", "uv add")):
            _installable(command, project)
            continue
        if command.endswith(" &"):
            _serve(command.removesuffix(" &"), folder, servers)
            continue
        if command.startswith("make "):  # here would be no end of it
            command = command.replace("make ", f"make --dry-run --directory {project} ", 1)  # noqa: PLW2901
        done = subprocess.run(  # noqa: S602 - what a reader types
            command.replace("\n> ", "\n"),
            shell=True,
            cwd=folder,
            env=_environment(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        if expected.strip():
            pattern = ".*".join(re.escape(part) for part in _squeezed(expected).split("..."))
            assert re.fullmatch(pattern, _squeezed(done.stdout), re.DOTALL), f"{block}: {command}\n{done.stdout}"
        else:
            assert done.returncode == 0, f"{block}: {command}\n{done.stdout}"


def _squeezed(text: str) -> str:
    return re.sub(r"[ \t]+", " ", "\n".join(line.strip() for line in text.strip().splitlines()))


def _installable(command: str, project: Path) -> None:
    """Not from a registry, which a test does not ask; but the name and its extras are ours."""
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirement = Requirement(command.rsplit(maxsplit=1)[-1].strip("'\""))
    assert requirement.name == metadata["name"]
    assert requirement.extras <= set(metadata["optional-dependencies"])
