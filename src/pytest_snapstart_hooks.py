"""The pytest plugin of snapstart-hooks.

Beside the package, not in it: every pytest session of an application that uses
snapstart-hooks loads this file, before coverage is measured and before a ``conftest.py``
can set the environment in which the package is imported.  So it imports nothing of it;
what its fixtures give is in `snapstart_hooks.testing`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from snapstart_hooks import Registry
    from snapstart_hooks.testing import Snapstart

__all__ = ("hook_registry", "pytest_addoption", "pytest_configure", "snapstart")

_MARK = "snapstart_accept"
_REQUIRE = "SNAPSTART_HOOKS_REQUIRE_CLONES"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare what pytest's configuration may say."""
    parser.addini(
        "snapstart_task_root",
        "the folder of the Lambda function's code, in which the fixture 'snapstart' runs it, "
        "relative to rootdir (default: rootdir)",
        type="string",
        default="",
    )
    parser.addini(
        "snapstart_require_clones",
        "whether a test that uses the fixture 'snapstart' fails where clones cannot be made, instead of being skipped; "
        f"{_REQUIRE}=1 or 0 in the environment has the last word (default: false)",
        type="bool",
        default=False,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what cannot be understood before any test runs."""
    _require_clones(config)
    config.addinivalue_line(
        "markers",
        "snapstart_accept(hazard, *hazards, reason): for the fixture 'snapstart', what is no hazard in this test: "
        "a code, or 'code:subject' with wildcards; the reason is required, and one that is not found is warned of",
    )


@pytest.fixture
def snapstart(request: pytest.FixtureRequest) -> Generator[Snapstart, None, None]:
    """Restore a Lambda function in clones: snapstart.restore("app.lambda_handler", event={}, clones=2)."""
    from snapstart_hooks.testing import Snapstart

    task_root = request.config.rootpath / request.config.getini("snapstart_task_root")
    accepted = _accepted(request.node)
    fixture = Snapstart(task_root, require_clones=_require_clones(request.config), accept=accepted)
    yield fixture
    if fixture.unused:
        request.node.warn(pytest.PytestWarning(f"{_MARK}: {'; '.join(fixture.unused)}"))
    for doubt in dict.fromkeys(fixture.doubts):
        request.node.warn(pytest.PytestWarning(doubt))


def _accepted(node: pytest.Item) -> dict[str, str]:
    """The hazards that the marks of a test accept, with the reasons; the nearest mark decides."""
    accepted: dict[str, str] = {}
    for mark in node.iter_markers(_MARK):
        reason = mark.kwargs.get("reason")
        names = [name for name in mark.args if isinstance(name, str) and name.strip()]
        if not names or len(names) < len(mark.args) or set(mark.kwargs) != {"reason"} or not str(reason or "").strip():
            given = ", ".join([*map(repr, mark.args), *(f"{name}={value!r}" for name, value in mark.kwargs.items())])
            msg = f'@pytest.mark.{_MARK}({given}) is not understood; write {_MARK}("code:subject", reason="why")'
            pytest.fail(msg, pytrace=False)
        for name in names:
            accepted.setdefault(name, str(reason))
    return accepted


def _require_clones(config: pytest.Config) -> bool:
    wanted = os.environ.get(_REQUIRE)
    if wanted is None:
        return bool(config.getini("snapstart_require_clones"))
    if wanted not in ("0", "1"):
        msg = f"{_REQUIRE}={wanted!r} is not understood; it is 1 or 0"
        raise pytest.UsageError(msg)
    return wanted == "1"


@pytest.fixture
def hook_registry() -> Generator[Registry, None, None]:
    """The default registry of snapstart_hooks, without hooks for this test and as it was after it."""
    from snapstart_hooks.testing._fresh_registry import fresh_registry

    with fresh_registry() as registry:
        yield registry
