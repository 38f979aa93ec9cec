"""``snapstart-hooks doctor``: examine a deployment package as Lambda would see it."""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
from typing import TYPE_CHECKING, Final, Protocol, cast

from snapstart_hooks._pages import page
from snapstart_hooks.cli import _errors
from snapstart_hooks.cli._arguments import add_fail_on, add_json, add_layer, given_path
from snapstart_hooks.cli._artifact import opened
from snapstart_hooks.cli._examine import CHECKS, SEVERITIES, Examined, examine
from snapstart_hooks.cli._terminal import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapstart_hooks.cli._examine import Problem

__all__ = ("DESCRIPTION", "EPILOG", "add_arguments", "run")

DESCRIPTION: Final = """\
Examine a deployment package as Lambda would see it: a folder, a zip, a wheel, layers, or
the unpacked file system of an image. Is SnapStart possible? Would the hooks of all
libraries be found and loaded? What was stripped or shadowed, what breaks in a clone, what
is too large?
"""
EPILOG: Final = f"""\
examples:
  snapstart-hooks doctor build --handler app.lambda_handler
  snapstart-hooks doctor function.zip --layer layer.zip --python 3.13 --handler app.lambda_handler
  snapstart-hooks doctor function.zip --handler snapstart_hooks.runtime.handler.lambda_handler \\
      --env SNAPSTART_HOOKS_HANDLER=app.lambda_handler
  docker export $(docker create IMAGE) | tar -x -C rootfs; snapstart-hooks doctor rootfs
  snapstart-hooks doctor rootfs/app --handler app.handler              # an image with WORKDIR /app

The checks: {", ".join(CHECKS)}.
See {page("packaging", "doctor-what-is-deployed-as-lambda-would-see-it")}

To check that providers can be loaded, a process of its own imports their modules, which
runs them. With --no-load nothing is imported.

{
    _errors.exit_codes(
        (_errors.OK, "no problem as severe as --fail-on"),
        (_errors.PROBLEMS, "at least one such problem"),
        (_errors.USAGE, "an argument is wrong, or the deployment package cannot be read"),
    )
}"""


class _Options(Protocol):
    """The arguments that `add_arguments` adds."""

    artifact: str
    layer: list[str]
    handler: str | None
    python: tuple[int, int] | None
    env: list[tuple[str, str]]
    no_load: bool
    fail_on: str
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand to a parser."""
    parser.add_argument(
        "artifact",
        metavar="ARTIFACT",
        type=given_path,
        nargs="?",
        default=".",
        help="the deployment package (default: .)",
    )
    add_layer(parser, "PATH")
    parser.add_argument("--handler", metavar="HANDLER", help="the handler as in the function's configuration")
    parser.add_argument("--python", metavar="3.X", type=_python, help="the function's runtime: 3.13, python3.13")
    parser.add_argument(
        "--env",
        metavar="NAME=VALUE",
        type=_variable,
        action="append",
        default=[],
        help="an environment variable of the function; repeat it for several",
    )
    parser.add_argument("--no-load", action="store_true", help="import no provider")
    add_fail_on(parser, "problem", _errors.PROBLEMS)
    add_json(parser)


def _python(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(?:python)?3\.(\d+)", text.strip())
    if match is None:
        msg = f"{text!r} is not a version of Python as Lambda writes it: give 3.13 or python3.13"
        raise argparse.ArgumentTypeError(msg)
    return 3, int(match[1])


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        msg = f"{text!r} is not of the form NAME=VALUE"
        raise argparse.ArgumentTypeError(msg)
    return name.strip(), value


def run(args: argparse.Namespace) -> int:
    """Examine the artifact and print the problems; return the exit code."""
    options = cast("_Options", args)
    python = "{}.{}".format(*options.python) if options.python else "3.*"
    with opened(options.artifact, options.layer, python) as artifact:
        examined = Examined(
            artifact,
            handler=options.handler,
            python=options.python,
            environ=dict(options.env),
            load=not options.no_load,
        )
        problems = examine(examined)
        providers = [each.info for each in examined.found.declared]
    failing = {"error", options.fail_on}
    code = _errors.PROBLEMS if any(each.severity in failing for each in problems) else _errors.OK
    if options.json:
        document = {
            "artifact": options.artifact,
            "layers": options.layer,
            "handler": options.handler,
            "ok": code == _errors.OK,
            "frozen": examined.frozen,
            "providers": [
                {"name": each.name, "distribution": each.distribution, "version": each.version, "value": each.value}
                for each in providers
            ],
            "problems": [dataclasses.asdict(each) for each in problems],
        }
        print(json.dumps(document, indent=2))
    else:
        _show(problems, len(providers), frozen=examined.frozen)
    return code


def _show(problems: Sequence[Problem], providers: int, *, frozen: bool) -> None:
    for each in problems:
        print(f"{each.severity}  {each.check}  {each.message}")
        if each.remedy:
            print(f"    {each.remedy}")
    numbers = [(name, sum(each.severity == name for each in problems)) for name in SEVERITIES]
    found = ", ".join(count(number, name) for name, number in numbers if number)
    how = "frozen in a manifest" if frozen else "declared by metadata"
    print(f"{count(providers, 'provider')} of hooks, {how}; {found or 'no problem found'}")
