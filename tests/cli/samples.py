"""Functions and installed distributions to use the command on."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import TYPE_CHECKING, NamedTuple, cast

from snapstart_hooks.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

__all__ = ("Done", "command", "install", "items", "mapping", "write")

HOOKS = """\
    from snapstart_hooks import after_restore, before_snapshot

    log = []

    @before_snapshot
    def close():
        log.append("close")

    @after_restore(priority=5, timeout=2)
    async def reconnect():
        log.append("reconnect")

    @after_restore(required=False)
    def warm():
        log.append("warm")

    def lambda_handler(event, context):
        print("written by the function")
        return {"event": event, "log": log}
"""
"""A function with hooks.  Line 5 has the first, line 9 the second, line 13 the third."""


class Done(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, object]:
        """The JSON document that is all of standard output."""
        return mapping(json.loads(self.out))


def write(folder: Path, source: str = HOOKS, name: str = "app.py") -> Path:
    """Write a module of a function."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(dedent(source), encoding="utf-8")
    return file


def install(folder: Path, name: str, version: str, module: str, source: str) -> None:
    """Lay a distribution into `folder` whose entry point ``default`` offers the hooks of `module`."""
    write(folder, source, f"{module}.py")
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[snapstart.hooks]\ndefault = {module}\n", encoding="utf-8")


def command(capsys: pytest.CaptureFixture[str], *arguments: object) -> Done:
    """Run the command in this process."""
    capsys.readouterr()
    code = main([str(each) for each in arguments])
    return Done(code, *capsys.readouterr())


def mapping(value: object) -> dict[str, object]:
    """An object of a JSON document."""
    assert isinstance(value, dict)
    return cast("dict[str, object]", value)


def items(value: object) -> list[dict[str, object]]:
    """A list of objects of a JSON document."""
    assert isinstance(value, list)
    return [mapping(each) for each in cast("list[object]", value)]
