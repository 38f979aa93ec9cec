"""`assert_unique`: what it finds, how it says so, and what it does not take for an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from snapstart_hooks.testing import CloneOutcome, CloneRun, ClonesFailed, Failure, Invocation, SnapshotOutcome
from snapstart_hooks.testing import assert_unique as check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def run_of(*clones: Sequence[object]) -> CloneRun:
    """A run whose clones answered this, one after the other."""
    outcomes = [
        CloneOutcome(index=index, invocations=tuple(Invocation("id", answer, None, 0.0) for answer in answers))
        for index, answers in enumerate(clones)
    ]
    return CloneRun("fork", (), SnapshotOutcome(), tuple(outcomes))


def message(
    values: CloneRun | list[object], path: str | None = None, key: Callable[[object], object] | None = None
) -> str:
    with pytest.raises(AssertionError) as caught:
        check(values, path, key=key)
    return str(caught.value)


def test_what_differs_passes() -> None:
    check(run_of([{"id": 1, "same": 0}], [{"id": 2, "same": 0}]), "$.id")
    check(run_of([{"id": 1, "same": 0}], [{"id": 2, "same": 0}]))
    check([1, 2, "1", 1.0, True, None, [1], [2], {"a": 1}, {"a": 2}])


def test_it_names_the_value_the_clones_and_the_remedy() -> None:
    told = message(run_of([{"id": "x"}], [{"id": "y"}], [{"id": "x"}], [{"id": "z"}], [{"id": "z"}]), "$.id")
    first, *rest = told.splitlines()
    assert first == "$.id is not unique:"
    assert rest[:2] == ["  'x' in clone 0, clone 2", "  'z' in clone 3, clone 4"]
    assert "uuid.uuid4()" in told
    assert "PerRestore(uuid.uuid4)" in told


def test_the_answers_to_all_events_are_compared() -> None:
    told = message(run_of([1, 2], [3, 2]))
    assert "  2 in clone 0 (event 1), clone 1 (event 1)\n" in told
    assert message(run_of([1, 1], [2, 3])).splitlines()[1] == "  1 in clone 0 (event 0), clone 0 (event 1)"


def test_values_are_named_by_their_place() -> None:
    assert message(["a", "b", "a"]).splitlines()[:2] == ["a value is not unique:", "  'a' in value 0, value 2"]


@pytest.mark.parametrize("same", [{"a": [1], "b": 2}, [1, {"x": None}], None, 1.5, b"bytes"])
def test_anything_can_be_compared(same: object) -> None:
    assert "in clone 0, clone 1" in message(run_of([same], [same]))


def test_a_long_value_is_cut() -> None:
    assert max(map(len, message(["x" * 10_000, "x" * 10_000]).splitlines())) < 160


def test_a_function_can_say_what_must_be_unique() -> None:
    answers = run_of([{"id": "1-a"}], [{"id": "2-a"}])
    check(answers, key=lambda answer: answer["id"][0])
    with pytest.raises(AssertionError, match="'a' in clone 0, clone 1"):
        check(answers, key=lambda answer: answer["id"][-1])


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("$", "clone 0, clone 1"),
        ("$.order.id", "clone 0, clone 1"),
        ("$['order']['id']", "clone 0, clone 1"),
        ('$["order"].id', "clone 0, clone 1"),
        ("$.lines[1]", "clone 0, clone 1"),
        ("$['a key'].x-y", "clone 0, clone 1"),
        ("$.body.id", "clone 0, clone 1"),
        ("$.lines[*]", "clone 0 at $.lines[1], clone 1 at $.lines[1]"),
        ("$.orders[*].id", "clone 0 at $.orders.first.id, clone 1 at $.orders.first.id"),
    ],
)
def test_paths(path: str, where: str) -> None:
    same: dict[str, object] = {"order": {"id": 7}, "a key": {"x-y": 7}, "body": '{"id": 7}'}
    clones = [
        {**same, "lines": [index, 7], "orders": {"first": {"id": 7}, "second": {"id": index}}} for index in (1, 2)
    ]
    if path == "$":
        clones[1] = clones[0]
    told = message(run_of(*([clone] for clone in clones)), path)
    assert told.startswith(f"{path} is not unique:\n")
    assert f" in {where}\n" in told


@pytest.mark.parametrize("path", ["", "id", "$id", "$.", "$.a.", "$.a b", "$[-1]", "$[a]", "$.a[", "$['a]"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"path={path!r} is not understood: write '$.order.id'")):
        check([{}, {}], path)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("$.order.nr", "there is no $.order.nr: $.order is an object with 'id', 'at'"),
        ("$.lines[2]", "there is no $.lines[2]: $.lines is an array with 0, 1"),
        ("$.text.id", "there is no $.text.id: $.text is 'no JSON'"),
        ("$.number[*]", "there is no $.number[*]: $.number is 5"),
        ("$.empty.id", "there is no $.empty.id: $.empty is an object with nothing in it"),
        ("$.lines.id", "there is no $.lines.id: $.lines is an array with 0, 1"),
    ],
)
def test_a_path_that_leads_nowhere_is_told_from_where(path: str, why: str) -> None:
    answer: dict[str, object] = {
        "order": {"id": 1, "at": 2},
        "lines": [1, 2],
        "text": "no JSON",
        "number": 5,
        "empty": {},
    }
    with pytest.raises(LookupError, match=re.escape(f"clone 0: {why}")):
        check(run_of([answer], [answer]), path)


def test_what_shows_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1 values cannot show .* clones=2"):
        check(run_of([{"id": 1}]), "$.id")
    with pytest.raises(ValueError, match="0 values"):
        check(run_of([{"ids": []}], [{"ids": []}]), "$.ids[*]")
    with pytest.raises(TypeError, match="is one value; give a CloneRun, or a list"):
        check("text")
    with pytest.raises(TypeError, match="is one value"):
        check({"id": 1, "other": 2})
    with pytest.raises(TypeError, match="either path or key"):
        check([1, 2], "$", key=str)


def test_a_failed_run_is_a_failure_and_not_unique() -> None:
    failed = CloneRun("fork", (), SnapshotOutcome(error=Failure("", "ValueError", "no")), ())
    with pytest.raises(ClonesFailed, match="before the snapshot: ValueError: no"):
        check(failed)
