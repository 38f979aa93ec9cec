"""What Lambda and its user are told when hooks fail: exit codes, error types, messages, stack traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from runtime.function import Run, run, write
from runtime.installing import install_module

if TYPE_CHECKING:
    from pathlib import Path


def of_hooks(error: str, folder: Path, decorator: str = "after_restore") -> Run:
    """Run a function with a hook that fails in this way, and one that does not."""
    app = f"""
        from snapstart_hooks import after_restore, before_snapshot

        @{decorator}
        def failing():
            {error}

        @{decorator}
        def other():
            print("other")

        def handler(event, context): ...
    """
    return run(write(folder, app))


@pytest.mark.parametrize(
    ("decorator", "exit_code", "paths", "error_type"),
    [
        ("before_snapshot", 64, ["init/error"], "Runtime.BeforeSnapshotError"),
        ("after_restore", 65, ["restore/next", "restore/error"], "Runtime.AfterRestoreError"),
    ],
)
def test_a_failing_hook_fails_the_phase(
    tmp_path: Path, decorator: str, exit_code: int, paths: list[str], error_type: str
) -> None:
    ran = of_hooks('raise OSError("no route")', tmp_path, decorator)
    assert (ran.exit_code, ran.paths) == (exit_code, paths)
    assert ran.requests[-1].error_type == error_type
    assert ran.error["errorType"] == "HooksFailed"
    assert (
        ran.error["errorMessage"]
        == f"{decorator}: 1 of 2 hooks failed: app.failing ({tmp_path}/app.py:4): OSError: no route"
    )
    assert "other" in (ran.before_snapshot if exit_code == 64 else ran.after_restore)
    runtime, dispatcher, hook = ran.error["stackTrace"]
    assert "lambda_runtime_hooks_runner.py" in runtime
    assert "runtime/awslambdaric.py" in dispatcher
    assert hook.startswith(f'  File "{tmp_path}/app.py", line 6, in failing\n    raise OSError("no route")')


def test_every_failure_of_every_origin_is_named_and_the_first_is_traced(tmp_path: Path) -> None:
    driver = """
async def after_restore():
    raise PermissionError("access denied for user 'orders'")
