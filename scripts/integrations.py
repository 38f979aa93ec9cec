"""Writes the table of ``docs/integrations.md`` from the integrations themselves, and lists their libraries."""

from __future__ import annotations

import argparse
import sys
import tomllib
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol, cast

from snapstart_hooks import Phase, Registry

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "integrations.md"
BEGIN: Final = "<!-- made by scripts/integrations.py -->"
END: Final = "<!-- end -->"


class Integration(Protocol):
    """What each module says of itself.

    Attributes:
        VERSIONS: The library as it is tested: ``"redis>=5,<9"``.
        COST: What its hooks cost, and when.
        NEEDLESS: Which version of the library makes it needless.
    """

    VERSIONS: str
    COST: str
    NEEDLESS: str


@dataclass(frozen=True)
class Declared:
    """An integration as our `pyproject.toml` declares it.

    Attributes:
        name: As in ``snapstart-hooks:name``.
        value: Module, perhaps an attribute, and what has to be imported for it.
    """

    name: str
    value: str

    @property
    def module(self) -> str:
        """The module that it is in."""
        return self.value.partition("[")[0].partition(":")[0].strip()

    def load(self) -> Integration:
        """Import it, which needs no library."""
        return cast("Integration", import_module(self.module))


def declared() -> list[Declared]:
    """All of them, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Declared(name, value) for name, value in sorted(project["entry-points"]["snapstart.hooks"].items())]


def table() -> str:
    """What each does, as a table of the page."""
    rows = ["| `snapstart-hooks:` | tested with | what happens | phases | cost |", "| --- | --- | --- | --- | --- |"]
    for each in declared():
        module = each.load()
        does = (module.__doc__ or "").partition("\n")[0].rstrip(".")
        cells = (f"`{each.name}`", f"`{module.VERSIONS}`", does, phases(each, module), module.COST)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def phases(each: Declared, module: Integration) -> str:
    """When its hooks run."""
    _, colon, path = each.value.partition("[")[0].partition(":")
    provider: object = getattr(module, path.strip()) if colon else module
    if isinstance(provider, Registry):
        kinds = {hook.phase for hook in provider.hooks} | {*getattr(module, "PHASES", ())}
    else:
        kinds = {phase for phase in Phase if hasattr(provider, phase.value)}
    words = {Phase.BEFORE_SNAPSHOT: "before", Phase.AFTER_RESTORE: "after"}
    return ", ".join(word for phase, word in words.items() if phase in kinds)


def needless() -> str:
    """Until when each is needed."""
    return "\n".join(f"- `{each.name}`: {each.load().NEEDLESS}." for each in declared())


def page() -> str:
    """The page, with both parts as they have to be."""
    text = PAGE.read_text(encoding="utf-8")
    for made in (table(), needless()):
        before, begin, rest = text.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not begin or not end:
            msg = f"{PAGE} lacks a part between {BEGIN} and {END}"
            raise SystemExit(msg)
        # So that the next search begins behind it; the marks come back below.
        text = f"{before}\0BEGIN\n\n{made}\n\n\0END{after}"
    return text.replace("\0BEGIN", BEGIN).replace("\0END", END)


def libraries() -> list[str]:
    """The libraries with the range of versions that is tested, as requirements."""
    ranges = {each.load().VERSIONS for each in declared()}
    return sorted(each for each in ranges if not each.startswith("python"))


def main() -> int:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(prog="integrations", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--write", action="store_true", help="write the page; without it, tell whether it is up to date"
    )
    parser.add_argument("--requirements", type=Path, metavar="FILE", help="write the libraries as requirements instead")
    asked = parser.parse_args()
    if asked.requirements:
        asked.requirements.write_text("".join(f"{line}\n" for line in libraries()), encoding="utf-8")
        return 0
    right = page()
    if asked.write:
        PAGE.write_text(right, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != right:
        print(f"{PAGE.relative_to(ROOT)} is not what the integrations say: python scripts/integrations.py --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
