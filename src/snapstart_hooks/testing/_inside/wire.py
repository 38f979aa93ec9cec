"""What the processes of a run send each other: one JSON object on a line.

Nothing is unpickled.  The shapes are in `Plan`, which goes in, and in the other typed
dictionaries, which come out.
"""

from __future__ import annotations

import json
import os
from typing import Final, Literal, TypeAlias, TypedDict, cast

__all__ = (
    "FAULT",
    "UNRESTORED",
    "CloneRecord",
    "EndMessage",
    "ErrorRecord",
    "InitFailedMessage",
    "InvocationRecord",
    "Json",
    "Message",
    "Method",
    "Plan",
    "Reference",
    "RuntimeRecord",
    "SnapshotMessage",
    "decode",
    "encode",
    "send",
)

Json: TypeAlias = dict[str, object]
"""A JSON object."""

UNRESTORED: Final = "CRIU cannot restore the function: "
"""What a clone that CRIU could not make writes to its stderr, before the reason."""

FAULT: Final = "LocalSnapStart.CloneError"
"""The kind of an error that is ours, and not the function's."""

Method: TypeAlias = Literal["criu", "namespace", "fork"]


class Reference(TypedDict):
    """A function that another process can find: by name, else by the file it is in."""

    module: str
    qualname: str
    file: str | None


class Plan(TypedDict):
    """All that the zygote needs to know.

    Attributes:
        method: How clones are made.
        handler: The Lambda handler string.
        init: What to call before the snapshot, and ``probe`` what to call in each clone,
            if a plain function is cloned instead of a handler.
        events: The JSON text of each event that every clone is given, in this order.
        count: How many clones; none for a start that is never restored, which goes on itself.
        parallel: How many of them run at the same time.
        timeout: Seconds for each of them, from its resume to its end.
        elapsed: Seconds by which the wall clock of each clone has moved.
        moved: Seconds by which it has moved from the start on.
        dead_connections: ``reset``, ``blackhole``, or ``None`` to leave them.
        hooks: Whether hooks are run.
        environment: What changes in the environment at the restore, for each clone;
            ``None`` unsets.
        path: Where modules are found.
        function_arn: The ARN in the context of an invocation.
        instruments: The names, ``module:attribute``, of what watches from inside.
        criu: The command, for the method of that name, and ``images`` the folder for what it writes.
        notes: What is weaker in this run than it should be, as far as is known.
    """

    method: Method
    handler: str
    init: Reference | None
    probe: Reference | None
    events: list[str]
    count: int
    parallel: int
    timeout: float
    elapsed: list[float]
    moved: float
    dead_connections: Literal["reset", "blackhole"] | None
    hooks: bool
    environment: list[dict[str, str | None]]
    path: list[str]
    function_arn: str
    instruments: list[str]
    criu: list[str]
    images: str
    notes: list[str]


class ErrorRecord(TypedDict):
    """An error as the runtime would have sent it to Lambda.

    Attributes:
        kind: The category, such as ``Runtime.AfterRestoreError``.
        body: The JSON body: ``errorMessage``, ``errorType``, ``stackTrace``.
    """

    kind: str
    body: Json


class InvocationRecord(TypedDict):
    """How one event was answered.

    Attributes:
        request_id: The id of the invocation.
        content_type: Of `body`; ``application/unknown`` means that it is Base64.
        body: What the runtime posted; ``None`` if it posted no response.
        error: What it posted instead.
        seconds: How long it took.
    """

    request_id: str
    content_type: str
    body: str | None
    error: Json | None
    seconds: float


class RuntimeRecord(TypedDict):
    """What the runtime did, up to its end or to the snapshot.

    Attributes:
        exit_code: The exit code of the runtime.
        error: What it reported about the initialisation or the restore.
        init_seconds: How long the handler took to load.
        before_seconds: How long the before_snapshot phase took; ``None`` if it had none.
        after_seconds: From the resume to the request for the first event.
        reports: What `snapstart_hooks` said about each phase it ran.
        invocations: One for each event.
        observations: What each instrument saw, by its name and then by the occasion.
    """

    exit_code: int | None
    error: ErrorRecord | None
    init_seconds: float | None
    before_seconds: float | None
    after_seconds: float | None
    reports: dict[str, Json]
    invocations: list[InvocationRecord]
    observations: dict[str, Json]


class CloneRecord(TypedDict):
    """What the supervisor saw of one clone.

    Attributes:
        index: The number of the clone, from 0.
        record: The last record that it sent; ``None`` if it sent none.
        exit_code: The exit code of its process; ``None`` if a signal ended it.
        signal: The name of that signal.
        timed_out: Whether it was ended for its time limit.
        stack: The stacks of its threads then, or when it crashed.
        stdout: Its standard output.
        stderr: Its standard error.
        seconds: The time from its resume to its end.
    """

    index: int
    record: RuntimeRecord | None
    exit_code: int | None
    signal: str | None
    timed_out: bool
    stack: str
    stdout: str
    stderr: str
    seconds: float


class BegunMessage(TypedDict):
    """The runtime is about to load the function: what its initialisation may take counts from here."""

    type: Literal["begun"]


class SnapshotMessage(TypedDict):
    """The before_snapshot hooks have run, and the clones will be made now.

    Attributes:
        record: What the runtime did so far.
        threads: The names of the threads that the clones will not have.
        notes: What is weaker in this run than it should be.
    """

    type: Literal["snapshot"]
    record: RuntimeRecord
    threads: list[str]
    notes: list[str]


class InitFailedMessage(TypedDict):
    """The runtime ended before there was a snapshot."""

    type: Literal["init failed"]
    record: RuntimeRecord


class CloneMessage(TypedDict):
    """A clone ended."""

    type: Literal["clone"]
    clone: CloneRecord


class EndMessage(TypedDict):
    """All clones have ended."""

    type: Literal["end"]


class UnsupportedMessage(TypedDict):
    """Clones cannot be made here."""

    type: Literal["unsupported"]
    reason: str


class ZygoteEndedMessage(TypedDict):
    """The zygote ended: with this exit code, or by the signal of this negative number."""

    type: Literal["zygote ended"]
    status: int


Message: TypeAlias = (
    BegunMessage
    | UnsupportedMessage
    | SnapshotMessage
    | InitFailedMessage
    | CloneMessage
    | EndMessage
    | ZygoteEndedMessage
)


def encode(message: object) -> bytes:
    """One line."""
    return json.dumps(message, default=repr).encode() + b"\n"


def decode(line: bytes) -> Json:
    """What `encode` made."""
    message: object = json.loads(line)
    if not isinstance(message, dict):
        raise TypeError(message)
    return cast("Json", message)


def send(fd: int, message: object) -> None:
    """Write one line to a pipe, all of it."""
    data = memoryview(encode(message))
    while data:
        data = data[os.write(fd, data) :]
