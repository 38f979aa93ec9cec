"""What the tests of the clone engine share."""

from __future__ import annotations

import functools
import textwrap
from pathlib import Path

import pytest
from testing.clone_functions import nothing

from snapstart_hooks.testing import CloneUnsupported, clones
from snapstart_hooks.testing._backends import no_criu

__all__ = ("marked", "namespace_only", "possible", "write_function")


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


def possible(backend: str) -> str:
    """Skip the test where this backend cannot be used; its name."""
    if backend == "namespace":
        namespace_only()
    if backend == "criu" and (reason := no_criu()) is not None:
        pytest.skip(reason)
    return backend


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
