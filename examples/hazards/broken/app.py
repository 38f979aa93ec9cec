"""Takes orders, with ten mistakes that only a restore shows.

All of it works in a test, on a laptop, and on Lambda without SnapStart.
`snapstart-hooks run app.lambda_handler --clones 2 --elapsed 6h` finds them.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import queue
import random
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from typing import TypedDict
from urllib.request import Request, urlopen


class Answer(TypedDict):
    """What a customer gets."""

    order: str
    discount: float
    worker: str
    since: str


class Exporter:
    """Sends spans from a thread of its own."""

    def __init__(self) -> None:
        self.spans: queue.Queue[str] = queue.Queue()
        self.wanted = threading.Event()
        self.thread = threading.Thread(target=self.export, name="exporter", daemon=True)
        self.thread.start()

    def export(self) -> None:
        """Send what there is whenever it is wanted."""
        while self.wanted.wait():
            self.spans.get()


def credentials() -> dict[str, str]:
    """Those of the function's role, as Lambda gives them under SnapStart."""
    token = os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    request = Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers={"Authorization": token})
    with urlopen(request) as answer:
        keys: dict[str, str] = json.load(answer)
        return keys


# 1. Every clone draws the same order numbers from the generator of the module `random`, ...
SEEN = {random.getrandbits(64)}
# 2. ... and the same discounts from one of its own.
DICE = random.Random()
# 3. What is unique to this process is not unique to its clones.
WORKER = str(uuid.uuid4())
# 4. Now is when the version was published.
SINCE = dt.datetime.now(dt.UTC).isoformat()
# 5. The connection is dead in every clone.
HOST, _, PORT = os.environ["LEDGER"].partition(":")
LEDGER = socket.create_connection((HOST, int(PORT)))
# 6. These expire, and every clone is given others.
CREDENTIALS = credentials()
# 7. What is written and not flushed is written by every clone.
JOURNAL = tempfile.NamedTemporaryFile("w", prefix="journal-")  # noqa: SIM115
JOURNAL.write("started\n")
# 8. This thread goes on in every clone before any hook; 9. and sends the same span from each.
EXPORTER = Exporter()
EXPORTER.spans.put("init")
# 10. So does the child process.
CONVERTER = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def lambda_handler(event: object, context: object) -> Answer:
    """Take an order."""
    return {
        "order": f"{random.getrandbits(64):016x}",
        "discount": DICE.random(),
        "worker": WORKER,
        "since": SINCE,
    }
