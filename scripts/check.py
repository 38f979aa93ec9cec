"""Run every check of the project, several at a time, and say what came of it.

The checks are the nox sessions that carry one of the tags given; those tagged ``sum``
follow alone, if there is the newest Python.  Each writes a log and, if it runs tests, reports to
``.reports``.  The last line printed counts tests as pytest does; a check that fails without a
failing test is an error.

Tests with real servers and clones can meet a moment of the machine that decides nothing of the
project.  So what failed runs once more when all else is done, if it is no more than a few tests;
a test that passes then is counted as passed and as ``rerun``, and the summary names it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / ".reports"
NOX = (sys.executable, "-m", "nox", "--no-color")
KINDS = ("failed", "passed", "skipped", "error", "rerun")  # in pytest's order
FEW = 3  # more tests than this do not fail by chance


class Session(TypedDict):
    """What ``nox --list --json`` tells of a session, as far as we need it."""

    session: str


@dataclass
class Outcome:
    """What came of one session.

    Attributes:
        session: Its name.
        code: Its exit code.
        seconds: How long it took.
        cpu: The CPU time that it and its processes took, in seconds: what it costs, whatever else runs.
        counts: The outcomes of its tests.
        failing: The names of the tests that failed, or that passed only when they ran once more.
    """

    session: str
    code: int = 1
    seconds: float = 0
    cpu: float = 0
    counts: Counter[str] = field(default_factory=Counter)
    failing: list[str] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """Where its output went."""
        return REPORTS / f"{self.session}.log"

    @property
    def line(self) -> str:
        """Its line in the summary."""
        verdict = "FAILED" if self.code else "ok"
        return (
            f"{verdict:6}  {self.session:12} {self.seconds:4.0f} s {self.cpu:4.0f} s CPU  {told(self.counts)}".rstrip()
        )


def told(counts: Counter[str]) -> str:
    """The counts in words; what is zero is left out."""
    return ", ".join(
        f"{counts[kind]} {kind}{'s' if kind == 'error' and counts[kind] > 1 else ''}" for kind in KINDS if counts[kind]
    )


def run(session: str, *arguments: str) -> Outcome:
    """Run one session to its end, with `arguments` of pytest's."""
    outcome = Outcome(session)
    begun = time.monotonic()
    with outcome.log.open("a") as log:
        command = (*NOX, "-s", session, "--", *arguments)
        child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
    outcome.code = child.returncode = os.waitstatus_to_exitcode(status)
    outcome.seconds, outcome.cpu = time.monotonic() - begun, usage.ru_utime + usage.ru_stime
    for report in REPORTS.glob(f"{session}.xml"):
        suites = ET.parse(report)  # noqa: S314 - our own pytest wrote it
        outcome.counts += count(suites)
        outcome.failing += failing(suites)
    if outcome.code and not outcome.counts["failed"] + outcome.counts["error"]:
        outcome.counts["error"] = 1
    return outcome


def again(first: Outcome) -> Outcome:
    """Run the tests of a session that failed once more, if they are few and nothing else failed."""
    failed = first.counts["failed"] + first.counts["error"]
    if not first.code or not first.failing or failed > FEW:
        return first
    print(f"Running what failed in {first.session} once more.", flush=True)
    second = run(first.session, "--last-failed")
    if not second.code and second.counts["passed"]:
        first.code = 0
        first.counts.update(passed=failed, failed=-first.counts["failed"], error=-first.counts["error"], rerun=failed)
    return first


def failing(report: ET.ElementTree[ET.Element]) -> list[str]:
    """The tests of a JUnit report that failed, or that what they need did."""
    cases = (case for case in report.iter("testcase") if {"failure", "error"} & {each.tag for each in case})
    return [f"{case.get('classname')}::{case.get('name')}" for case in cases]


def count(report: ET.ElementTree[ET.Element]) -> Counter[str]:
    """The outcomes of the tests in a JUnit report."""
    counts: Counter[str] = Counter()
    for suite in report.iter("testsuite"):
        tests, failed, error, skipped = (int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped"))
        counts.update(passed=tests - failed - error - skipped, failed=failed, error=error, skipped=skipped)
    return counts


def listed(*tags: str) -> list[str]:
    """The names of the sessions that carry one of `tags`."""
    command = (*NOX, "--tags", *tags, "--list", "--json")
    answer = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    return [each["session"] for each in cast("list[Session]", json.loads(answer))]


def supported() -> list[str]:
    """The sessions that would test each Python of the classifiers."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    word = "Programming Language :: Python :: "
    return [f"tests-{line.removeprefix(word)}" for line in project["project"]["classifiers"] if line.startswith(word)]


def report(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Tell of each outcome when it is there, with the log of what failed."""
    done: list[Outcome] = []
    for outcome in outcomes:
        done.append(outcome)
        print(outcome.line, flush=True)
        if outcome.code:
            print(outcome.log.read_text(encoding="utf-8", errors="replace"), flush=True)
    return done


def main() -> int:
    """Run the checks; 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    # Half of the time a session waits: for what it has started, or for a while to pass.
    wanted = 2 * (cores or 1)
    parser.add_argument("tags", nargs="*", default=["check"], help="tags of sessions (default: check)")
    parser.add_argument("--jobs", type=int, default=wanted, help="sessions that run at a time (default: %(default)s)")
    chosen = parser.parse_args()
    jobs: int = chosen.jobs
    tags: list[str] = chosen.tags

    begun = time.monotonic()
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir()
    checks: list[str] = []
    outcomes: list[Outcome] = []
    for tag in tags:
        sessions = listed(tag)
        # The slow ones start servers and clones of their own, and share the machine with fewer.
        at_a_time = max(1, jobs // 2) if tag == "slow" else jobs
        print(f"Running {', '.join(sessions)}, {at_a_time} at a time. Logs are in {REPORTS.name}/.", flush=True)
        with ThreadPoolExecutor(at_a_time) as pool:
            outcomes += report(
                future.result() for future in as_completed([pool.submit(run, each) for each in sessions])
            )
        checks += sessions
    outcomes = list(map(again, outcomes))
    missing = sorted(set(supported()) - set(checks)) if "check" in tags else []
    measured = "check" in tags and supported()[-1] not in missing
    if measured:
        outcomes += report(map(run, listed("sum")))

    print("\nSummary")
    for outcome in outcomes:
        print(outcome.line, *(f"\n        {name}" for name in outcome.failing), sep="")
    for session in missing:
        print(f"not run {session}: there is no such Python here")
    if "check" in tags and not measured:
        print("not run coverage: the newest Python notes it at little cost, the others at twice the time")
    total = sum((outcome.counts for outcome in outcomes), Counter[str]())
    summary = f"{told(total)} in {time.monotonic() - begun:.2f}s"
    (REPORTS / "summary").write_text(f"{summary}\n", encoding="utf-8")
    print(summary)
    return int(any(outcome.code for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
