"""Every hook runs exactly once, whenever and however often we are imported, whatever becomes of AWS's lists."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from runtime.function import run, write

import snapstart_hooks

if TYPE_CHECKING:
    from runtime.function import Run

AWS = """
    from snapshot_restore_py import register_after_restore, register_before_snapshot
    for name in ("one", "two"):
        register_before_snapshot(print, name)
        register_after_restore(print, name)
    def handler(event, context): ...
"""
OURS = """
    import snapstart_hooks
    snapstart_hooks.register_before_snapshot(print, "ours")
    snapstart_hooks.register_after_restore(print, "ours")
"""


def ran_once(ran: Run, before: set[str], after: set[str]) -> None:
    assert ran.exit_code is None, ran.stderr
    assert sorted(ran.before_snapshot) == sorted(before), ran.stderr
    assert sorted(ran.after_restore) == sorted(after), ran.stderr


def test_a_hook_of_aws_imports_us_first_before_the_snapshot(tmp_path: Path) -> None:
    source = AWS + "    def late():\n        import ours\n    register_before_snapshot(late)\n"
    app = write(tmp_path, source)
    write(tmp_path, OURS, "ours.py")
    ran_once(run(app), {"one", "two", "ours"}, {"one", "two", "ours"})


@pytest.mark.parametrize("place", ["first", "last"])
def test_a_hook_of_aws_imports_us_first_after_a_restore(tmp_path: Path, place: str) -> None:
    late = "    def late():\n        import ours\n    register_after_restore(late)\n"
    app = write(tmp_path, AWS + late if place == "last" else AWS.replace("    for", f"{late}    for", 1))
    write(tmp_path, OURS + "    from snapshot_restore_py import register_after_restore\n", "ours.py")
    ran = run(app)
    ran_once(ran, {"one", "two"}, {"one", "two", "ours"})
    assert "after the snapshot" in str(ran.log)


@pytest.mark.parametrize("vendored", [True, False])
def test_two_copies_run_all_once_and_say_so(tmp_path: Path, acme: Path, *, vendored: bool) -> None:
    place = tmp_path / "vendored"
    if vendored:
        shutil.copytree(Path(snapstart_hooks.__file__).parent, place / "snapstart_hooks")
    app = write(
        tmp_path,
        f"""
        import sys
        import acme_driver
        import snapstart_hooks as first
        for name in [name for name in sys.modules if name.partition(".")[0] == "snapstart_hooks"]:
            del sys.modules[name]
        sys.path.insert(0, {str(place)!r})
        import snapstart_hooks as second
        assert first is not second
        for name, copy in ("first", first), ("second", second):
            copy.register_before_snapshot(print, name)
            copy.register_after_restore(print, name)
        def handler(event, context): ...
        """,
    )
    ran = run(app, layers=[acme], counted=vendored)  # that copy is no source of ours
    library = ({"spans flushed", "pool closed"}, {"span ids reseeded", "pool opened"})
    ran_once(ran, {"first", "second"} | library[0], {"first", "second"} | library[1])
    assert "several copies of snapstart_hooks are in this process" in str(ran.log)


@pytest.mark.parametrize(
    "drop",
    [
        "aws.get_before_snapshot().clear(); aws.get_after_restore().clear()",
        "aws._before_snapshot_registry = []; aws._after_restore_registry = []",
        "importlib.reload(aws)",
    ],
)
def test_what_is_dropped_from_aws_lists_is_put_there_again(tmp_path: Path, drop: str) -> None:
    imports = "    import importlib\n    import snapshot_restore_py as aws\n"
    source = f"{imports}{OURS}    {drop}\n    def handler(event, context): ...\n"
    ran = run(write(tmp_path, source))
    ran_once(ran, {"ours"}, {"ours"})
    assert "has been removed from the before_snapshot list" in str(ran.log)


def test_aws_package_may_be_imported_anew_before_the_last_registration(tmp_path: Path) -> None:
    anew = "    import sys\n    import snapshot_restore_py\n    del sys.modules['snapshot_restore_py']\n"
    source = f"    import snapstart_hooks\n{anew}{OURS}    def handler(event, context): ...\n"
    ran_once(run(write(tmp_path, source)), {"ours"}, {"ours"})


def test_a_hook_may_empty_the_other_list(tmp_path: Path) -> None:
    source = OURS + (
        "    import snapshot_restore_py\n"
        "    snapstart_hooks.register_before_snapshot(snapshot_restore_py.get_after_restore().clear)\n"
        "    def handler(event, context): ...\n"
    )
    ran_once(run(write(tmp_path, source)), {"ours"}, {"ours"})


def test_what_is_no_hook_in_aws_list_is_named(tmp_path: Path) -> None:
    spoil = "    import snapshot_restore_py\n    snapshot_restore_py.get_after_restore().append(7)\n"
    source = f"{OURS}{spoil}    def handler(event, context): ...\n"
    ran = run(write(tmp_path, source))
    assert ran.exit_code == 64
    assert "an entry in the after_restore list of snapshot_restore_py is not (func, args, kwargs): 7" in str(ran.error)
