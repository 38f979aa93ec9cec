"""What several subcommands take: a function, and events for it."""

from __future__ import annotations

import argparse
import importlib
import json
import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from snapstart_hooks.cli._errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = (
    "ENVIRONMENT",
    "add_events",
    "add_function",
    "directory",
    "duration",
    "need_runtime",
    "positive",
    "read_events",
)

ENVIRONMENT: Final = """\
environment:
  SNAPSTART_HOOKS_*   as on Lambda
  AWS_REGION, AWS_*   are the function's; credentials are those of this shell
  PYTHONPATH          what is beside the function, such as layers
  NO_COLOR            no colours
"""


def add_function(parser: argparse.ArgumentParser) -> None:
    """Let a parser take the function."""
    parser.add_argument(
        "handler",
        metavar="HANDLER",
        type=_handler,
        help="the handler as in the function's configuration: app.lambda_handler, pkg/app.lambda_handler",
    )
    parser.add_argument(
        "--path", metavar="DIR", default=".", help="the folder of the function's code (default: this one)"
    )


def add_events(parser: argparse.ArgumentParser) -> None:
    """Let a parser take events."""
    parser.add_argument(
        "--event",
        action="append",
        default=[],
        metavar="EVENT",
        help="a file with JSON, - for standard input, or JSON itself; several are several invocations (default: {})",
    )


def _handler(text: str) -> str:
    if ":" in text or not text.strip():
        proper = text.replace(":", ".") or "app.lambda_handler"
        msg = f"{text!r} is no handler as Lambda has it: module and function with a dot between them, {proper}"
        raise argparse.ArgumentTypeError(msg)
    return text


def directory(path: str) -> Path:
    """The folder that ``--path`` names.

    Raises:
        CommandError: It is none.
    """
    folder = Path(path).resolve()
    if not folder.is_dir():
        msg = f"--path {path}: {'this is no folder' if folder.exists() else 'there is no such folder'}"
        raise CommandError(msg)
    return folder


def need_runtime() -> None:
    """See that the Lambda runtime is there.

    Raises:
        CommandError: It is not.
    """
    try:
        importlib.import_module("awslambdaric")
    except ImportError as error:
        msg = f"{error}. AWS's own runtime runs the function: pip install 'snapstart-hooks[cli]'"
        raise CommandError(msg) from error


def positive(text: str) -> float:
    """A number of seconds that an argument gives.

    Raises:
        ArgumentTypeError: It is none that can be waited for.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        msg = f"{text!r} has to be a number of seconds above 0"
        raise argparse.ArgumentTypeError(msg)
    return seconds


def duration(text: str) -> float:
    """``90s``, ``15m``, ``6h``, ``1d`` as seconds.

    Raises:
        ArgumentTypeError: It is none of these.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip().lower())
    if match is None:
        unit = ", with its unit" if re.fullmatch(r"[\d.]+", text.strip()) else ""
        msg = f"{text!r} is no duration: give 90s, 15m, 6h or 1d{unit}"
        raise argparse.ArgumentTypeError(msg)
    return float(match[1]) * _UNITS[match[2]]


_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def read_events(given: Sequence[str]) -> list[object]:
    """The events that ``--event`` names: JSON itself, files, ``-`` for standard input; one empty event by default.

    Raises:
        CommandError: One cannot be read, or is no JSON.
    """
    if list(given).count("-") > 1:
        msg = "--event -: standard input can be read once only"
        raise CommandError(msg)
    return [_parsed(*_text(each)) for each in given] or [{}]


def _text(given: str) -> tuple[str | bytes, str]:
    """The text of an event, and what to call it."""
    if not given.strip():
        msg = f"--event {given!r}: this is empty; give JSON, such as {{}}, a file, or - for standard input"
        raise CommandError(msg)
    if given == "-":
        return sys.stdin.buffer.read(), "standard input"
    if given.lstrip()[:1] in {"{", "[", '"'}:
        return given, _short(given)
    try:
        return Path(given).read_bytes(), given
    except FileNotFoundError:
        try:
            json.loads(given)
        except ValueError:
            msg = f"--event {given}: there is no such file, and it is no JSON either"
            raise CommandError(msg) from None
        return given, given
    except OSError as error:
        msg = f"--event {given}: {error.strerror}"
        raise CommandError(msg) from error


def _parsed(text: str | bytes, name: str) -> object:
    try:
        event: object = json.loads(text, parse_constant=_no_constant)  # finds out which UTF it is
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        msg = f"--event {name}: this is no JSON: {why}"
        raise CommandError(msg) from error
    return event


def _no_constant(name: str) -> NoReturn:
    msg = f"{name} is known to Python and JavaScript only"
    raise ValueError(msg)


def _short(text: str, limit: int = 40) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
