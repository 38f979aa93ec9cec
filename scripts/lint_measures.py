"""Measure the linter: on code that others wrote, and on applications whose mistakes are known.

    python scripts/lint_measures.py --samples FOLDER... --planted examples/applications examples/hazards

``--samples`` takes whatever Python there is below the folders; ``--list`` prints the
findings, so that somebody can judge them.  ``--planted`` takes folders with a
``mistakes.toml``, a twin ``broken`` and twins ``repaired`` and ``resources``, and `examples/hazards`,
whose mistakes are numbered in comments.  A mistake counts as found if a rule that fits
its kind names its line, or that of the call that made it, give or take two; each
finding counts once.
"""

from __future__ import annotations

import argparse
import ast
import re
import time
import tomllib
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from snapstart_hooks.lint import check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from snapstart_hooks.lint import Finding

NOT_DEPLOYED: Final = ("test", "tests", "testing", "docs", "doc", "examples", "benchmarks", "conftest.py", "setup.py")
RULES_OF_KINDS: Final = {
    "connection": ("SSH5",),
    "generator": ("SSH103", "SSH2"),
    "value": ("SSH1",),
    "time": ("SSH3",),
    "credentials": ("SSH4", "SSH302"),
    "unsent": ("SSH106", "SSH503", "SSH603"),
    "thread": ("SSH6",),
    "file": ("SSH106",),
    "by-value": ("SSH805",),
    "": ("SSH",),
}
SLACK: Final = 2


@dataclass(frozen=True)
class Mistake:
    """One that is planted: its kind and its places."""

    application: str
    name: str
    kind: str
    places: tuple[tuple[Path, int], ...]


def main() -> None:
    """Print what was asked for, as a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", nargs="+", type=Path, default=(), metavar="FOLDER")
    parser.add_argument("--planted", nargs="+", type=Path, default=(), metavar="FOLDER")
    parser.add_argument("--list", action="store_true", help="print each finding, and each mistake that is not found")
    arguments = parser.parse_args()
    folders, planted, listed = cast("tuple[list[Path], list[Path], bool]", vars(arguments).values())
    print("| measured | found |\n| --- | --- |")
    if folders:
        samples(folders, listed=listed)
    if planted:
        recall(planted, listed=listed)


def samples(folders: Sequence[Path], *, listed: bool) -> None:
    """How many findings there are in code of others, and how long it takes."""
    files = [file for folder in folders for file in sorted(folder.rglob("*.py")) if is_deployed(file, folder)]
    begun = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        found = [*zip(files, pool.map(findings, files, chunksize=50), strict=True)]
    seconds = time.perf_counter() - begun
    codes = Counter(one.code for _, each in found for one in each)
    print(f"| files of samples | {len(files)} in {seconds:.0f} s on two cores |")
    print(f"| findings in them | {codes.total()} |")
    for code, count in sorted(codes.items()):
        print(f"| {code} | {count} |")
    for file, each in found if listed else ():
        for one in each:
            print(f"{file}:{one.line}: {one.code} {one.text}")


def is_deployed(file: Path, folder: Path) -> bool:
    """Whether a file may run on Lambda, by its name."""
    names = file.relative_to(folder).parts
    return not any(name in NOT_DEPLOYED or name.startswith("test_") or name.endswith("_test.py") for name in names)


def findings(file: Path) -> list[Finding]:
    """What is found in a file; nothing if it cannot be read."""
    warnings.simplefilter("ignore")  # of its own escapes
    try:
        return check(ast.parse(file.read_bytes()), str(file))
    except (SyntaxError, ValueError, RecursionError):
        return []


def recall(folders: Sequence[Path], *, listed: bool) -> None:
    """How many planted mistakes are found, and how much in the repaired twins."""
    missed = [one for folder in folders for one in mistakes(folder)]
    planted = Counter(one.application for one in missed)
    used: set[tuple[Path, Finding]] = set()
    for slack in range(SLACK + 1):  # the nearest first
        missed = [one for one in missed if not is_found(one, used, slack)]
    seen = planted - Counter(one.application for one in missed)
    for mistake in missed if listed else ():
        print(f"not found in {mistake.application}: {mistake.name}")
    for application, count in planted.items():
        print(f"| planted in `{application}` | {seen[application]} of {count} |")
    part = seen.total() / max(planted.total(), 1)
    print(f"| planted in all | {seen.total()} of {planted.total()}, {part:.0%} |")
    repaired = [
        file
        for folder in folders
        for twin in ("repaired", "resources")
        for file in sorted(folder.rglob(f"{twin}/**/*.py"))
    ]
    false = [(file, one) for file in repaired for one in findings(file)]
    print(f"| found in the repaired twins | {len(false)} |")
    for file, one in false if listed else ():
        print(f"{file}:{one.line}: {one.code} {one.text}")


def is_found(mistake: Mistake, used: set[tuple[Path, Finding]], slack: int) -> bool:
    """Whether a finding so many lines away names it that is not used up: then it is."""
    fitting = RULES_OF_KINDS[mistake.kind]
    for file, line in mistake.places:
        for one in findings(file):
            caller = re.search(r"called in line (\d+)", one.text)
            lines = (one.line, int(caller[1])) if caller else (one.line,)
            near = min(abs(line - each) for each in lines) == slack
            if near and one.code.startswith(fitting) and (file, one) not in used:
                used.add((file, one))
                return True
    return False


def mistakes(folder: Path) -> Iterator[Mistake]:
    """What is planted below a folder."""
    for declared in sorted(folder.glob("*/mistakes.toml")):
        rows = cast("list[Mapping[str, object]]", tomllib.loads(declared.read_text(encoding="utf-8"))["mistakes"])
        for row in rows:
            marked = [row, *cast("list[Mapping[str, object]]", row.get("also", ()))]
            files = [(declared.parent / "broken" / str(each["file"]), str(each["line"])) for each in marked]
            places = tuple((file, line) for file, mark in files for line in marks(file, re.escape(mark)))
            yield Mistake(declared.parent.name, str(row["name"]), str(row["kind"]), places)
    numbered = folder / "broken" / "app.py"
    if numbered.exists():
        text = numbered.read_text(encoding="utf-8").splitlines()
        for line in marks(numbered, r"^# .*\d+\. "):
            for number in re.findall(r"(\d+)\. ", text[line - 1]):
                yield Mistake(folder.name, f"{number}: {text[line]}", "", ((numbered, line + 1),))


def marks(file: Path, pattern: str) -> list[int]:
    """The lines that have a pattern."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if re.search(pattern, line)]


if __name__ == "__main__":
    main()
