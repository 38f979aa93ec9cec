"""The servers, each started once, when the first test asks for it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from testing.clone_helpers import namespace_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def server() -> Iterator[Callable[[str], dict[str, str]]]:
    """Starts a server of ``examples/applications/servers.py`` by its name; where it is, as environment variables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PROJECT))
        from integrations.servers import SERVERS
    started: dict[str, dict[str, str]] = {}
    with contextlib.ExitStack() as stack:

        def start(name: str) -> dict[str, str]:
            if name not in started:
                try:
                    started[name] = stack.enter_context(SERVERS[name]())
                except ImportError as error:
                    pytest.skip(f"there is no {name} here: {error}")
            return started[name]

        yield start


@pytest.fixture(scope="session")
def clones() -> None:
    """Skip the test where no clones can be made."""
    namespace_only()
