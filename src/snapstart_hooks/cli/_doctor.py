"""``snapstart-hooks doctor``: examine what is deployed as Lambda would see it."""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
from typing import TYPE_CHECKING, Final, Protocol, cast

from snapstart_hooks.cli import _errors
from snapstart_hooks.cli._artifact import opened
from snapstart_hooks.cli._examine import CHECKS, Examined, examine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapstart_hooks.cli._examine import Problem

__all__ = ("DESCRIPTION", "EPILOG", "add_arguments", "run")

ILL: Final = 1

DESCRIPTION: Final = """\
Examine what is deployed as Lambda would see it: a folder, a zip, a wheel, layers, or the
unpacked file system of an image. Is SnapStart possible, would the hooks of all libraries
be found and loaded, what was stripped or shadowed, what breaks in a clone, what is too big?
"""
EPILOG: Final = f"""\
examples:
  snapstart-hooks doctor build --handler app.lambda_handler
  snapstart-hooks doctor function.zip --layer layer.zip --python 3.13 --handler app.lambda_handler
  snapstart-hooks doctor function.zip --handler snapstart_hooks.runtime.handler.lambda_handler \\
      --env SNAPSTART_HOOKS_HANDLER=app.lambda_handler
  docker export $(docker create IMAGE) | tar -x -C rootfs; snapstart-hooks doctor rootfs

It asks of: {", ".join(CHECKS)}.
Providers are loaded, in a process of their own, to see whether they can be: their modules
and what those import are run. --no-load reads files alone.

exit codes:
  {_errors.OK}    nothing that is as bad as --fail-on
  {ILL}    at least one such problem
  {_errors.USAGE}    the arguments are wrong, or the artifact cannot be read
"""


class _Options(Protocol):
    """What `add_arguments` makes argparse give."""

    artifact: str
    layer: list[str]
    handler: str | None
    python: tuple[int, int] | None
    env: list[tuple[str, str]]
    no_load: bool
    fail_on: str
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser the arguments."""
    parser.add_argument("artifact", metavar="ARTIFACT", nargs="?", default=".", help="what is deployed (default: .)")
    parser.add_argument(
        "--layer", metavar="PATH", action="append", default=[], help="a layer; the first is merged first"
    )
    parser.add_argument("--handler", metavar="HANDLER", help="as in the function's configuration")
    parser.add_argument("--python", metavar="3.X", type=_python, help="the function's runtime: 3.13, python3.13")
    parser.add_argument(
        "--env", metavar="NAME=VALUE", type=_variable, action="append", default=[], help="one of its variables"
    )
    parser.add_argument("--no-load", action="store_true", help="load no provider")
    parser.add_argument(
        "--fail-on", choices=("error", "warning"), default="error", help="what exit code 1 is for (default: error)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _python(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(?:python)?3\.(\d+)", text.strip())
    if match is None:
        msg = f"{text!r} is no version of Python as Lambda has it: 3.13"
        raise argparse.ArgumentTypeError(msg)
    return 3, int(match[1])


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        msg = f"{text!r} has to be NAME=VALUE"
        raise argparse.ArgumentTypeError(msg)
    return name.strip(), value


def run(args: argparse.Namespace) -> int:
    """Examine, and print what is found; return the exit code."""
    options = cast("_Options", args)
    with opened(options.artifact, options.layer) as artifact:
        examined = Examined(
            artifact,
            handler=options.handler,
            python=options.python,
            environ=dict(options.env),
            load=not options.no_load,
        )
        problems = examine(examined)
        declared = [each.info for each in examined.found.declared]
    bad = {"error", options.fail_on}
    code = ILL if any(each.severity in bad for each in problems) else _errors.OK
    if options.json:
        document = {
            "artifact": options.artifact,
            "layers": options.layer,
            "handler": options.handler,
            "ok": code == _errors.OK,
            "frozen": examined.frozen,
            "providers": [
                {"name": each.name, "distribution": each.distribution, "version": each.version, "value": each.value}
                for each in declared
            ],
            "problems": [dataclasses.asdict(each) for each in problems],
        }
        print(json.dumps(document, indent=2))
        return code
    _show(problems, len(declared), frozen=examined.frozen)
    return code


def _show(problems: Sequence[Problem], providers: int, *, frozen: bool) -> None:
    for each in problems:
        print(f"{each.severity}  {each.check}  {each.what}")
        if each.remedy:
            print(f"    {each.remedy}")
    counts = [(name, sum(each.severity == name for each in problems)) for name in ("error", "warning", "note")]
    told = ", ".join(f"{count} {name}{'s' * (count != 1)}" for name, count in counts if count)
    how = "frozen in a manifest" if frozen else "declared by metadata"
    print(f"{providers} provider{'s' * (providers != 1)} of hooks, {how}; {told or 'no problem found'}")
