"""Accepted hazards, time budgets, and which values look unique: judged without clones."""

from __future__ import annotations

import json
import re
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from snapstart_hooks.testing import (
    CloneOutcome,
    CloneRun,
    Failure,
    Invocation,
    SnapshotOutcome,
    accepted_in,
    find_hazards,
)
from snapstart_hooks.testing._inside.kernel.clock import BOOTED_LATER
from snapstart_hooks.testing.hazards._accept import accept
from snapstart_hooks.testing.hazards._compare import out_of_time
from snapstart_hooks.testing.hazards._failed import failed
from snapstart_hooks.testing.hazards._model import Hazard, HazardReport
from snapstart_hooks.testing.hazards._observed import PROBE
from snapstart_hooks.testing.hazards._values import changed_answers, doubtful, kept_values, repeated_values

if TYPE_CHECKING:
    from pathlib import Path

CONNECTION = Hazard("open-connection", "tcp 127.0.0.1:6379", "seen", "", "close it", "error")
ITEM = Hazard("repeated-value", "response $.items[0].id", "seen", "", "make it", "error")


def answers(*responses: object, before: float = 0.0, after: float = 0.0, resumed: float = 0.0) -> CloneRun:
    seen = {PROBE: {"restored": {"now": resumed}}} if resumed else {}
    clones = tuple(
        CloneOutcome(index=index, invocations=(Invocation("id", response),), after_seconds=after, observations=seen)
        for index, response in enumerate(responses)
    )
    return CloneRun("namespace", (), SnapshotOutcome(init_seconds=before, before_seconds=before), clones)


@pytest.mark.parametrize(
    "name",
    ["open-connection", "open-connection:tcp 127.0.0.1:6379", "open-*", "open-connection:tcp 127.*", "*:*:6379"],
)
def test_a_hazard_is_accepted_by_code_or_subject(name: str) -> None:
    (first, second), stale = accept([CONNECTION, ITEM], {name: "the proxy is inside"})
    assert (first.accepted, second.accepted) == ("the proxy is inside", None)
    assert stale == []
    assert HazardReport(answers(), (first, second)).open == (second,)


def test_a_subject_with_brackets_is_accepted_as_it_is_written() -> None:
    ((hazard,), _) = accept([ITEM], {"repeated-value:response $.items[0].id": "a version"})
    assert hazard.accepted == "a version"


def test_what_accepts_nothing_is_told() -> None:
    ((hazard,), stale) = accept([ITEM], {"live-thread": "it only sleeps", "repeated-value:response $.other": "x"})
    assert hazard.accepted is None
    assert stale == [
        "accepted, but not found: 'live-thread' (it only sleeps); take it out",
        "accepted, but not found: 'repeated-value:response $.other' (x); take it out",
    ]


def test_the_project_s_accepted_hazards_are_read(tmp_path: Path) -> None:
    assert accepted_in(tmp_path) == {}
    section = '[tool.snapstart-hooks.hazards.accept]\n"live-thread" = "it only sleeps"\n'
    (tmp_path / "pyproject.toml").write_text(section, encoding="utf-8")
    (tmp_path / "src").mkdir()
    assert accepted_in(tmp_path / "src") == {"live-thread": "it only sleeps"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.snapstart-hooks.hazards.accept]\nlive-thread = 1", "'live-thread' = 1 is no reason"),
        ("[tool.snapstart-hooks.hazards.accept]\nlive-thread = ' '", "'live-thread' = ' ' is no reason"),
        ("[tool.snapstart-hooks.hazards.accept]\n'' = 'all'", "an empty name accepts nothing"),
        ("[tool.snapstart-hooks.hazards]\naccept = ['live-thread']", "hazards.accept must be a table, not ['live-th"),
        ("tool = 3", "tool must be a table, not 3"),
        ("[tool", "cannot be read"),
    ],
)
def test_what_is_not_understood_is_refused_with_the_file(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        accepted_in(tmp_path)
    assert str(file) in str(caught.value)


def test_an_empty_reason_is_refused_before_anything_runs() -> None:
    with pytest.raises(ValueError, match="'live-thread' = '' is no reason"):
        find_hazards(2, "no_such.handler", accept={"live-thread": ""})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (51, 7.9, []),
        (53, 8.1, [("init-too-slow", "warning"), ("hooks-too-slow", "warning")]),
        (66, 10.1, [("init-too-slow", "error"), ("hooks-too-slow", "error")]),
    ],
)
def test_what_takes_nearly_all_time_is_found(before: float, after: float, expected: list[tuple[str, str]]) -> None:
    hazards = list(out_of_time(answers(None, before=before, after=after)))
    assert [(hazard.code, hazard.severity) for hazard in hazards] == expected


