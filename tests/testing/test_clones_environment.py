"""The environment of a function under SnapStart, and its credentials."""

from __future__ import annotations

import platform
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from testing.clone_helpers import namespace_only, write_function

from snapstart_hooks.testing import clones
from snapstart_hooks.testing._credentials import CredentialsEndpoint

if TYPE_CHECKING:
    from pathlib import Path

LOOK = """\
    import os
    before = dict(os.environ)
    def handler(event, context):
        return {"before": before, "after": dict(os.environ), "name": context.function_name,
                "version": context.function_version, "memory": context.memory_limit_in_mb,
                "arn": context.invoked_function_arn, "log": context.log_stream_name, "cwd": os.getcwd()}
"""


@pytest.fixture(autouse=True)
def _namespace() -> None:
    namespace_only()


def test_it_is_lambda_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIADEVELOPER")
    monkeypatch.setenv("AWS_PROFILE", "developer")
    monkeypatch.setenv("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    write_function(tmp_path, LOOK, "orders")
    (seen,) = clones(1, "orders.handler", task_root=tmp_path).responses
    env = seen["before"]
    assert env["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start"
    assert env["AWS_EXECUTION_ENV"] == "AWS_Lambda_python" + ".".join(platform.python_version_tuple()[:2])
    assert env["_HANDLER"] == "orders.handler"
    assert env["LAMBDA_TASK_ROOT"] == seen["cwd"] == str(tmp_path)
    assert env["TZ"] == ":UTC"
    assert not env.keys() & {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"}
    assert not env.keys() & {"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_LOG_GROUP_NAME"}
    assert env["AWS_CONTAINER_CREDENTIALS_FULL_URI"].endswith("/2021-04-23/credentials")
    assert (seen["name"], seen["version"], seen["memory"], seen["log"]) == ("orders", "1", "512", None)
    assert seen["arn"] == "arn:aws:lambda:eu-central-1:123456789012:function:orders:1"


def test_changes_before_and_at_the_restore(tmp_path: Path) -> None:
    write_function(tmp_path, LOOK)
    (seen,) = clones(
        1,
        "app.handler",
        task_root=tmp_path,
        environment={"STAGE": "init", "AWS_LAMBDA_FUNCTION_NAME": "mine", "TZ": None, "GOES": "soon"},
        restored_environment={"STAGE": "restored", "GOES": None},
    ).responses
    assert (seen["before"]["STAGE"], seen["after"]["STAGE"]) == ("init", "restored")
    assert "TZ" not in seen["before"]
    assert seen["before"]["GOES"] == "soon"
    assert "GOES" not in seen["after"]
    assert seen["name"] == "mine"


CREDENTIALS = """\
    import datetime as dt, json, os, urllib.request
    def credentials(token=None):
        request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
        request.add_header("Authorization", token or os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
        try:
            with urllib.request.urlopen(request) as answer:
                got = json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code
        ends = dt.datetime.fromisoformat(got["Expiration"])
        got["minutes"] = (ends - dt.datetime.now(dt.timezone.utc)).total_seconds() / 60
        return got
    before = credentials()
    def handler(event, context):
        return {"before": before, "after": credentials(), "wrong": credentials("x")}
"""


def test_every_clone_has_credentials_of_its_own(tmp_path: Path) -> None:
    write_function(tmp_path, CREDENTIALS)
    first, second = clones(2, "app.handler", task_root=tmp_path, elapsed=6 * 3600).responses
    assert first["before"] == second["before"]
    assert first["before"]["AccessKeyId"] == "ASIALOCALSNAP000INIT"
    assert {first["after"]["AccessKeyId"], second["after"]["AccessKeyId"]} == {
        "ASIALOCALSNAP0CLONE0",
        "ASIALOCALSNAP0CLONE1",
    }
    assert first["after"]["SecretAccessKey"] != second["after"]["SecretAccessKey"]
    for response in (first, second):  # valid for an hour on the clock of whoever asks
        assert 59 < response["before"]["minutes"] < 61
        assert 59 < response["after"]["minutes"] < 61
        assert response["wrong"] == 403


def test_credentials_of_the_caller_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIADEVELOPER")
    write_function(tmp_path, LOOK)
    (seen,) = clones(1, "app.handler", task_root=tmp_path, credentials="inherit").responses
    assert seen["after"]["AWS_ACCESS_KEY_ID"] == "AKIADEVELOPER"
    assert "AWS_CONTAINER_CREDENTIALS_FULL_URI" not in seen["after"]


def test_a_handler_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    write_function(tmp_path / "src", "def handler(e, c): return c.function_name")
    assert clones(1, "src/app.handler", task_root=tmp_path).responses == ["app"]


def test_log_format_and_level_are_the_runtime_s(tmp_path: Path) -> None:
    write_function(tmp_path, "import logging\ndef handler(e, c): logging.info('told %s', 1)")
    (clone,) = clones(
        1,
        "app.handler",
        task_root=tmp_path,
        environment={"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"},
    ).clones
    assert '"message": "told 1"' in clone.stdout
    assert clone.invocations[0].request_id in clone.stdout


def test_who_ends_while_it_asks_for_credentials_is_no_error() -> None:
    """Else a thread would fail in whatever test runs then: here that is an error."""
    with CredentialsEndpoint() as endpoint:
        address = urlsplit(endpoint.uri)
        assert address.hostname is not None
        for _ in range(20):
            with socket.create_connection((address.hostname, address.port or 0)) as asking:
                asking.sendall(f"GET {address.path} HTTP/1.0\r\n".encode())
                reset = struct.pack("ii", 1, 0)  # as where it is killed
                asking.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        deadline = time.monotonic() + 60
        while any("_answer" in each.name for each in threading.enumerate()) and time.monotonic() < deadline:
            time.sleep(0.01)
