"""Restores each application in clones, broken and repaired, and holds what is reported against what was planted.

Every planted mistake has to be reported of the broken twin, and nothing of the repaired
ones.  ``nox -s survey`` installs what is needed and runs this.  The servers are real, or
moto's, and listen on the loopback interface.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol, cast

from examples.applications.planted import BACKENDS, DeclaredError, Pair, pairs
from examples.applications.servers import SERVERS
from snapstart_hooks.testing import CloneUnsupported, clones

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CLONES: Final = 3
CONDITIONS: Final = ("--clones", str(CLONES), "--elapsed", "1d")
HTTP_ERROR: Final = 400
PATIENCE: Final = 600.0
"""Seconds for one run of the command."""
SETTLED: Final = {0, 1, 4}
"""Exit codes of the command after which there is something to judge: clones were restored and had events."""


@dataclass(frozen=True)
class Report:
    """What the command said of a twin.

    Attributes:
        found: Hazards that nobody accepted, and what failed.
        backend: How the clones were made.
    """

    found: tuple[str, ...]
    backend: str


@dataclass(frozen=True)
class Verdict:
    """What one comparison of a pair came to.

    Attributes:
        name: The application.
        backend: How the clones were made; all ways, if the twins took different ones.
        found: The planted mistakes that were reported.
        missed: Those that were not, though they should have been.
        known: Those that were not, as declared.
        surprising: Findings in the broken twin that show no planted mistake.
        alarms: Findings in the repaired twins.
        stale: What is declared as missed, and is not.
        seconds: How long all runs took.
    """

    name: str
    backend: str
    found: tuple[str, ...]
    missed: tuple[str, ...]
    known: tuple[str, ...]
    surprising: tuple[str, ...]
    alarms: tuple[str, ...]
    stale: tuple[str, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether all is as declared."""
        return not (self.missed or self.surprising or self.alarms)


class RunFailedError(Exception):
    """The command could not judge a twin; the message has what it said."""


def compare(pair: Pair, environment: Mapping[str, str], backend: str | None = None) -> Verdict:
    """Restore all twins.

    Args:
        pair: The application.
        environment: What they find their servers with.
        backend: How the clones are to be made; what the command takes of itself by default.

    Raises:
        RunFailedError: One of them could not be restored.
    """
    begun = time.monotonic()
    # What is planted is to be seen, and not what our integrations leave of it: `integrated` shows that.
    broken = report(pair, "broken", {**environment, "SNAPSTART_HOOKS_DISABLE": "snapstart-hooks"}, backend)
    repaired = {twin: report(pair, twin, environment, backend) for twin in pair.repaired}
    shown = {mistake.name for mistake in pair.mistakes if any(map(mistake.is_shown_by, broken.found))}
    reasons = {mistake.name: mistake.missed_by(broken.backend) for mistake in pair.mistakes}

    return Verdict(
        name=pair.name,
        backend="/".join(dict.fromkeys(told.backend for told in (broken, *repaired.values()))),
        found=tuple(name for name in reasons if name in shown),
        missed=tuple(name for name, reason in reasons.items() if name not in shown and not reason),
        known=tuple(name for name, reason in reasons.items() if name not in shown and reason),
        surprising=tuple(
            finding for finding in broken.found if not any(mistake.is_shown_by(finding) for mistake in pair.mistakes)
        ),
        alarms=tuple(f"{twin}: {finding}" for twin, told in repaired.items() for finding in told.found),
        stale=tuple(name for name, reason in reasons.items() if name in shown and reason),
        seconds=round(time.monotonic() - begun, 1),
    )


