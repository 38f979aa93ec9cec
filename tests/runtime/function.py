"""Publishes and restores a function: the real awslambdaric in a process of its own, and what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, TypedDict

from runtime.runtime_api import Request, RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TIMEOUT = 60
"""Seconds after which a process hangs, and is ended."""


class ErrorBody(TypedDict):
    """What the runtime tells Lambda, and Lambda the user."""

    errorMessage: str
    errorType: str
    stackTrace: list[str]


@dataclass(frozen=True)
class Run:
    """What a runtime process did.

    Attributes:
        exit_code: Its exit code; ``None`` if it was alive until the last event was answered.
        requests: What it sent to the Runtime API.
        printed: Its standard output.
        stderr: Its standard error.
    """

    exit_code: int | None
    requests: tuple[Request, ...]
    printed: bytes
    stderr: str

    @property
    def paths(self) -> list[str]:
        """What it asked the Runtime API for."""
        return [request.path for request in self.requests]

    @property
    def before_snapshot(self) -> list[str]:
        """What was printed until the snapshot was taken, or the process failed."""
        return self._lines("", "restore/next")

    @property
    def after_restore(self) -> list[str]:
        """What was printed from the snapshot until the first event, or until the process failed."""
        return self._lines("restore/next", "invocation/next")

    @property
    def log(self) -> list[str]:
        """The lines that went through `logging`, in either of Lambda's formats."""
        lines = self.printed.decode().splitlines()
        # What comes with this package is switched off, but where a test is about that.
        return [line for line in lines if line.startswith(("[", "{")) and "left out: snapstart-hooks:" not in line]

    @property
    def responses(self) -> list[object]:
        """What the handler returned, once for each event."""
        return [json.loads(request.body) for request in self.requests if request.path.endswith("/response")]

    @property
    def error(self) -> ErrorBody:
        """The error that it told, in whichever phase."""
        (body,) = (request.body for request in self.requests if request.path.endswith("/error"))
        error: ErrorBody = json.loads(body)
        return error

    def _lines(self, since: str, until: str) -> list[str]:
        offsets = {request.path: request.printed for request in reversed(self.requests)}
        printed = self.printed[offsets.get(since, 0) : offsets.get(until)].decode()
        return [line for line in printed.splitlines() if not line.startswith(("[", "{", "Traceback", "\xa0"))]


def run(
    folder: Path,
    *,
    handler: str = "app.handler",
    events: Sequence[object] = ({},),
    initialization: str = "snap-start",
    layers: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
    execution_env: str = f"AWS_Lambda_python3.{sys.version_info.minor}",
    counted: bool = False,
    python: str | Path = sys.executable,
) -> Run:
    """Run the function in `folder` until it fails or has answered all events.

    Args:
        folder: The function's code, ``/var/task``.
        handler: As in its configuration.
        events: One for each invocation.
        initialization: ``snap-start``, ``on-demand``, ``provisioned-concurrency``.
        layers: What else is on the path, as ``/opt/python`` is.
        environment: Variables of the function's configuration.
        execution_env: From Python 3.12 on, Lambda's own makes the runtime poll on a thread.
        counted: The function counts modules or files: do not measure coverage there.
        python: The interpreter; one without the packages of this environment finds the runtime in a layer.
    """
    with (
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
        RuntimeApi(events, lambda: os.fstat(output.fileno()).st_size) as api,
    ):
        coverage = {} if counted else {name: value for name, value in os.environ.items() if name[:9] == "COVERAGE_"}
        process = subprocess.run(
            [python, "-m", "awslambdaric", handler],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join(map(str, layers)),
                "PYTHONDONTWRITEBYTECODE": "1",
                "LANG": "en_US.UTF-8",
                "TZ": ":UTC",
                "LAMBDA_TASK_ROOT": str(folder),
                "AWS_EXECUTION_ENV": execution_env,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
                "AWS_LAMBDA_FUNCTION_NAME": "orders",
                "AWS_LAMBDA_FUNCTION_VERSION": "1",
                "AWS_LAMBDA_INITIALIZATION_TYPE": initialization,
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "AWS_REGION": "eu-central-1",
                "_HANDLER": handler,
                **coverage,
                "SNAPSTART_HOOKS_DISABLE": "snapstart-hooks",
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            timeout=_TIMEOUT,
            check=False,
        )
        assert not api.refused
        printed, requests = _content(output), tuple(api.requests)
        if api.idle:  # what comes then is about the missing answer
            return Run(None, requests, printed[: requests[-1].printed], _content(errors).decode())
        return Run(process.returncode, requests, printed, _content(errors).decode())


def write(folder: Path, source: str, name: str = "app.py") -> Path:
    """Write the code of a function to a file in `folder`; return `folder`."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(source), encoding="utf-8")
    return folder


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()