NOW = int(time.time())


def codes(run: CloneRun, *starts: object) -> list[tuple[str, str]]:
    others = answers(*starts).clones
    found = [*repeated_values(run, others), *changed_answers(run, others)]
    return [(hazard.code, hazard.subject) for hazard in found]


@pytest.mark.parametrize(("value", "found"), [(0.004, False), (-0.021, False), (0.0271, True), (0.25, True), (7, True)])
def test_a_small_fraction_of_few_digits_agrees_by_chance_as_a_rounded_duration_does(value: float, found: bool) -> None:
    assert bool(codes(answers(value, value), value + 1.001, value + 2.003)) is found


@pytest.mark.parametrize(
    "value",
    ["5f1f6d3c-1f0e-4f2a-8e5a-3a4f9d1c2b7e", "230bbe50", "duN7k5zP", 843, 1 << 60, 0.25, "two words", "T-1"],
)
def test_what_is_the_same_in_all_clones_and_differs_at_other_starts_is_found(value: object) -> None:
    run = answers({"a b": [value]}, {"a b": [value]})
    assert codes(run, {"a b": ["other"]}, {"a b": ["another"]}) == [("repeated-value", "response $['a b'][0]")]
    assert codes(run, {"a b": [value]}, {"a b": [value]}) == []  # a constant
    assert codes(answers({"a b": [value]}, {"a b": ["third"]}), {"a b": ["other"]}, {"a b": ["another"]}) == []
    assert codes(run) == []  # nobody knows


def test_a_shuffled_list_is_one_hazard() -> None:
    run = answers(*[json.dumps({"order": [3, 1, 2]})] * 2)
    assert codes(run, '{"order": [1, 2, 3]}', '{"order": [2, 1, 3]}') == [("repeated-value", "response $.order")]
    names = answers(*[["c", "a", "b"]] * 2)
    assert codes(names, ["a", "b", "c"], ["b", "a", "c"]) == [("repeated-value", "response $")]


@pytest.mark.parametrize(
    "value",
    [
        NOW - 60,
        (NOW - 60) * 1000,
        NOW - 60.25,
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - 60)),
        time.strftime("%Y-%m-%d %H:%M", time.gmtime(NOW - 60)),
        formatdate(NOW - 60, usegmt=True),
    ],
    ids=range(6),
)
def test_a_time_of_the_snapshot_is_stale(value: object) -> None:
    run = answers(value, value, resumed=NOW)
    assert codes(run, "12:00", "12:01") == [("stale-time", "response $")]
    (hazard,) = repeated_values(run, answers("12:00", "12:01").clones)
    assert hazard.severity == "warning"
    assert "s old at the restore" in hazard.evidence


