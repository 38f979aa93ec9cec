"""``audit``: what the snapshot of a function would contain and should not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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


def test_a_hook_of_a_library_closes_nothing_that_it_would_not_close_on_lambda(tmp_path: Path) -> None:
    source = """\
import logging.handlers, os, socket
server = socket.create_server(("127.0.0.1", 0))
handler = logging.handlers.SocketHandler(*server.getsockname())
handler.createSocket()
accepted, _ = server.accept()
if not os.fork():  # the peer is another process
    handler.close()
    os._exit(len(accepted.recv(1)))
accepted.close()
def lambda_handler(event, context): ...
"""
    for name, imported in (("connected", "import snapstart_hooks\n"), ("not_connected", "")):
        (tmp_path / f"{name}.py").write_text(imported + source, encoding="utf-8")
        arguments = "audit", f"{name}.lambda_handler", "--path", str(tmp_path), "--json"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SNAPSTART_")}
        program = [sys.executable, "-m", "snapstart_hooks", *arguments]
        done = subprocess.run(program, env=environment, capture_output=True, check=False, text=True)
        document = json.loads(done.stdout)
        assert document["connected"] is bool(imported)
        open_still = [each["what"] for each in document["findings"] if each["kind"] == "connection"]
        assert len(open_still) == (not imported)


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
