"""Accepted hazards, time budgets, and which values look unique: judged without clones."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from snapstart_hooks.testing import CloneOutcome, CloneRun, Invocation, SnapshotOutcome, accepted_in, find_hazards
from snapstart_hooks.testing.hazards._accept import accept
from snapstart_hooks.testing.hazards._compare import out_of_time
from snapstart_hooks.testing.hazards._model import Hazard, HazardReport
from snapstart_hooks.testing.hazards._observed import PROBE
from snapstart_hooks.testing.hazards._values import repeated_values

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


NOW = int(time.time()) + 0.1234567  # so that what is cut off is known


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("5f1f6d3c-1f0e-4f2a-8e5a-3a4f9d1c2b7e", "UUID"),
        ("order-5f1f6d3c-1f0e-4f2a-8e5a-3a4f9d1c2b7e", "UUID"),
        ("9f86d081884c7d65", "hexadecimal id"),
        ("kX3-9fQz_Lm27TbVw8Rc", "token"),
        pytest.param(NOW, "time", id="seconds"),
        pytest.param(int(NOW * 1000), "time", id="milliseconds"),
        pytest.param(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW)), "time", id="text"),
        (0.8444218515250481, "random number"),
        (1 << 60, "random number"),
    ],
)
def test_values_that_look_unique_are_found(value: object, kind: str) -> None:
    (hazard,) = repeated_values(answers({"a b": [value]}, {"a b": [value]}, resumed=NOW + 10), None, "[]")
    assert hazard.subject == "response $['a b'][0]"
    assert f"clones 0 and 1 answered the same {kind}" in hazard.evidence


TEXT = "%Y-%m-%dT%H:%M:%S"


@pytest.mark.parametrize(
    ("value", "resumed", "stale"),
    [
        (NOW, NOW + 0.001, True),
        (NOW, NOW - 0.001, False),
        (int(NOW * 1e6), NOW + 0.001, True),
        (int(NOW * 1e3), NOW + 0.0005, False),
        (int(NOW * 1e3), NOW + 0.01, True),
        (int(NOW), NOW + 0.5, False),
        (int(NOW), NOW + 3600, True),
        (time.strftime(f"{TEXT}.123Z", time.gmtime(NOW)), NOW + 2, True),
        (time.strftime(f"{TEXT}Z", time.gmtime(NOW)), NOW + 0.001, False),
        (time.strftime(f"{TEXT}Z", time.gmtime(NOW)), NOW + 3, True),
        (NOW + 0.123456, None, True),  # nobody knows when it was resumed
        (int(NOW), None, False),
    ],
    ids=range(12),
)
def test_a_time_is_stale_if_it_is_older_than_the_clone(value: object, resumed: float | None, *, stale: bool) -> None:
    """For clones may answer in the same instant, and be right."""
    run = answers(value, value, resumed=resumed or 0.0)
    assert [each.code for each in repeated_values(run, None, "[]")] == (["stale-time"] if stale else [])


@pytest.mark.parametrize(
    "value",
    [None, True, 7, 0.5, 1e9, "ok", "2020-01-01", "2020-01-01T00:00:00Z", "a quite ordinary sentence", "deadbeef"],
)
def test_other_values_are_none(value: object) -> None:
    assert list(repeated_values(answers(value, value), None, "[]")) == []


def test_what_another_start_answers_or_the_event_holds_is_none() -> None:
    token = "kX3-9fQz_Lm27TbVw8Rc"  # noqa: S105 - a sample
    run = answers({"id": token}, {"id": token})
    assert len(list(repeated_values(run, answers({"id": "another"}), "[]"))) == 1
    assert list(repeated_values(run, answers({"version": token}), "[]")) == []
    assert list(repeated_values(run, None, f'[{{"token": "{token}"}}]')) == []
    assert list(repeated_values(answers({"id": token}), None, "[]")) == []