"""
    layer = install_module(tmp_path, "acme-database", driver, pool="acme_database")
    app = """
        import snapshot_restore_py
        from snapstart_hooks import after_restore

        @snapshot_restore_py.register_after_restore
        def others():
            raise KeyError("TOKEN")

        @after_restore(name="orders.cache")
        async def refresh():
            raise ExceptionGroup("2 of 3 shards", [OSError("one"), OSError("two")])

        @after_restore(required=False, name="optional")
        def optional():
            raise ValueError("not told as an error")

        def handler(event, context): ...
    """
    ran = run(write(tmp_path, app), layers=[layer])
    assert ran.exit_code == 65
    assert ran.error["errorMessage"] == (
        "after_restore: 3 of 4 hooks failed: "
        f"acme-database:pool 1.0 ({layer}/acme_database.py:2): PermissionError: access denied for user 'orders'; "
        f"app.others ({tmp_path}/app.py:5): KeyError: 'TOKEN'; "
        f"orders.cache ({tmp_path}/app.py:9): ExceptionGroup: 2 of 3 shards (2 sub-exceptions)"
    )
    assert "acme_database.py" in ran.error["stackTrace"][-1]
    assert "optional (optional) [failed] ValueError: not told as an error" in ran.log[1]


def test_what_is_told_of_a_thousand_failures_stays_short(tmp_path: Path) -> None:
    app = """
        from snapstart_hooks import register_after_restore

        def failing(number):
            raise OSError("x" * 10_000)

        for number in range(1000):
            register_after_restore(failing, number)

        def handler(event, context): ...
    """
    ran = run(write(tmp_path, app))
    assert ran.error["errorMessage"].startswith("after_restore: 1000 of 1000 hooks failed: app.failing (")
    assert len(ran.error["errorMessage"]) < 2500


@pytest.mark.parametrize(
    ("decorator", "exit_code", "leaving"),
    [
        ("before_snapshot", 64, "raise SystemExit(0)"),
        ("after_restore", 65, "import sys; sys.exit()"),
        ("after_restore", 65, "raise GeneratorExit"),
    ],
)
def test_a_hook_that_wants_to_end_the_process_fails_like_any_other(
    tmp_path: Path, decorator: str, exit_code: int, leaving: str
) -> None:
    ran = of_hooks(leaving, tmp_path, decorator)
    assert ran.exit_code == exit_code
    assert "other" in (ran.before_snapshot if exit_code == 64 else ran.after_restore)
    assert ran.error["errorType"] == "HooksFailed"
    assert f"app.failing ({tmp_path}/app.py:4): HookExited: it raised " in ran.error["errorMessage"]
    assert "app.py" in ran.error["stackTrace"][-1]


def test_hooks_of_libraries_that_cannot_be_used_fail_the_publication(tmp_path: Path) -> None:
    for folder in ("one", "two", "three"):
        (tmp_path / folder).mkdir()
    one = install_module(tmp_path / "one", "acme-a", "import no_such_module", pool="acme_a")
    two = install_module(tmp_path / "two", "acme-b", "before_snapshot = 7", hooks="acme_b", other="acme_b:nothing")
    good = install_module(tmp_path / "three", "acme-c", "def before_snapshot(): print('c')", hooks="acme_c")
    app = """
        from snapstart_hooks import before_snapshot

        @before_snapshot
        def before():
            print("before")

        def handler(event, context): ...
    """
    ran = run(write(tmp_path, app), layers=[one, two, good])
    assert (ran.exit_code, ran.paths) == (64, ["init/error"])
    assert ran.requests[0].error_type == "Runtime.BeforeSnapshotError"
    assert ran.before_snapshot == []
    assert ran.error["errorType"] == "DiscoveryError"
    message = ran.error["errorMessage"]
    assert message.startswith("3 installed providers of hooks cannot be used: ")
    for told in (
        "acme-a:pool (acme-a 1.0, entry point 'pool' = 'acme_a'): loading it raised ModuleNotFoundError: No module",
        "acme-b:hooks (acme-b 1.0, entry point 'hooks' = 'acme_b'): ",
        "acme-b:other (acme-b 1.0, entry point 'other' = 'acme_b:nothing'): loading it raised AttributeError",
    ):
        assert told in message
    assert "import no_such_module" in ran.error["stackTrace"][-1]


def test_a_library_without_hooks_where_it_declares_them_is_told_without_a_foreign_trace(tmp_path: Path) -> None:
    layer = install_module(tmp_path, "acme-a", "", hooks="acme_a")
    ran = run(write(tmp_path, "import snapstart_hooks\ndef handler(event, context): ..."), layers=[layer])
    assert ran.exit_code == 64
    assert "module 'acme_a' has neither `before_snapshot` nor `after_restore`" in ran.error["errorMessage"]
    assert "registry.discover()" in "".join(ran.error["stackTrace"])


def test_a_library_can_be_left_out_without_code(tmp_path: Path) -> None:
    layer = install_module(tmp_path, "acme-a", "raise SystemExit('imported')", hooks="acme_a")
    app = write(tmp_path, "import snapstart_hooks\ndef handler(event, context): ...")
    assert "HookExited" not in run(app, layers=[layer]).error["errorMessage"]
    ran = run(app, layers=[layer], environment={"SNAPSTART_HOOKS_DISABLE": "acme-a,snapstart-hooks"})
    assert ran.exit_code is None
    assert "[INFO]" in ran.log[0]
    assert "hooks left out: acme-a:hooks, snapstart-hooks:" in ran.log[0]
    assert ran.log[0].endswith(": disabled")


def test_hooks_that_wait_for_each_other_fail_the_publication(tmp_path: Path) -> None:
    app = """
        from snapstart_hooks import after_restore

        @after_restore(name="cache", after=("database",))
        def cache(): ...

        @after_restore(name="database", after=("cache",))
        def database(): ...

        def handler(event, context): ...
    """
    ran = run(write(tmp_path, app))
    assert (ran.exit_code, ran.paths) == (64, ["init/error"])
    assert ran.error["errorType"] == "HookOrderError"
    for name in ("cache", "database"):
        assert f"{name} (" in ran.error["errorMessage"]


def test_a_setting_that_cannot_be_understood_fails_the_publication(tmp_path: Path) -> None:
    app = write(tmp_path, "import snapstart_hooks\ndef handler(event, context): ...")
    ran = run(app, environment={"SNAPSTART_HOOKS_BUDGET": "soon"})
    assert (ran.exit_code, ran.paths) == (64, ["init/error"])
    assert ran.error["errorType"] == "SettingsError"
    assert (
        ran.error["errorMessage"]
        == "SNAPSTART_HOOKS_BUDGET='soon': give a number of seconds up to 9223372036, or 0 for no limit"
    )


def test_in_the_json_format_the_error_is_one_entry_that_names_the_hooks(tmp_path: Path) -> None:
    app = """
        from snapstart_hooks import after_restore

        @after_restore
        def failing():
            raise OSError("no route")

        def handler(event, context): ...
    """
    ran = run(write(tmp_path, app), environment={"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"})
    ours, runtimes = ran.log[-2:]
    assert '"level": "ERROR"' in ours
    assert '"error": "OSError: no route"' in ours
    assert '"errorType": "HooksFailed"' in runtimes
    assert "app.failing (" in runtimes


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("OSError('接続できません')", "OSError: \\u63a5\\u7d9a\\u3067\\u304d\\u307e\\u305b\\u3093"),
        ("OSError('nicht verfügbar')", "OSError: nicht verf\\xfcgbar"),
        ("OSError('no \\N{EM DASH}')  # ascii", "OSError: no \\u2014"),
    ],
)
def test_text_that_is_not_ascii_reaches_lambda_nevertheless(tmp_path: Path, error: str, told: str) -> None:
    """With Python 3.12 and newer, the runtime alone would end without a word, or send what is no UTF-8."""
    ran = of_hooks(f"raise {error}", tmp_path)
    assert ran.exit_code == 65
    assert ran.error["errorMessage"].endswith(told)
    assert len(ran.error["stackTrace"]) == (3 if error.isascii() else 2)
    assert f"raise {error}" in ran.printed.decode().replace("\xa0", " ")


def test_an_error_of_one_piece_that_is_not_ascii_reaches_lambda_too(tmp_path: Path) -> None:
    app = """
        from snapstart_hooks import after_restore

        @after_restore(name="café", after=("café", "bar"))
        def cafe(): ...

        @after_restore(name="bar", after=("café",))
        def bar(): ...

        def handler(event, context): ...
    """
    ran = run(write(tmp_path, app))
    assert ran.error["errorType"] == "HookOrderError"
    assert "caf\\xe9 (" in ran.error["errorMessage"]
