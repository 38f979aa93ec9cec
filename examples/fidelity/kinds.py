"""A function with state of every kind; it answers what became of each."""

# ruff: noqa: S101, SLF001

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import mmap
import multiprocessing
import os
import random
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

random.random()
ssl.RAND_bytes(4)
next(tempfile._get_candidate_names())  # type: ignore[attr-defined]
instance, started = uuid.uuid4().hex[:8], time.time()
peer = socket.create_connection(("127.0.0.1", int(os.environ["PEER"])))
listener = socket.create_server(("127.0.0.1", 0))
near = socket.create_connection(listener.getsockname())
far, _ = listener.accept()
beats = [0]
fired: list[int] = []


def beat() -> None:
    while True:
        time.sleep(0.01)
        beats[0] += 1


threading.Thread(target=beat, name="beat", daemon=True).start()
threading.Timer(1.5, lambda: fired.append(1)).start()
pool = ThreadPoolExecutor(1)
pool.submit(int).result()
child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)  # noqa: S607
signal.signal(signal.SIGALRM, lambda *_: fired.append(2))
signal.setitimer(signal.ITIMER_REAL, 1.5)
value = multiprocessing.Value("i", 0)
anonymous = mmap.mmap(-1, 4096)
scratch = open("/tmp/snapstart-kinds", "w+", encoding="utf-8")  # noqa: S108, SIM115, PTH123
fcntl.lockf(scratch, fcntl.LOCK_EX)
loop = asyncio.new_event_loop()
task = loop.create_task(asyncio.sleep(0.01, "slept"))
token = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers={"Authorization": token})
key = urllib.request.urlopen(request).read().decode()[:60]
began = time.monotonic()


def dead() -> str:
    peer.send(b"x")
    return str(peer.recv(1))


def inside() -> str:
    near.send(b"x")
    return far.recv(1).decode()


def through_child() -> str:
    assert child.stdin is not None and child.stdout is not None  # noqa: PT018
    child.stdin.write(b"x")
    return child.stdout.read(1).decode()


def count_file() -> int:
    scratch.seek(0, os.SEEK_END)
    scratch.write("x")
    scratch.flush()
    return scratch.tell()


def count_value() -> int:
    with value.get_lock():
        value.value += 1
        return int(value.value)


def count_anonymous() -> int:
    anonymous[0] += 1
    return anonymous[0]


def lives() -> str:
    before = beats[0]
    time.sleep(0.1)
    return "runs" if beats[0] > before else "stands still"


def locked() -> str:
    program = "import fcntl,sys; fcntl.lockf(open('/tmp/snapstart-kinds','r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    done = subprocess.run([os.environ["PYTHON"], "-c", program], capture_output=True, check=False)
    return "held" if done.returncode else "lost"


def timers() -> str:
    time.sleep(2)
    return " and ".join(name for number, name in ((1, "Timer"), (2, "setitimer")) if number in fired) or "neither"


def compiled() -> int:
    return int(ctypes.CDLL(None).time(None)) - int(started)


ASKED: dict[str, Callable[[], object]] = {
    "random": random.random,
    "uuid4": lambda: str(uuid.uuid4()),
    "ssl": lambda: ssl.RAND_bytes(8).hex(),
    "tempfile": lambda: next(tempfile._get_candidate_names()),  # type: ignore[attr-defined]
    "instance": lambda: instance,
    "pid": os.getpid,
    "hash": lambda: hash("x"),
    "dead": dead,
    "inside": inside,
    "thread": lives,
    "pool": lambda: pool.submit(lambda: "works").result(1),
    "timers": timers,
    "child": through_child,
    "task": lambda: loop.run_until_complete(task),
    "file": count_file,
    "lock": locked,
    "value": count_value,
    "anonymous": count_anonymous,
    "clock": lambda: int(time.time() - started),
    "compiled": compiled,
    "monotonic": lambda: int(time.monotonic() - began),
}


def handler(event: object, context: object) -> dict[str, str]:
    answers: dict[str, str] = {}
    for name, ask in ASKED.items():
        try:
            answers[name] = str(ask())
        except Exception as error:  # noqa: BLE001 - that is the answer
            answers[name] = type(error).__name__
    return answers
