"""Restores each broken application with nothing changed but that it imports `snapstart_hooks`: what is mended by that?

Mistakes with connections and generators are counted that its clones show without the integrations, and those that
they show with them.  ``--write`` puts the table into ``docs/integrations.md``.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol, cast

from examples.applications.planted import HERE, pairs
from examples.applications.survey import RunFailedError, report, started
from snapstart_hooks.testing import CloneUnsupported, clones

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from examples.applications.planted import Mistake, Pair

KINDS: Final = ("connection", "generator")
PAGE: Final = HERE.parents[1] / "docs" / "integrations.md"
BEGIN: Final = "<!-- made by python -m examples.applications.integrated --write -->"
END: Final = "<!-- end of that -->"
GOAL: Final = 0.8
"""Which part of them is to be gone."""
STAND_IN: Final = "snapstart_hooks.runtime.handler.lambda_handler"


@dataclass(frozen=True)
class Result:
    """What became of one application.

    Attributes:
        name: The application.
        without: The mistakes that its clones show without the integrations.
        left: Those that they show with them.
    """

    name: str
    without: tuple[str, ...]
    left: tuple[str, ...]


def compare(pair: Pair, environment: Mapping[str, str]) -> Result:
    """Restore the broken twin twice; it is imported by the handler that stands in for its own.

    Raises:
        RunFailedError: It could not be restored.
    """
    redirected = replace(pair, handler=STAND_IN)
    with_them = {**environment, "SNAPSTART_HOOKS_HANDLER": pair.handler}

    def shown(settings: Mapping[str, str]) -> list[str]:
        found = report(redirected, "broken", settings, None).found
        return [each.name for each in pair.mistakes if each.kind in KINDS and is_shown(each, found)]

    without = shown({**with_them, "SNAPSTART_HOOKS_DISABLE": "snapstart-hooks"})
    left = shown({**with_them, "SNAPSTART_HOOKS_DISABLE": ""})
    return Result(pair.name, tuple(without), tuple(name for name in left if name in without))


def is_shown(mistake: Mistake, found: Sequence[str]) -> bool:
    """Whether findings show a mistake; an event that fails is none of it where another connection is the dead one."""
    others = any(each.startswith("open-connection:") and not mistake.is_shown_by(each) for each in found)
    named = [each for each in found if not (others and each.startswith(("failed-after-restore:", "failure:")))]
    return any(map(mistake.is_shown_by, named))


def table(results: Iterable[Result]) -> str:
    """As the page has it."""
    rows = ["| application | without | with | what is left |", "| --- | ---: | ---: | --- |"]
    results = list(results)
    rows += [
        f"| {each.name} | {len(each.without)} | {len(each.left)} | {', '.join(each.left) or '-'} |" for each in results
    ]
    before, after = (sum(len(names) for names in column) for column in zip(*map(both, results), strict=True))
    return "\n".join([*rows, f"| **all** | **{before}** | **{after}** | {1 - after / before:.0%} are gone |"])


def both(result: Result) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is shown without them and with them."""
    return result.without, result.left


class Options(Protocol):
    """What the arguments say."""

    only: list[str]
    write: bool


def main() -> int:
    """Compare them all, or those that are named."""
    parser = argparse.ArgumentParser(prog="integrated", description=__doc__, allow_abbrev=False)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="an application; can be repeated")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    asked = cast("Options", parser.parse_args())
    try:
        clones(1, tempfile.gettempdir)
    except CloneUnsupported as unsupported:
        print(f"Left out, as this machine cannot make clones: {unsupported}")
        return 0
    chosen = [pair for pair in pairs() if not asked.only or pair.name in asked.only]
    chosen = [pair for pair in chosen if any(mistake.kind in KINDS for mistake in pair.mistakes)]
    results: list[Result] = []
    with contextlib.ExitStack() as stack:
        environment, chosen = started(stack, chosen)
        for pair in chosen:
            print(pair.name, file=sys.stderr)
            try:
                results.append(compare(pair, environment))
                print(table(results[-1:]), file=sys.stderr)
            except RunFailedError as error:
                print(error, file=sys.stderr)
                return 1
    made = table(results)
    print(made)
    if asked.write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    shown, left = (sum(map(len, names)) for names in zip(*map(both, results), strict=True))
    return 0 if left <= (1 - GOAL) * shown else 1


if __name__ == "__main__":
    sys.exit(main())
