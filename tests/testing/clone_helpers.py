"""What the tests of the clone engine share."""

from __future__ import annotations

import functools
import textwrap
from pathlib import Path

import pytest
from testing.clone_functions import nothing

from snapstart_hooks.testing import CloneUnsupported, clones

__all__ = ("marked", "namespace_only", "write_function")


def write_function(folder: Path, source: str, name: str = "app") -> Path:
    """Write the code of a Lambda function; the folder it is in."""
    (folder / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    return folder


@functools.cache
def _why_no_namespace() -> str | None:
    try:
        clones(1, nothing).check()
    except CloneUnsupported as error:
        return str(error)
    return None


def namespace_only() -> None:
    """Skip the test where the kernel allows no namespaces."""
    if (reason := _why_no_namespace()) is not None:
        pytest.skip(reason)


def marked(mark: str) -> list[str]:
    """The command lines of all processes whose environment has `mark`."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if mark.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found
