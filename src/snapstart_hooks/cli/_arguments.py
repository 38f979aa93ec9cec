"""The arguments that several subcommands share: the function, its events, durations."""

from __future__ import annotations

import argparse
import importlib
import json
import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from snapstart_hooks.cli import _terminal
from snapstart_hooks.cli._artifact import existing_folder, layer_folders
from snapstart_hooks.cli._errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapstart_hooks.cli._console import ReportConsole

__all__ = (
    "ENVIRONMENT",
    "FunctionOptions",
    "add_backend",
    "add_events",
    "add_fail_on",
    "add_function",
    "add_json",
    "add_layer",
    "add_timeout",
    "directory",
    "duration",
    "given_path",
    "prepare",
    "read_events",
)

ENVIRONMENT: Final = """\
environment:
  SNAPSTART_HOOKS_*   settings, as on Lambda
  AWS_REGION, AWS_*   passed to the function; credentials are those of this shell
  PYTHONPATH          further folders to import from
  NO_COLOR            print without colours
"""


class FunctionOptions(Protocol):
    """The options of each subcommand that runs a function."""

    handler: str
    path: str
    layer: list[str]
    json: bool


def add_function(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name the function."""
    parser.add_argument(
        "handler",
        metavar="HANDLER",
        type=_handler,
        help="the handler as in the function's configuration: app.lambda_handler, pkg/app.lambda_handler",
    )
    parser.add_argument(
        "--path",
        metavar="DIR",
        type=given_path,
        default=".",
        help="the folder with the function's code (default: the current folder)",
    )
    add_layer(parser)
    add_json(parser)


def add_events(parser: argparse.ArgumentParser) -> None:
    """Add the option for events."""
    parser.add_argument(
        "--event",
        action="append",
        default=[],
        metavar="EVENT",
        help="an event for the handler: a file with JSON, - for standard input, or JSON itself; "
        "repeat the option for several invocations (default: {})",
    )


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """Add the option for the function's time limit."""
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="the function's time limit, from which context.get_remaining_time_in_millis() counts down; "
        "a clone is stopped then (default: 30)",
    )


def add_backend(parser: argparse._ActionsContainer) -> None:
    """Add the option for the way in which clones are made."""
    parser.add_argument(
        "--backend",
        choices=["criu", "namespace", "fork"],
        help="how clones are made (default: the most faithful way that works here); fork works everywhere, "
        "but cannot show repeated random numbers",
    )


def add_fail_on(parser: argparse._ActionsContainer, noun: str, code: int) -> None:
    """Add the option for the severity that fails the command."""
    parser.add_argument(
        "--fail-on",
        choices=["error", "warning"],
        default="error",
        help=f"the lowest severity of a {noun} for which the command ends with exit code {code} (default: error)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option for a JSON document."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def add_layer(parser: argparse.ArgumentParser, metavar: str = "DIR") -> None:
    """Add the option for layers."""
    what = "a layer" if metavar == "PATH" else "the folder of a layer, which contains python/"
    parser.add_argument(
        "--layer", metavar=metavar, action="append", default=[], help=f"{what}; repeat it in the order of merging"
    )


def _handler(text: str) -> str:
    if ":" in text or not text.strip() or text[0] in "./":  # with a dot or slash the runtime's import raises
        proper = text.replace(":", ".").lstrip("./ ") or "app.lambda_handler"
        msg = f"{text!r} is not a handler as Lambda writes it, a module and a function with a dot between: {proper}"
        raise argparse.ArgumentTypeError(msg)
    return text


def prepare(options: FunctionOptions) -> tuple[Path, ReportConsole | None]:
    """Check what running a function needs, and let it import from its layers.

    Returns:
        The folder with the function's code, and the console for the report; ``None`` for ``--json``.

    Raises:
        CommandError: There is no such folder, a layer contains nothing to import, or a package is not installed.
    """
    root = directory(options.path)
    console = None if options.json else _terminal.console()
    try:
        importlib.import_module("awslambdaric")
    except ImportError as error:
        msg = f"{error}. The function is run by AWS's own runtime: pip install 'snapstart-hooks[cli]'"
        raise CommandError(msg) from error
    sys.path[:0] = layer_folders(options.layer, "{}.{}".format(*sys.version_info))
    return root, console


def given_path(text: str) -> str:
    """Return a path that an argument names; an empty one is a variable of a script that has no value.

    Raises:
        ArgumentTypeError: It is empty.
    """
    if not text.strip():
        msg = f"{text!r} is empty; give the path, or . for the current folder"
        raise argparse.ArgumentTypeError(msg)
    return text


def directory(path: str) -> Path:
    """Return the folder that ``--path`` names.

    Raises:
        CommandError: There is no such folder.
    """
    return existing_folder(path, "--path ", "the folder with the function's code").resolve()


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        msg = f"{text!r} is not a number of seconds above 0"
        raise argparse.ArgumentTypeError(msg)
    return seconds


def duration(text: str) -> float:
    """Convert ``90s``, ``15m``, ``6h`` or ``1d`` to seconds.

    Raises:
        ArgumentTypeError: The text has another form.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip().lower())
    if match is None:
        unit = ", with its unit" if re.fullmatch(r"[\d.]+", text.strip()) else ""
        msg = f"{text!r} is not a duration: give 90s, 15m, 6h or 1d{unit}"
        raise argparse.ArgumentTypeError(msg)
    return float(match[1]) * _UNITS[match[2]]


_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def read_events(given: Sequence[str]) -> list[object]:
    """Return the events that the options ``--event`` give; one empty event if there is no such option.

    Raises:
        CommandError: An event cannot be read, or is not JSON.
    """
    if list(given).count("-") > 1:
        msg = "--event -: standard input can be read only once. Give the other events as files or as JSON"
        raise CommandError(msg)
    return [_parsed(*_text(each)) for each in given] or [{}]


def _text(given: str) -> tuple[str | bytes, str]:
    """Return the text of an event, and its name for errors."""
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
            msg = f"--event {given}: there is no such file, and it is not JSON either"
            raise CommandError(msg) from None
        return given, given
    except OSError as error:
        msg = f"--event {given}: the file cannot be read: {error.strerror}"
        raise CommandError(msg) from error


def _parsed(text: str | bytes, name: str) -> object:
    try:
        event: object = json.loads(text, parse_constant=_refuse_constant)  # finds out which UTF it is
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        msg = f"--event {name}: this is not JSON: {reason}"
        raise CommandError(msg) from error
    return event


def _refuse_constant(name: str) -> NoReturn:
    msg = f"JSON has no {name}, which Python and JavaScript have"
    raise ValueError(msg)


def _short(text: str, limit: int = 40) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
