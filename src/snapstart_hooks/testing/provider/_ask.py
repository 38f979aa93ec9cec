"""Starts `_probe` and reads what it tells."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from snapstart_hooks.testing.provider._wire import ProbeMessage, Question

__all__ = ("Answer", "ask")

_PROBE: Final = Path(__file__).with_name("_probe.py")
_GRACE: Final = 2.0
"""Seconds within which a process reports its progress."""
_TAIL: Final = 4000
"""The number of characters of output in an error."""


@dataclass(frozen=True)
class Answer:
    """The answer of a process that loads and runs providers.

    Attributes:
        messages: The messages that it sent.
        ended: How the process ended early, and what it was doing then; empty if it finished.
    """

    messages: tuple[ProbeMessage, ...]
    ended: str


def ask(question: Question, environment: Mapping[str, str], folder: Path, limit: float) -> Answer:
    """Start an interpreter in a folder, with these variables alone, that answers within `limit` seconds."""
    with tempfile.TemporaryDirectory(prefix="snapstart-provider-") as place:
        answers, log = Path(place) / "answers", Path(place) / "log"
        answers.touch()
        with log.open("wb") as output:
            # -P: the folder of the program, which is ours, is nowhere that modules are looked up.
            process = subprocess.Popen(
                [sys.executable, "-P", str(_PROBE), str(answers)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=folder,
                env=dict(environment),
                start_new_session=True,
            )
            ended = _wait(process, json.dumps(question).encode(), limit)
        lines = answers.read_text(encoding="utf-8").splitlines()
        messages = tuple(cast("ProbeMessage", json.loads(line)) for line in lines)
        if ended:
            last = messages[-1] if messages else None
            doing = last["what"] if last is not None and last["type"] == "doing" else "starting, or at its end"
            written = log.read_text(encoding="utf-8", errors="replace").strip()
            ended = f"while {doing}: {ended}" + (f"\n{written[-_TAIL:]}" if written else "")
        return Answer(messages, ended)


def _wait(process: subprocess.Popen[bytes], question: bytes, limit: float) -> str:
    """Wait for its end; say what is wrong with that."""
    try:
        process.communicate(question, timeout=limit)
    except subprocess.TimeoutExpired:
        if hasattr(signal, "SIGUSR1"):
            process.send_signal(signal.SIGUSR1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
        return f"it was not done in {limit:g} s"
    finally:
        with contextlib.suppress(ProcessLookupError, AttributeError):
            os.killpg(process.pid, signal.SIGKILL)  # and what it started
        process.wait()
    match process.returncode:
        case 0:
            return ""
        case code if code < 0:
            return f"the process was ended by {signal.Signals(-code).name}"
        case code:
            return f"it ended the process with exit code {code}"
