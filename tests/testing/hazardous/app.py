"""A Lambda function with a bug of each kind that a restore shows, and what puts each of them right.

It is repaired if ``REPAIRED`` is in the environment.  It runs in a process of its own:
the tests give its name to `find_hazards`.
"""

# ruff: noqa: NPY002, PLW0603, S310, S311, S607, SIM115 - it does what it should not

from __future__ import annotations

import asyncio
import json
import logging.handlers
import os
import random
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.request
import uuid
from pathlib import Path

import numpy.random
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from snapshot_restore_py import register_after_restore, register_before_snapshot

PEER = ("127.0.0.1", int(os.environ["PEER"]))


class Client:
    """Owns a connection."""

    def __init__(self) -> None:
        self.sock = socket.create_connection(PEER)


class Recorder:
    """Sends what is recorded when it is told to."""

    def __init__(self) -> None:
        self.pending: list[str] = []

    def flush(self) -> None:
        self.pending.clear()


def fetch() -> str:
    """The access key that is valid now."""
    request = urllib.request.Request(
        os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
        headers={"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]},
    )
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)["AccessKeyId"])


async def tick() -> None:
    await asyncio.sleep(3600)


instance, started = str(uuid.uuid4()), time.time()
constant = str(uuid.UUID(int=7 << 70))
rng = random.Random()
seeded = random.Random(42)
generator = numpy.random.default_rng()
client = Client()
stop = threading.Event()
poller = threading.Thread(target=stop.wait, name="poller", daemon=True)
child = subprocess.Popen(["sleep", "600"])
loop = asyncio.new_event_loop()
task = loop.create_task(tick())
scratch = tempfile.NamedTemporaryFile("wb", buffering=0)
journal = (Path(tempfile.mkdtemp()) / "journal").open("w", encoding="utf-8")
recorder = Recorder()
memory = logging.handlers.MemoryHandler(100, target=logging.NullHandler())
key = fetch()

random.random()
numpy.random.random()
ssl.RAND_bytes(8)
poller.start()
journal.write("before")
recorder.pending.append("before")
memory.emit(logging.makeLogRecord({"msg": "before", "levelno": logging.INFO}))
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
trace.set_tracer_provider(provider)
trace.get_tracer("app").start_span("before").end()  # its sink keeps it, and sends it nowhere


def tear_down() -> None:
    client.sock.close()
    stop.set()
    poller.join()
    child.kill()
    child.wait()
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    scratch.close()
    journal.close()
    recorder.flush()
    memory.flush()


def make_anew() -> None:
    global instance, started, key, generator
    instance, started, key = str(uuid.uuid4()), time.time(), fetch()
    tempfile._name_sequence = None  # type: ignore[attr-defined]  # what makes the names
    generator = numpy.random.default_rng()
    random.seed()
    rng.seed()
    numpy.random.seed()
    ssl.RAND_add(os.urandom(48), 48.0)
    client.sock = socket.create_connection(PEER)


if "REPAIRED" in os.environ:
    register_before_snapshot(tear_down)
    register_after_restore(make_anew)


def handler(event: dict[str, str], context: object) -> dict[str, object]:
    body = json.dumps({"order": {"id": instance, "at": started}})
    return {"body": body, "constant": constant, "echo": event["token"], "numbers": [rng.getrandbits(128)]}