def test_an_answer_that_only_clones_give_is_an_error() -> None:
    good, bad = {"ok": True, "id": "1", "from": "database"}, {"ok": False, "id": "2", "reason": "EOF"}
    found = codes(answers(bad, bad), good, {**good, "id": "3"})
    assert found == [
        ("repeated-value", "response $.id"),
        ("changed-answer", "response $.ok"),
        ("changed-answer", "response $.from"),
        ("changed-answer", "response $.reason"),
    ]
    assert codes(answers(bad, good), good, good) == []  # not all of them
    assert codes(answers({"ok": "a"}, {"ok": "b"}), {"ok": "c"}, {"ok": "c"}) == []  # they draw lots
    assert codes(answers(bad, bad), good) == [("repeated-value", "response $.id")]  # one start proves nothing
    refused = {"statusCode": 401, "body": '{"rows": 0}'}, {"statusCode": 200, "body": '{"rows": 3}'}
    found = [("changed-answer", "response $.statusCode"), ("changed-answer", "response $.body.rows")]
    assert codes(answers(*[refused[0]] * 2), *[refused[1]] * 2) == found


@pytest.mark.parametrize(("value", "others"), [(29_999, (29_998, 29_997)), (22, (24, 23)), (0.3, (0.1, 0.4))])
def test_a_number_near_to_what_other_starts_answer_may_have_been_measured(
    value: float, others: tuple[float, float]
) -> None:
    (hazard,) = repeated_values(answers(value, value), answers(*others).clones)
    assert (hazard.code, hazard.severity) == ("repeated-value", "warning")
    assert hazard.evidence.endswith(f"but {others[0]}, which is so near that both may have been measured")
    (hazard,) = repeated_values(answers(value, value), answers(others[0], value + 20).clones)
    assert hazard.severity == "error"
    (drawn,) = repeated_values(answers(3, 3), answers(1, 5).clones)
    assert drawn.severity == "error"


def test_the_length_that_a_header_tells_is_judged_by_its_text() -> None:
    def answer(orders: int, worker: str = "1") -> dict[str, object]:
        body = json.dumps({"orders": orders})
        return {"statusCode": 200, "headers": {"content-length": str(len(body)), "x-worker": worker}, "body": body}

    assert codes(answers(answer(98), answer(99)), answer(100), answer(101)) == []
    assert codes(answers(answer(98), answer(99)), answer(100), answer(97)) == []
    drawn = answers(answer(98, "14"), answer(99, "14"))
    assert codes(drawn, answer(100, "77"), answer(101, "8")) == [("repeated-value", "response $.headers.x-worker")]


def test_what_starts_agree_on_by_chance_asks_for_another_start() -> None:
    run = answers(6, 6)
    assert doubtful(run, answers(6, 1).clones)
    assert not doubtful(run, answers(6, 6).clones)
    assert not doubtful(run, answers(1, 6).clones)


def holding(*found: object, uptime: float = 10.0) -> CloneRun:
    """What clones hold in a global, or in several of a list."""
    several = [each if isinstance(each, list) else [each] for each in found]
    names = ["app.SECRET"] if len(several[0]) == 1 else [f"app.SECRET[{at}]" for at in range(len(several[0]))]
    clones = tuple(
        CloneOutcome(
            index=index,
            observations={
                PROBE: {
                    "finished": {
                        "held": {},
                        "kept": {
                            name: [each if isinstance(each, float) else hash(each), repr(each)]
                            for name, each in zip(names, held, strict=True)
                        },
                        "uptime": uptime,
                    }
                }
            },
        )
        for index, held in enumerate(several)
    )
    return CloneRun("namespace", (), SnapshotOutcome(), clones)


def test_texts_of_a_list_are_one_hazard() -> None:
    (hazard,) = kept_values(holding(*[["one", "other"]] * 2), holding(["2", "3"], ["4", "5"]).clones, [])
    assert hazard.subject == "app.SECRET"


def test_a_time_of_the_monotonic_clock_is_stale() -> None:
    def judged(clones: tuple[object, object], starts: tuple[object, object], uptime: float) -> list[tuple[str, str]]:
        found = kept_values(holding(*clones), holding(*starts, uptime=uptime).clones, [])
        return [(hazard.code, hazard.subject) for hazard in found]

    later = BOOTED_LATER + 10
    assert judged((70.0, 70.0), (later + 60, later + 61), later) == [("stale-time", "app.SECRET")]
    assert judged((70e9, 70e9), ((later + 60) * 1e9,) * 2, later) == [("stale-time", "app.SECRET")]
    assert judged((70.0, 71.0), (later + 60, later + 61), later) == []  # made anew
    assert judged((0.25, 0.25), (0.5, 0.75), later) == []  # no time
    assert judged((70.0, 70.0), (71.0, 72.0), 11.0) == []  # of the same machine: nobody can tell


