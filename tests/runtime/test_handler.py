"""A handler that stands in for the function's own, which needs no change."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

import pytest
from runtime.function import Run, run, write
from snapshot_restore_py import get_after_restore, get_before_snapshot

from snapstart_hooks.errors import HandlerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

UNCHANGED = """
    from snapshot_restore_py import register_after_restore, register_before_snapshot

    register_before_snapshot(print, "one")
    register_after_restore(print, "one")
    register_before_snapshot(print, "two")
    register_after_restore(print, "two")

    def handler(event, context):
        return {"event": event, "function": context.function_name}
"""


def redirected(folder: Path, handler: str | None = "app.handler", **options: str) -> Run:
    """Run a function whose configuration names our handler, and its own in a variable."""
    return run(
        folder,
        handler="snapstart_hooks.runtime.handler.lambda_handler",
        environment={} if handler is None else {"SNAPSTART_HOOKS_HANDLER": handler},
        initialization=options.get("initialization", "snap-start"),
    )


@pytest.mark.parametrize(
    ("file", "handler"),
    [
        ("app.py", "app.handler"),
        ("app.py", " app.handler\n"),
        ("shop/orders/app.py", "shop.orders.app.handler"),
        ("shop/orders/app.py", "shop/orders/app.handler"),
        ("my-shop/app.py", "my-shop/app.handler"),
    ],
)
def test_a_function_that_does_not_know_us_runs_all_of_its_hooks_through_us(
    tmp_path: Path, file: str, handler: str
) -> None:
    ran = redirected(write(tmp_path, UNCHANGED, file), handler)
    assert ran.responses == [{"event": {}, "function": "orders"}]
    assert ran.before_snapshot == ["two", "one"]
    assert ran.after_restore == ["one", "two"]
    (before,) = ran.log
    assert "before_snapshot: 2 hooks in " in before  # none lies behind the dispatcher


def test_hooks_for_aws_keep_their_place_behind_the_last_of_ours(tmp_path: Path) -> None:
    app = """
        import snapshot_restore_py
        import snapstart_hooks

        snapstart_hooks.before_snapshot(priority=100)(lambda: print("warm-up"))
        snapstart_hooks.register_before_snapshot(print, "ours")
        snapshot_restore_py.register_before_snapshot(print, "AWS's")

        def handler(event, context): ...
    """
    assert redirected(write(tmp_path, app)).before_snapshot == ["warm-up", "AWS's", "ours"]


def test_without_snapstart_the_functions_own_handler_answers(tmp_path: Path) -> None:
    ran = redirected(write(tmp_path, UNCHANGED), initialization="on-demand")
    assert ran.responses == [{"event": {}, "function": "orders"}]
    assert ran.printed == b""


# What names no handler.


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], object]]:
    """`snapstart_hooks.runtime.handler.load`, where `app` and nothing else can be imported as a function's code."""
    write(tmp_path, UNCHANGED + "\n    SETTING = 7")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SNAPSTART_HOOKS_HANDLER", "json.loads")  # what its own import asks for
    handler = import_module("snapstart_hooks.runtime.handler")
    lists = get_before_snapshot(), get_after_restore()
    registered = [list(entries) for entries in lists]
    yield handler.load
    for entries, before in zip(lists, registered, strict=True):
        entries[:] = before  # what the sample has put there
    for name in ("app", handler.__name__):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("handler", "why"),
    [
        ("", "it is not set"),
        ("handler", "it is no handler"),
        ("app.", "it is no handler"),
        (".app.handler", "it is no handler"),
        ("shop//app.handler", "it is no handler"),
        ("ap.handler", "there is no module 'ap'"),
        ("shop.app.handler", "there is no module 'shop'"),
        ("email/shop.handler", "there is no module 'email.shop'"),
        ("app.handle", "the module 'app' has no function 'handle'"),
        ("app.SETTING", "the module 'app' has no function 'SETTING'"),
        ("snapstart_hooks.runtime.handler.lambda_handler", "this is the handler that stands in for it"),
        ("snapstart_hooks/runtime/handler.load", "this is the handler that stands in for it"),
    ],
)
def test_what_names_no_handler_is_refused(load: Callable[[str], object], handler: str, why: str) -> None:
    with pytest.raises(HandlerError) as caught:
        load(handler)
    advice = "Give the function's own handler, such as app.lambda_handler."
    assert str(caught.value) == f"SNAPSTART_HOOKS_HANDLER={handler!r}: {why}. {advice}"


def test_a_missing_variable_is_told_as_the_runtime_tells_a_missing_module(tmp_path: Path) -> None:
    ran = redirected(write(tmp_path, UNCHANGED), handler=None)
    assert (ran.exit_code, ran.paths) == (1, ["init/error"])
    assert ran.requests[0].error_type == "Runtime.ImportModuleError"
    assert ran.error["errorMessage"] == (
        "Unable to import module 'snapstart_hooks.runtime.handler': SNAPSTART_HOOKS_HANDLER='': it is not set. "
        "Give the function's own handler, such as app.lambda_handler."
    )


@pytest.mark.parametrize(
    ("source", "error", "told"),
    [
        ("import no_such_module", ModuleNotFoundError, "No module named 'no_such_module'"),
        ("import email.no_such_module", ModuleNotFoundError, "No module named 'email.no_such_module'"),
        ("raise ModuleNotFoundError('said so')", ModuleNotFoundError, "said so"),
        ("from email import nothing", ImportError, "cannot import name 'nothing' from 'email'"),
        ("1 / 0", ZeroDivisionError, "division by zero"),
    ],
)
def test_what_the_functions_own_import_raises_is_not_changed(
    load: Callable[[str], object], tmp_path: Path, source: str, error: type[Exception], told: str
) -> None:
    write(tmp_path, source)
    with pytest.raises(error, match=told) as caught:
        load("app.handler")
    assert not isinstance(caught.value, HandlerError)


def test_a_syntax_error_of_the_function_is_told_with_its_place(tmp_path: Path) -> None:
    ran = redirected(write(tmp_path, "\n\ndef"))
    assert (ran.exit_code, ran.paths) == (1, ["init/error"])
    assert ran.requests[0].error_type == "Runtime.UserCodeSyntaxError"
    assert f'"{tmp_path}/app.py" Line 3' in ran.error["stackTrace"][0]
