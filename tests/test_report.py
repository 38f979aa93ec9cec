"""What a phase tells: the report, its line in the log, and the errors."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from typing import NoReturn

import pytest

from snapstart_hooks import HookObserver, Outcome, Phase, PhaseReport, Registry
from snapstart_hooks._foreign import error_text, shortened
from snapstart_hooks.errors import (
    DiscoveryError,
    HookOrderError,
    HooksFailed,
    HookTimeout,
    ProviderError,
    SnapstartHooksError,
)


def nothing() -> None: ...


def fail() -> NoReturn:
    raise ConnectionError("connection\n  refused")


def mixed() -> Registry:
    registry = Registry()
    registry.after_restore(name="fine")(nothing)
    registry.after_restore(name="cache", required=False)(fail)
    return registry


def test_a_report_is_readable_by_people_and_by_programs() -> None:
    report = mixed().run_after_restore()
    fine, cache = report.results
    assert (report.phase, report.ok, report.failed) == (Phase.AFTER_RESTORE, True, (cache,))
    assert report.duration >= fine.duration + cache.duration
    assert fine.source == f"application ({__file__}:{nothing.__code__.co_firstlineno})"
    document = json.loads(json.dumps(report.to_dict()))
    assert document["ok"] is True
    assert [(each["hook"], each["outcome"], each["required"]) for each in document["hooks"]] == [
        ("fine", "ok", True),
        ("cache", "failed", False),
    ]
    assert document["hooks"][1]["error"] == "ConnectionError: connection refused"
    assert "error" not in document["hooks"][0]
    assert "rollback" not in document
    line = str(report)
    assert line.startswith("after_restore: 2 hooks in ")
    assert line.endswith("1 not ok: cache (optional) [failed] ConnectionError: connection refused")
    assert repr(report) == f"<PhaseReport {line}>"
    assert repr(cache).startswith("<HookResult cache: failed in ")


def test_a_hook_that_ended_well_is_optional_if_it_says_so() -> None:
    registry = Registry()
    registry.after_restore(required=False)(nothing)
    assert registry.run_after_restore().results[0].required is False


def test_a_rollback_is_part_of_the_report() -> None:
    registry = Registry()
    registry.before_snapshot(name="broken")(fail)
    registry.before_snapshot(name="closed")(nothing)
    registry.after_restore(name="closed")(nothing)
    with pytest.raises(HooksFailed) as caught:
        registry.run_before_snapshot(rollback=True)
    report = caught.value.report
    assert report.rollback is not None
    assert [result.hook.name for result in report.rollback.results] == ["closed"]
    document = report.to_dict()
    assert document["rollback"] == report.rollback.to_dict()
    assert "; rolled back: after_restore: 1 hook in " in str(report)


def test_the_log_line_carries_the_figures_as_fields(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "snapstart_hooks"):
        report = mixed().run_after_restore()
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.WARNING, str(report))
    fields = vars(record)["snapstart_hooks"]
    assert (fields["phase"], fields["ok"], fields["hooks"]) == ("after_restore", True, 2)
    assert [failed["hook"] for failed in fields["failed"]] == ["cache"]
    caplog.clear()
    with caplog.at_level(logging.ERROR, "snapstart_hooks"):
        mixed().run_after_restore()
    assert caplog.records == []


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("a\n b\tc"), "ValueError: a b c"),
        (ValueError(), "ValueError"),
        (KeyError("x"), "KeyError: 'x'"),
        (HookTimeout("late"), "HookTimeout: late"),
    ],
)
def test_an_error_is_one_line(error: Exception, text: str) -> None:
    assert error_text(error) == text


def test_a_list_is_shortened_so_that_each_is_named_as_long_as_there_is_room() -> None:
    assert shortened(["a", "b"]) == "a; b"
    assert shortened([]) == ""
    two = shortened(["x" * 3000, "y"])
    assert two.endswith("...; y")
    assert len(two) < 2100
    many = shortened([f"{number} " + "z" * 100 for number in range(100)])
    assert many.startswith("0 zzz")
    assert many.endswith(" more")
    assert len(many) < 2200


def test_what_an_observer_need_not_know_it_need_not_define() -> None:
    class Silent(HookObserver):
        pass

    registry = mixed()
    registry.add_observer(Silent())
    assert registry.run_after_restore().ok


def test_groups_of_errors_can_be_split_and_keep_what_they_are() -> None:
    one, other = ProviderError("one", provider="a"), ProviderError("other", provider="b")
    group = DiscoveryError("two cannot be used", [one, other])
    assert str(group) == "two cannot be used"
    matched, rest = group.split(lambda error: isinstance(error, ProviderError) and error.provider == "a")
    assert isinstance(matched, DiscoveryError)
    assert isinstance(rest, DiscoveryError)
    assert (matched.exceptions, rest.exceptions) == ((one,), (other,))
    assert isinstance(group, SnapstartHooksError)


def test_a_report_of_nothing() -> None:
    report = Registry().run_before_snapshot()
    assert isinstance(report, PhaseReport)
    assert (report.ok, report.results) == (True, ())
    assert str(report).startswith("before_snapshot: 0 hooks in ")
    assert {outcome.value for outcome in Outcome} == {"ok", "failed", "timed out", "not started"}


def test_a_long_text_is_cut_wherever_it_is_told(caplog: pytest.LogCaptureFixture) -> None:
    def shout() -> NoReturn:
        raise ValueError("x" * 1_000_000)

    registry = Registry()
    registry.after_restore(required=False)(shout)
    with caplog.at_level(logging.INFO, "snapstart_hooks"):
        report = registry.run_after_restore()
    assert len(json.dumps(report.to_dict())) < 4000
    assert len(str(report)) < 4000
    assert len(repr(vars(caplog.records[0])["snapstart_hooks"])) < 4000


def test_errors_survive_a_copy() -> None:
    registry = Registry()
    registry.after_restore(fail)
    with pytest.raises(HooksFailed) as caught:
        registry.run_after_restore()
    assert copy.copy(caught.value).report is caught.value.report
    declared = ProviderError("wrong", provider="a:b", distribution="a", version="1", entry_point="b", value="c")
    assert vars(pickle.loads(pickle.dumps(declared))) == vars(declared)  # noqa: S301 - our own
    cycle = pickle.loads(pickle.dumps(HookOrderError("round", ("a", "b", "a"))))  # noqa: S301
    assert (str(cycle), cycle.cycle) == ("round", ("a", "b", "a"))
