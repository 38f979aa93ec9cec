"""``audit``: what the snapshot of a function would contain and should not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cli.samples import command, items, write

from snapstart_hooks.cli import _errors

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """\
    import subprocess
    from snapstart_hooks import before_snapshot

    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)

    @before_snapshot
    def stop():
        child.communicate()

    def lambda_handler(event, context): raise AssertionError("is not called")
"""


def test_what_hooks_do_not_tear_down_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, SOURCE)
    arguments = "audit", "app.lambda_handler", "--path", tmp_path
    done = command(capsys, *arguments, "--without-hooks", "--json")
    assert (done.code, done.document["ok"], done.document["error"]) == (_errors.HAZARDS, False, None)
    (finding,) = items(done.document["findings"])
    assert finding["kind"] == "child"
    assert str(finding["what"]).endswith("(cat)")
    done = command(capsys, *arguments, "--without-hooks")
    assert done.out.startswith("app.lambda_handler: 1 finding\nchild process ")
    done = command(capsys, *arguments)
    assert (done.code, done.out) == (_errors.OK, "app.lambda_handler: nothing that should not be there\n")


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("1/0", _errors.INIT),
        (
            "import snapstart_hooks\n@snapstart_hooks.before_snapshot\ndef f(): 1/0\ndef lambda_handler(e, c): ...",
            _errors.BEFORE_SNAPSHOT,
        ),
        ("import sys\nsys.exit('division by zero')", _errors.INIT),
        (
            "from snapstart_hooks import *\n@before_snapshot\ndef f(): raise KeyboardInterrupt\nlambda_handler = print",
            _errors.INTERRUPTED,
        ),
    ],
)
def test_a_function_that_does_not_get_so_far(
    source: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, source)
    done = command(capsys, "audit", "app.lambda_handler", "--path", tmp_path)
    assert done.code == code
    assert "nothing that should not be there" not in done.out
    assert "division by zero" in done.out + done.err or code == _errors.INTERRUPTED
