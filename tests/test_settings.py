"""The environment variables, and what is wrong with them."""

from __future__ import annotations

import pytest

from snapstart_hooks._settings import Settings
from snapstart_hooks.errors import SettingsError

SNAPSTART = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


def settings(**variables: str) -> Settings:
    return Settings({f"SNAPSTART_HOOKS_{name}": value for name, value in variables.items()})


def test_nothing_is_set_unless_it_is_set() -> None:
    nothing = settings()
    assert not any((nothing.disable.given, nothing.optional.given, nothing.required.given))
    assert nothing.allow is None
    assert (nothing.budget, nothing.init_budget, nothing.rollback) == (None, None, True)
    assert (nothing.audit, nothing.emf, nothing.otel) == ("", "", False)


def test_on_lambda_there_is_a_budget_under_snapstart_and_no_rollback() -> None:
    assert (Settings(SNAPSTART).budget, Settings(SNAPSTART).rollback) == (9.0, False)
    on_demand = Settings({"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"})
    assert (on_demand.budget, on_demand.rollback) == (None, False)
    assert Settings({**SNAPSTART, "SNAPSTART_HOOKS_ROLLBACK": "1"}).rollback


def test_lists_of_names() -> None:
    some = settings(DISABLE=" acme , other:pool,,", ALLOW="", OPTIONAL="a", REQUIRED="b")
    assert some.disable.given == ("acme", "other:pool")
    assert some.allow is not None  # set and empty: none may load
    assert some.allow.given == ()
    assert some.optional.given + some.required.given == ("a", "b")


@pytest.mark.parametrize(("given", "seconds"), [("2.5", 2.5), (" 3 ", 3.0), ("0", None), ("", None)])
def test_budgets_are_seconds(given: str, seconds: float | None) -> None:
    assert settings(BUDGET=given).budget == settings(INIT_BUDGET=given).init_budget == seconds


@pytest.mark.parametrize("wrong", ["ten", "-1", "nan", "inf"])
@pytest.mark.parametrize("variable", ["BUDGET", "INIT_BUDGET"])
def test_what_is_no_number_of_seconds_is_named(variable: str, wrong: str) -> None:
    with pytest.raises(SettingsError, match=f"SNAPSTART_HOOKS_{variable}='{wrong}': give a number of seconds up to "):
        settings(**{variable: wrong})


def test_what_is_named_twice_is_told_without_power_over_the_terminal() -> None:
    with pytest.raises(SettingsError, match=r"both name \\x1b$"):
        settings(OPTIONAL="\x1b", REQUIRED="\x1b")


@pytest.mark.parametrize(("given", "meant"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("off", False)])
def test_switches(given: str, *, meant: bool) -> None:
    assert settings(OTEL=given).otel is settings(ROLLBACK=given).rollback is meant


def test_what_is_no_switch_and_no_choice_is_named() -> None:
    with pytest.raises(SettingsError, match="SNAPSTART_HOOKS_OTEL='maybe': give 1 or 0"):
        settings(OTEL="maybe")
    with pytest.raises(SettingsError, match="SNAPSTART_HOOKS_AUDIT='loud': give warn, error or off"):
        settings(AUDIT="loud")
    assert settings(AUDIT=" Warn ").audit == "warn"
    assert settings(EMF=" Orders ").emf == "Orders"
