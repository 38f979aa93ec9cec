"""Whose failure counts: the hook's own word, and the environment's."""

from __future__ import annotations

import contextlib
import logging
from typing import NoReturn

import pytest

from snapstart_hooks import Registry
from snapstart_hooks.errors import HooksFailed, SettingsError


class Provider:
    """Ships one hook, which fails."""

    def __init__(self, *, required: bool) -> None:
        self.required = required

    def after_restore(self) -> NoReturn:
        raise RuntimeError("boom")


def failing(*, required: bool) -> Registry:
    registry = Registry()
    registry.include(Provider(required=required), name="acme:pool")
    return registry


def succeeds(registry: Registry) -> bool:
    with contextlib.suppress(HooksFailed):
        registry.run_after_restore()
    report = registry.last_report
    assert report is not None
    assert len(report.failed) == 1  # told, in any case
    return report.ok


@pytest.mark.parametrize(
    ("variable", "value", "required", "expected"),
    [
        (None, "", True, False),
        (None, "", False, True),
        ("SNAPSTART_HOOKS_OPTIONAL", "acme:pool", True, True),
        ("SNAPSTART_HOOKS_OPTIONAL", "other, acme:pool ,", True, True),
        ("SNAPSTART_HOOKS_OPTIONAL", "acme:other", True, False),
        ("SNAPSTART_HOOKS_OPTIONAL", "*", True, True),
        ("SNAPSTART_HOOKS_REQUIRED", "acme:pool", False, False),
        ("SNAPSTART_HOOKS_REQUIRED", "*", False, False),
        ("SNAPSTART_HOOKS_REQUIRED", "other", False, True),
    ],
)
def test_the_environment_overrides_what_the_hook_says(
    variable: str | None, value: str, monkeypatch: pytest.MonkeyPatch, *, required: bool, expected: bool
) -> None:
    if variable:
        monkeypatch.setenv(variable, value)
    assert succeeds(failing(required=required)) is expected


def test_a_name_beats_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_OPTIONAL", "*")
    monkeypatch.setenv("SNAPSTART_HOOKS_REQUIRED", "acme:pool")
    assert not succeeds(failing(required=False))
    monkeypatch.setenv("SNAPSTART_HOOKS_REQUIRED", "*")
    monkeypatch.setenv("SNAPSTART_HOOKS_OPTIONAL", "acme:pool")
    assert succeeds(failing(required=True))


def test_a_contradiction_is_an_error_before_any_hook_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_OPTIONAL", "acme:pool,b")
    monkeypatch.setenv("SNAPSTART_HOOKS_REQUIRED", "acme:pool")
    registry, ran = failing(required=True), list[str]()
    registry.register_before_snapshot(ran.append, "ran")
    with pytest.raises(SettingsError, match="both name acme:pool"):
        registry.run_before_snapshot()
    assert ran == []


def test_a_name_that_no_hook_bears_is_told_before_the_snapshot(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SNAPSTART_HOOKS_OPTIONAL", "acme:pool,acme:pol,*")
    registry = failing(required=True)
    registry.run_before_snapshot()
    (warned,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warned.endswith("names no hook or provider: acme:pol")
