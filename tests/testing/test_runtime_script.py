"""The client that plays the Runtime API's part, against the real one's contract."""

from __future__ import annotations

import inspect

import pytest
from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import BaseLambdaRuntimeClient, LambdaRuntimeClient
from typing_extensions import override

from snapstart_hooks.testing._inside.runtime.client import ScriptedClient, drive
from snapstart_hooks.testing._inside.runtime.moments import Moments


class Noting(Moments):
    def __init__(self) -> None:
        self.seen: list[str] = []

    @override
    def initialized(self) -> None:
        self.seen.append("initialized")

    @override
    def snapshot(self) -> None:
        self.seen.append("snapshot")

    @override
    def ready(self) -> None:
        self.seen.append("ready")


def client(*events: str, moments: Moments | None = None, hooks: bool = True) -> ScriptedClient:
    return ScriptedClient(events, moments=moments or Moments(), function_arn="arn", timeout=3, hooks=hooks)


@pytest.mark.parametrize("hooks", [True, False])
def test_moments_come_in_order(monkeypatch: pytest.MonkeyPatch, hooks: bool) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    told = Noting()
    scripted = client('"event"', moments=told, hooks=hooks)
    drive("testing.test_runtime_script.handler", scripted)
    assert told.seen == ["initialized", "snapshot", "ready"]
    assert scripted.record["invocations"][0]["body"] == '"event"'


def test_a_function_without_snapstart_has_no_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    told = Noting()
    scripted = client("1", moments=told)
    drive("testing.test_runtime_script.handler", scripted)
    assert told.seen == ["ready"]
    assert scripted.record["before_seconds"] is None
    assert scripted.record["init_seconds"] is not None


def handler(event: object, context: object) -> object:
    return event


def test_all_that_the_runtime_asks_of_a_client_is_overridden() -> None:
    asked = {
        name
        for name, function in inspect.getmembers(LambdaRuntimeClient, inspect.isfunction)
        if not name.startswith("_") and not name.startswith("handle_")
    }
    assert asked <= set(vars(ScriptedClient))
    for name in asked - {"call_rapid"}:
        real = list(inspect.signature(getattr(BaseLambdaRuntimeClient, name)).parameters)
        assert list(inspect.signature(getattr(ScriptedClient, name)).parameters) == real


def test_what_nobody_planned_for_is_said() -> None:
    with pytest.raises(NotImplementedError, match="/2018-06-01/something/new"):
        client().call_rapid("GET", "/2018-06-01/something/new", 200)


def test_the_runtime_s_own_function_is_put_back() -> None:
    original = bootstrap.on_init_complete
    drive("no.such.handler", client())
    assert bootstrap.on_init_complete is original
