"""The client that plays the Runtime API's part, against the real one's contract."""

from __future__ import annotations

import contextlib
import inspect
import sys
from typing import TYPE_CHECKING

import pytest
from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import BaseLambdaRuntimeClient, LambdaRuntimeClient

from snapstart_hooks.testing._in_process import _logging
from snapstart_hooks.testing._inside.runtime.client import ScriptedClient, drive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from snapstart_hooks.testing._inside.runtime.moments import Moment


@pytest.fixture(autouse=True)
def _untouched() -> Iterator[None]:
    """What the runtime changes in a process is put back."""
    with _logging(), contextlib.redirect_stdout(sys.stdout), contextlib.redirect_stderr(sys.stderr):
        yield


def client(*events: str, reached: Callable[[Moment], object] = str, hooks: bool = True) -> ScriptedClient:
    return ScriptedClient(events, reached=reached, function_arn="arn", timeout=3, hooks=hooks)


@pytest.mark.parametrize("hooks", [True, False])
def test_moments_come_in_order(monkeypatch: pytest.MonkeyPatch, hooks: bool) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    seen: list[Moment] = []
    scripted = client('"event"', reached=seen.append, hooks=hooks)
    drive("testing.test_runtime_script.handler", scripted)
    assert seen == ["initialized", "snapshot", "ready", "asked", "answered"]
    assert scripted.record["invocations"][0]["body"] == '"event"'


def test_a_function_without_snapstart_has_no_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    seen: list[Moment] = []
    scripted = client("1", reached=seen.append)
    drive("testing.test_runtime_script.handler", scripted)
    assert seen == ["ready", "asked", "answered"]
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