def report(pair: Pair, twin: str, environment: Mapping[str, str], backend: str | None) -> Report:
    """What the command says of a twin.

    Raises:
        RunFailedError: It reports nothing that could be judged.
    """
    events = [argument for event in pair.events for argument in ("--event", event)]
    conditions = (*CONDITIONS, *(("--backend", backend) if backend else ()), "--timeout", str(pair.timeout))
    command = [sys.executable, "-m", "snapstart_hooks", "run", pair.handler, *conditions, "--json", *events]
    try:
        done = subprocess.run(
            command,
            cwd=pair.folder / twin,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        msg = f"{pair.name}/{twin}: {error}"
        raise RunFailedError(msg) from error
    if done.returncode not in SETTLED:
        msg = f"{pair.name}/{twin}: exit code {done.returncode}\n{done.stderr}\n{done.stdout}"
        raise RunFailedError(msg)
    run = json.loads(done.stdout)["runs"][-1]
    found = {
        f"{hazard['code']}:{hazard['subject']} ({hazard['origin']})": None
        for hazard in run["hazards"]
        if hazard["accepted"] is None
    }
    for clone in run["clones"]:
        if clone["failure"]:
            found[f"failure:{clone['failure']}"] = None
        if twin != "broken":  # that it works is ours to see; what is broken, the command has to say
            for invocation in clone["invocations"]:
                answer = invocation["response"]
                if not isinstance(answer, dict) or answer.get("statusCode", 200) >= HTTP_ERROR:
                    found[f"failure:answered {answer}"] = None
    return Report(tuple(found), run["backend"])


def show(verdicts: Iterable[Verdict], *, details: bool) -> None:
    """Print the table, and below it what is not as it should be."""
    rows: list[tuple[str, ...]] = [
        ("application", "backend", "planted", "found", "known misses", "surprises", "alarms", "seconds", "")
    ]
    verdicts = list(verdicts)
    for verdict in verdicts:
        counts = (verdict.found, verdict.known, verdict.surprising, verdict.alarms)
        planted = len(verdict.found) + len(verdict.missed) + len(verdict.known)
        rows.append(
            (
                *(verdict.name, verdict.backend, str(planted), *(str(len(each)) for each in counts)),
                *(str(verdict.seconds), "ok" if verdict.ok else "NOT OK"),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    told = Counter(
        f"{verdict.name}: {title}: {name}"
        for verdict in verdicts
        for title, names in (
            ("not found", verdict.missed),
            ("found in the broken one, and not planted", verdict.surprising),
            ("found in a repaired one", verdict.alarms),
            ("declared, and not so any more: take it out", verdict.stale),
            *((("found", verdict.found), ("missed, as declared", verdict.known)) if details else ()),
        )
        for name in names
    )
    for what, often in told.items():
        print(f"{what} ({often} times)" if often > 1 else what)


class Options(Protocol):
    """What the arguments say."""

    only: list[str]
    times: int
    backend: Literal["criu", "namespace"] | None
    json: bool
    verbose: bool


def options() -> Options:
    """Read the arguments."""
    parser = argparse.ArgumentParser(prog="survey", description=__doc__, allow_abbrev=False)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="an application; can be repeated")
    parser.add_argument("--times", type=int, default=1, metavar="N", help="how often each is compared (default: 1)")
    parser.add_argument(
        "--backend", choices=BACKENDS, help="how clones are made (default: what the command takes of itself)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--verbose", action="store_true", help="tell what was found, too")
    return cast("Options", parser.parse_args())


def started(stack: contextlib.ExitStack, chosen: list[Pair]) -> tuple[dict[str, str], list[Pair]]:
    """Start all servers; the variables with which they are reached, and the pairs that have theirs."""
    # What the applications leave behind goes with the folder.
    environment = {"TMPDIR": stack.enter_context(tempfile.TemporaryDirectory(prefix="survey-"))}
    for server in dict.fromkeys(server for pair in chosen for server in pair.servers):
        print(f"starting {server}", file=sys.stderr)
        try:
            environment |= stack.enter_context(SERVERS[server]())
        except ImportError as error:  # there is no wheel of it for every Python
            left_out = [pair.name for pair in chosen if server in pair.servers]
            print(f"Left out, as there is no {server} here: {', '.join(left_out)}. {error}", file=sys.stderr)
            chosen = [pair for pair in chosen if pair.name not in left_out]
    return environment, chosen


def main() -> int:
    """Compare them all, or those that are named."""
    asked = options()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that the servers are stopped
    try:
        clones(1, tempfile.gettempdir, backend=asked.backend)
    except CloneUnsupported as unsupported:
        print(f"Left out, as this machine cannot make clones: {unsupported}")
        return 0
    try:
        chosen = [pair for pair in pairs() if not asked.only or pair.name in asked.only]
    except DeclaredError as error:
        print(error, file=sys.stderr)
        return 2
    if unknown := set(asked.only) - {pair.name for pair in chosen}:
        print(f"There is no application {', '.join(sorted(unknown))}.", file=sys.stderr)
        return 2
    verdicts: list[Verdict] = []
    failed: list[str] = []
    with contextlib.ExitStack() as stack:
        environment, chosen = started(stack, chosen)
        for number in range(asked.times):
            for pair in chosen:
                print(f"{pair.name}, {number + 1} of {asked.times}", file=sys.stderr)
                try:
                    verdicts.append(compare(pair, environment, asked.backend))
                except RunFailedError as error:
                    failed.append(str(error))
    if asked.json:
        document = {"verdicts": [asdict(verdict) | {"ok": verdict.ok} for verdict in verdicts], "failed": failed}
        print(json.dumps(document, indent=2))
    else:
        show(verdicts, details=asked.verbose)
        for message in failed:
            print(message)
    return 0 if not failed and all(verdict.ok for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