def test_a_day_in_a_text_with_other_things_is_stale_too() -> None:
    run = answers("2026/11/20/a1b2", "2026/11/20/a1b2")
    wanted = [("repeated-value", "response $"), ("stale-time", "response $")]
    assert codes(run, "2026/11/21/c3d4", "2026/11/21/e5f6") == wanted
    assert codes(run, "2026/11/20/c3d4", "2026/11/20/e5f6") == wanted[:1]
    for day in ("logs/%s.json", "year=%s"):
        form = "%Y-%m-%d" if "." in day else "%Y/month=%m/day=%d"
        old, new = (day % time.strftime(form, time.gmtime(NOW - ago)) for ago in (2 * 86_400, 0))
        assert codes(answers(old, old), new, new) == wanted[1:]


def test_a_text_that_no_answer_shows_is_a_warning() -> None:
    found = list(kept_values(holding("one secret", "one secret"), holding("2", "3").clones, []))
    assert [(hazard.code, hazard.subject, hazard.severity) for hazard in found] == [
        ("kept-value", "app.SECRET", "warning")
    ]
    for clones, starts, known in (
        (("one secret", "another"), ("2", "3"), ""),  # made anew
        (("one secret", "one secret"), ("2", "one secret"), ""),  # a constant
        (("one secret", "one secret"), ("2", "3"), "both answered 'one secret'"),  # told already
    ):
        assert list(kept_values(holding(*clones), holding(*starts).clones, [known])) == []


def failing(*clones: Invocation, **snapshot: object) -> CloneRun:
    outcomes = tuple(CloneOutcome(index=i, invocations=(each,), after_seconds=0.0) for i, each in enumerate(clones))
    return CloneRun("namespace", (), SnapshotOutcome(init_seconds=0.0, **snapshot), outcomes)  # type: ignore[arg-type]


RAISED = Invocation("id", error=Failure("", "OperationalError", "the connection is closed"))
CAUGHT = Invocation("id", {"statusCode": 503, "body": "sorry"})
FINE = Invocation("id", {"statusCode": 200, "body": "7 orders"})


@pytest.mark.parametrize("ill", [RAISED, CAUGHT])
def test_a_failure_that_no_start_has_is_an_error_with_the_comparison(ill: Invocation) -> None:
    (hazard,) = failed(failing(ill, ill, FINE, threads=("pool-1",)), failing(FINE, FINE).clones)
    assert (hazard.code, hazard.subject, hazard.severity) == ("failed-after-restore", "event", "error")
    assert hazard.evidence.startswith("clones 0 and 1: ")
    assert "a start that was never restored answered {'statusCode': 200" in hazard.evidence.replace('"', "'")
    assert "a restore keeps: pool-1" in hazard.evidence
    assert list(failed(failing(ill), failing(ill).clones)) == []  # it fails anyway
    assert list(failed(failing(FINE), failing(FINE).clones)) == []


def test_a_place_that_fails_in_several_ways_is_one_hazard() -> None:
    other = Invocation("id", error=Failure("", "InterfaceError", "there is no cursor"))
    (hazard,) = failed(failing(RAISED, other, FINE, RAISED), failing(FINE).clones)
    assert hazard.evidence.startswith(f"clones 0 and 3: {RAISED.error}; clone 1: {other.error}; a start that was ")


def test_two_hundred_clones_are_not_all_named() -> None:
    run = failing(*[RAISED] * 199, FINE)
    (hazard,) = failed(run, failing(FINE).clones)
    assert hazard.evidence.startswith("clones 0, 1, 2, 3, 4 and 194 more: ")
