"""The same function with hooks: what is in the snapshot is right in every clone."""

from __future__ import annotations

import datetime as dt
import json
import os
import queue
import random
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import uuid
from typing import TypedDict
from urllib.request import Request, urlopen

from snapstart_hooks import Priority, after_restore, before_snapshot


class Answer(TypedDict):
    """What a customer gets."""

    order: str
    discount: float
    worker: str
    since: str


class Exporter:
    """Sends spans from a thread of its own."""

    def __init__(self) -> None:
        self.spans: queue.Queue[str | None] = queue.Queue()
        self.start()

    def start(self) -> None:
        """Begin to send."""
        self.thread = threading.Thread(target=self.export, name="exporter", daemon=True)
        self.thread.start()

    def export(self) -> None:
        """Send what there is, until there is nothing to come."""
        while self.spans.get() is not None:
            pass

    def stop(self) -> None:
        """Send all, and end the thread."""
        self.spans.put(None)
        self.thread.join()


def credentials() -> dict[str, str]:
    """Those of the function's role, as Lambda gives them under SnapStart."""
    token = os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    request = Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers={"Authorization": token})
    with urlopen(request) as answer:
        keys: dict[str, str] = json.load(answer)
        return keys


def connect() -> socket.socket:
    """Open the connection to the ledger."""
    host, _, port = os.environ["LEDGER"].partition(":")
    return socket.create_connection((host, int(port)))


def convert() -> subprocess.Popen[bytes]:
    """Start the converter."""
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


SEEN = {random.getrandbits(64)}
DICE = random.Random()
LEDGER = connect()
CREDENTIALS = credentials()
JOURNAL = tempfile.TemporaryFile("w", prefix="journal-")  # noqa: SIM115
JOURNAL.write("started\n")
EXPORTER = Exporter()
EXPORTER.spans.put("init")
CONVERTER = convert()


@before_snapshot(priority=Priority.CONNECTIONS)
def put_away() -> None:
    """Close what a clone could not go on with."""
    LEDGER.close()
    JOURNAL.close()
    EXPORTER.stop()
    CONVERTER.communicate(b"\n")


@after_restore(priority=Priority.ENTROPY)
def make_unique() -> None:
    """Be one of a kind again."""
    random.seed()
    DICE.seed()
    ssl.RAND_add(os.urandom(48), 48.0)  # Lambda's own OpenSSL does that itself, others do not
    tempfile._name_sequence = None  # type: ignore[attr-defined]  # noqa: SLF001 - names are drawn from `random`, too


@after_restore(priority=Priority.CREDENTIALS)
def renew() -> None:
    """Get the keys of this environment."""
    CREDENTIALS.clear()
    CREDENTIALS.update(credentials())


@after_restore(priority=Priority.CONNECTIONS, timeout=2)
def open_again() -> None:
    """Open what was put away."""
    global LEDGER, JOURNAL, CONVERTER  # noqa: PLW0603
    LEDGER = connect()
    JOURNAL = tempfile.TemporaryFile("w", prefix="journal-")  # noqa: SIM115
    CONVERTER = convert()
    EXPORTER.start()


def lambda_handler(event: object, context: object) -> Answer:
    """Take an order."""
    return {
        "order": f"{random.getrandbits(64):016x}",
        "discount": DICE.random(),
        "worker": str(uuid.uuid4()),
        "since": dt.datetime.now(dt.UTC).isoformat(),
    }
