"""The rules: what each is called, says, means and advises.

The examples are code: the tests run the linter on them, and `docs/lint.md` shows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from snapstart_hooks.lint._model import Severity

__all__ = ("RULES", "Rule", "rule")

_DOCS: Final = "docs/lint.md"

_GROUPS: Final = {
    "1": "What must differ between clones",
    "2": "Random number generators and seeds",
    "3": "Time",
    "4": "Credentials, secrets, fetched data",
    "5": "Connections",
    "6": "Threads and processes",
    "7": "Caches",
    "8": "Hooks",
    "9": "Suppressions",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        code: ``SSH101``; the hundred is the group. Never given a new meaning.
        name: A name for people, as stable as the code.
        severity: How bad a finding of it is.
        summary: What it finds, in one line.
        message: The finding's message; ``{what}``, ``{holder}`` and ``{subject}`` are filled in.
        why: What goes wrong.
        remedy: What to do.
        wrong: Code that it finds something in.
        right: The same code, cured.
    """

    code: str
    name: str
    severity: Severity
    summary: str
    message: str
    why: str
    remedy: str
    wrong: str
    right: str

    @property
    def group(self) -> str:
        """What the rules of its hundred are about."""
        return _GROUPS[self.code[3]]

    @property
    def anchor(self) -> str:
        """Where its documentation stands."""
        return f"{_DOCS}#rules"


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        code="SSH101",
        name="id-at-import",
        severity=Severity.ERROR,
        summary="An identifier is made before the snapshot",
        message="{what} runs once, before the snapshot: {holder} is the same in every clone",
        why=(
            "The snapshot holds the finished value. Every environment that is resumed from it sends the same "
            "id: request, instance, idempotency and message ids collide."
        ),
        remedy="Make it in the function that needs it, or make it anew in an `@after_restore` hook.",
        wrong="""\
import uuid

INSTANCE_ID = uuid.uuid4().hex
""",
        right="""\
import uuid

from snapstart_hooks import after_restore

INSTANCE_ID = uuid.uuid4().hex


@after_restore
def new_identity() -> None:
    global INSTANCE_ID
    INSTANCE_ID = uuid.uuid4().hex
""",
    ),
    Rule(
        code="SSH102",
        name="secret-at-import",
        severity=Severity.ERROR,
        summary="A token, salt or nonce is drawn before the snapshot",
        message="{what} is drawn once, before the snapshot: {holder} is the same in every clone",
        why=(
            "Whoever learns it from one clone knows it for all. A nonce that repeats under one key breaks "
            "AES-GCM. That the source is cryptographically strong does not help: the result is copied."
        ),
        remedy=(
            "Draw it where it is used, keep shared secrets in a secret store, or draw it anew in an "
            "`@after_restore` hook."
        ),
        wrong="""\
import secrets

CSRF_KEY = secrets.token_bytes(32)
""",
        right="""\
import secrets


def csrf_token() -> str:
    return secrets.token_urlsafe(32)
""",
    ),
    Rule(
        code="SSH103",
        name="random-value-at-import",
        severity=Severity.WARNING,
        summary="A random value is drawn before the snapshot",
        message="{what} is drawn once, before the snapshot: {holder} is the same in every clone",
        why=(
            "Jitter, sampling decisions, shard numbers and test groups are chosen once for all clones, so the "
            "load that they should spread comes together."
        ),
        remedy="Draw it in the function that needs it, or again in an `@after_restore` hook.",
        wrong="""\
import random

SHARD = random.randrange(16)
""",
        right="""\
import random


def shard() -> int:
    return random.randrange(16)
""",
    ),
    Rule(
        code="SSH104",
        name="key-at-import",
        severity=Severity.ERROR,
        summary="A private key or certificate is generated before the snapshot",
        message=(
            "{what} makes a key before the snapshot: every clone, and whoever reads the snapshot, has the same {holder}"
        ),
        why=(
            "All clones sign and decrypt with one private key, although the code looks as if each had its own; "
            "ephemeral keys lose forward secrecy."
        ),
        remedy=(
            "Generate it in an `@after_restore` hook or where it is used; keep keys that are meant to be shared "
            "in a key store."
        ),
        wrong="""\
from cryptography.hazmat.primitives.asymmetric import ec

SIGNING_KEY = ec.generate_private_key(ec.SECP256R1())
""",
        right="""\
from cryptography.hazmat.primitives.asymmetric import ec

from snapstart_hooks import after_restore

signing_key: ec.EllipticCurvePrivateKey | None = None


@after_restore
def new_key() -> None:
    global signing_key
    signing_key = ec.generate_private_key(ec.SECP256R1())
""",
    ),
    Rule(
        code="SSH105",
        name="host-identity",
        severity=Severity.WARNING,
        summary="An instance's name is built from process id, host name or MAC address",
        message="{holder} is built from {what}, which is equal in all clones, also when read after a restore",
        why=(
            "Process id, host name, MAC address and thread ids are part of the snapshot. A name built from them "
            "looks unique and is not."
        ),
        remedy="Use `uuid.uuid4()` in an `@after_restore` hook or in the handler.",
        wrong="""\
import os
import socket

WORKER_ID = f"{socket.gethostname()}-{os.getpid()}"
""",
        right="""\
import os

_pid = os.getpid()


def forked() -> bool:
    return os.getpid() != _pid
""",
    ),
    Rule(
        code="SSH201",
        name="generator-at-import",
        severity=Severity.WARNING,
        summary="A random number generator is made before the snapshot",
        message="{what} is copied into every clone with its state: all draw the same numbers from {holder}",
        why=(
            "Only `random`'s own generator is reseeded for you. One that you made has the same state in every "
            "clone, so ids, samples and jitter drawn from it repeat."
        ),
        remedy=(
            "Seed it in an `@after_restore` hook (`generator.seed()`), make it there, or use `random.SystemRandom()`."
        ),
        wrong="""\
import random

jitter = random.Random()


def delay() -> float:
    return jitter.uniform(0, 1)
""",
        right="""\
import random

from snapstart_hooks import register_after_restore

jitter = random.Random()
register_after_restore(jitter.seed)
""",
    ),
    Rule(
        code="SSH202",
        name="fixed-seed",
        severity=Severity.NOTE,
        summary="A generator is given a fixed seed",
        message="{what} gives the same numbers in every clone, and after every cold start: so it seems to be meant",
        why=(
            "A constant seed is usually deliberate (tests, models, shuffles that must be repeatable). Under "
            "SnapStart an `@after_restore` hook that reseeds everything would undo it."
        ),
        remedy="Nothing, if it is meant; otherwise leave the seed out and see SSH201.",
        wrong="""\
import random

sampler = random.Random(42)
""",
        right="""\
import random

sampler = random.SystemRandom()
""",
    ),
    Rule(
        code="SSH203",
        name="time-seed",
        severity=Severity.ERROR,
        summary="A generator is seeded with the time",
        message="{what} seeds with the time: clones that are resumed in the same tick draw the same numbers",
        why=(
            "Restores come in bursts, so clones start within the same millisecond. A seed should come from the "
            "operating system's entropy, and without an argument it does."
        ),
        remedy="Call `seed()` without an argument: it takes the operating system's entropy.",
        wrong="""\
import random
import time


def lambda_handler(event, context):
    random.seed(int(time.time() * 1000))
    return random.random()
""",
        right="""\
import random

from snapstart_hooks import after_restore


@after_restore
def reseed() -> None:
    random.seed()
""",
    ),
    Rule(
        code="SSH301",
        name="time-at-import",
        severity=Severity.WARNING,
        summary="The wall-clock time is read before the snapshot and kept",
        message="{what} is the time of the initialisation, hours or weeks before the restore: {holder} stays there",
        why=(
            'The code computes ages, expiry dates and "today" from a moment long gone. As a default argument it '
            "is wrong anywhere."
        ),
        remedy="Read the clock in the function that needs it, or again in an `@after_restore` hook.",
        wrong="""\
import datetime

TODAY = datetime.date.today()
""",
        right="""\
import datetime


def today() -> datetime.date:
    return datetime.date.today()
""",
    ),
    Rule(
        code="SSH302",
        name="clock-reference-at-import",
        severity=Severity.WARNING,
        summary="A monotonic clock is read before the snapshot and kept",
        message=(
            "{what} is the start of the initialisation: durations measured from {holder} leave out the time in "
            "the snapshot"
        ),
        why=(
            "The monotonic clock hardly advances while the snapshot lies on disk, whereas the wall clock jumps. "
            "Uptimes and ages are wrong, times to live do not run out, and an offset between the two clocks is "
            "off by the whole gap."
        ),
        remedy="Start the clock in an `@after_restore` hook, or measure within one invocation.",
        wrong="""\
import time

STARTED = time.monotonic()


def uptime() -> float:
    return time.monotonic() - STARTED
""",
        right="""\
import time

_before = time.monotonic()
import json

IMPORT_SECONDS = time.monotonic() - _before
del _before
""",
    ),
    Rule(
        code="SSH401",
        name="credential-variable-required",
        severity=Severity.ERROR,
        summary="A credential variable is required that SnapStart functions do not have",
        message="`{subject}` is not set under SnapStart: this raises KeyError",
        why=(
            "SnapStart functions get their credentials from a local endpoint "
            "(`AWS_CONTAINER_CREDENTIALS_FULL_URI`), so that they can be renewed after a restore; the key "
            "variables are not there."
        ),
        remedy="Let the SDK find the credentials: `boto3.Session().get_credentials()`.",
        wrong="""\
import os


def sign() -> str:
    return os.environ["AWS_ACCESS_KEY_ID"]
""",
        right="""\
import boto3


def sign() -> str:
    return boto3.Session().get_credentials().access_key
""",
    ),
    Rule(
        code="SSH402",
        name="credential-variable-read",
        severity=Severity.WARNING,
        summary="A credential variable is read that SnapStart functions do not have",
        message="`{subject}` is not set under SnapStart: this gives the default",
        why="As SSH401, but the code goes on without the value: often with anonymous requests or a wrong code path.",
        remedy="Let the SDK find the credentials: `boto3.Session().get_credentials()`.",
        wrong="""\
import os


def key() -> str | None:
    return os.getenv("AWS_SECRET_ACCESS_KEY")
""",
        right="""\
import boto3


def key() -> str:
    return boto3.Session().get_credentials().secret_key
""",
    ),
    Rule(
        code="SSH403",
        name="log-variable-required",
        severity=Severity.ERROR,
        summary="A log variable is required that SnapStart functions do not have",
        message="`{subject}` is not set under SnapStart: this raises KeyError",
        why="A snapshot belongs to no log stream, so the variables with its name and the group's are left out.",
        remedy="Do without it, or read it with a default.",
        wrong="""\
import os

STREAM = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
""",
        right="""\
import os

STREAM = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local")
""",
    ),
    Rule(
        code="SSH404",
        name="log-variable-read",
        severity=Severity.NOTE,
        summary="A log variable is read that SnapStart functions do not have",
        message="`{subject}` is not set under SnapStart: this gives the default",
        why="As SSH403, with a default. As part of an instance's name it makes all clones the same.",
        remedy="Nothing, if the default serves.",
        wrong="""\
import os

STREAM = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
""",
        right="""\
import os

FUNCTION = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
""",
    ),
    Rule(
        code="SSH411",
        name="credentials-in-client",
        severity=Severity.WARNING,
        summary="A client with explicit keys is made before the snapshot",
        message="{what} bakes credentials into the snapshot: {holder} does not get the clone's own",
        why=(
            "A client without explicit keys renews its credentials by itself after a restore. One with keys "
            "keeps those of the initialisation: temporary ones have expired by then."
        ),
        remedy="Leave the keys out; where another identity is needed, make the client in an `@after_restore` hook.",
        wrong="""\
import boto3

from settings import KEY, SECRET

s3 = boto3.client("s3", aws_access_key_id=KEY, aws_secret_access_key=SECRET)
""",
        right="""\
import boto3

s3 = boto3.client("s3")
""",
    ),
    Rule(
        code="SSH412",
        name="secret-fetched-at-import",
        severity=Severity.WARNING,
        summary="A secret or parameter is fetched before the snapshot",
        message=(
            "{what} is fetched once, before the snapshot: {holder} stays as it was when the version was published"
        ),
        why=(
            "Clones go on with a password that was rotated or a parameter that was changed since, and the "
            "secret lies in the snapshot."
        ),
        remedy=(
            "Fetch it in the function that needs it with a cache of limited age, or again in an `@after_restore` hook."
        ),
        wrong="""\
import boto3

PASSWORD = boto3.client("secretsmanager").get_secret_value(SecretId="db")["SecretString"]
""",
        right="""\
import boto3

secrets = boto3.client("secretsmanager")


def password() -> str:
    return secrets.get_secret_value(SecretId="db")["SecretString"]
""",
    ),
    Rule(
        code="SSH413",
        name="temporary-credentials-at-import",
        severity=Severity.ERROR,
        summary="Temporary credentials or signed addresses are made before the snapshot",
        message=(
            "{what} is valid for minutes or hours from before the snapshot: {holder} has expired when clones use it"
        ),
        why=(
            "What assume_role, presigned URLs and database tokens give ends at a fixed time. The snapshot is "
            "used for weeks."
        ),
        remedy=(
            "Ask for it in an `@after_restore` hook or when it is used; for roles use a session that renews itself."
        ),
        wrong="""\
import boto3

ROLE = boto3.client("sts").assume_role(RoleArn="arn:aws:iam::1:role/x", RoleSessionName="x")
""",
        right="""\
import boto3

sts = boto3.client("sts")


def role() -> object:
    return sts.assume_role(RoleArn="arn:aws:iam::1:role/x", RoleSessionName="x")
""",
    ),
    Rule(
        code="SSH414",
        name="fetched-at-import",
        severity=Severity.NOTE,
        summary="Data is fetched from the network before the snapshot",
        message="{what} is fetched once, before the snapshot: {holder} is as old as the version",
        why=(
            "Configuration fetched during the initialisation is often meant to be in the snapshot. Key sets "
            "(JWKS), feature flags and prices are not."
        ),
        remedy="Nothing, if its age does not matter; otherwise fetch it again in an `@after_restore` hook.",
        wrong="""\
import requests

JWKS = requests.get("https://example.com/jwks.json", timeout=5).json()
""",
        right="""\
import requests


def jwks() -> object:
    return requests.get("https://example.com/jwks.json", timeout=5).json()
""",
    ),
    Rule(
        code="SSH501",
        name="connection-at-import",
        severity=Severity.ERROR,
        summary="A connection is opened before the snapshot",
        message="{what} connects before the snapshot: in every clone {holder} is dead, though it looks open",
        why=(
            "The other end has long closed the connection. The first use fails, or hangs until a timeout; two "
            "clones that write to one TLS connection even repeat its nonces."
        ),
        remedy=(
            "Close it in a `@before_snapshot` hook and open it in an `@after_restore` hook, or open it when it "
            "is first used."
        ),
        wrong="""\
import psycopg

conn = psycopg.connect("dbname=orders")
""",
        right="""\
import psycopg

from snapstart_hooks import after_restore, before_snapshot

conn = psycopg.connect("dbname=orders")


@before_snapshot
def disconnect() -> None:
    conn.close()


@after_restore
def reconnect() -> None:
    global conn
    conn = psycopg.connect("dbname=orders")
""",
    ),
    Rule(
        code="SSH502",
        name="pool-at-import",
        severity=Severity.ERROR,
        summary="A client that connects in the background is made before the snapshot",
        message=(
            "{what} starts to connect in the background before the snapshot: the connections of {holder} are "
            "dead in every clone"
        ),
        why=(
            "Such clients start threads that connect at once. After a restore their connections are dead, their "
            "session ids and sequence numbers equal in all clones."
        ),
        remedy="Make it without connecting (`connect=False`, `open=False`) and open it in an `@after_restore` hook.",
        wrong="""\
from pymongo import MongoClient

client = MongoClient()
""",
        right="""\
from psycopg_pool import ConnectionPool

from snapstart_hooks import register_after_restore

pool = ConnectionPool("dbname=orders", open=False)
register_after_restore(pool.open)
""",
    ),
    Rule(
        code="SSH503",
        name="sqlite-file-at-import",
        severity=Severity.NOTE,
        summary="An SQLite file below /tmp is opened before the snapshot",
        message="{what} opens a file that is part of the snapshot: every clone goes on with a copy of {holder}",
        why=(
            "`/tmp` is in the snapshot, so the handle works; but the data are those of the initialisation, and "
            "clones diverge."
        ),
        remedy="Nothing, if it is a cache; otherwise open it in an `@after_restore` hook.",
        wrong="""\
import sqlite3

cache = sqlite3.connect("/tmp/cache.db")
""",
        right="""\
import sqlite3

cache = sqlite3.connect(":memory:")
""",
    ),
    Rule(
        code="SSH601",
        name="thread-at-import",
        severity=Severity.WARNING,
        summary="A thread is started before the snapshot",
        message="{what} starts a thread before the snapshot: in every clone it goes on before the hooks have run",
        why=(
            "After a restore the thread runs on at once, on dead connections, old credentials and old random "
            "state; timers fire late or all together."
        ),
        remedy="Stop it in a `@before_snapshot` hook and start it in an `@after_restore` hook.",
        wrong="""\
import threading


def refresh() -> None: ...


threading.Thread(target=refresh, daemon=True).start()
""",
        right="""\
import threading

from snapstart_hooks import after_restore


def refresh() -> None: ...


@after_restore
def start() -> None:
    threading.Thread(target=refresh, daemon=True).start()
""",
    ),
    Rule(
        code="SSH602",
        name="process-at-import",
        severity=Severity.WARNING,
        summary="A child process is started before the snapshot",
        message="{what} starts a process before the snapshot: it is cloned too, and no hook runs in it",
        why=(
            "Workers are part of the snapshot with their own random state, connections and credentials, and "
            "nothing tells them that they were restored."
        ),
        remedy="Start it in an `@after_restore` hook.",
        wrong="""\
import subprocess

server = subprocess.Popen(["redis-server"])
""",
        right="""\
import subprocess

VERSION = subprocess.run(["redis-server", "--version"], check=True, capture_output=True).stdout
""",
    ),
    Rule(
        code="SSH701",
        name="cached-hazard",
        severity=Severity.WARNING,
        summary="A cached function returns what must not be kept in the snapshot",
        message="`{subject}` caches {what}: if anything calls it before the snapshot, every clone has the same",
        why=(
            "The cache is in the snapshot. One call during the initialisation, as priming does, is enough to "
            "give all clones the same id, time, secret or dead connection."
        ),
        remedy="Call its `cache_clear()` in an `@after_restore` hook.",
        wrong="""\
import functools
import uuid


@functools.cache
def instance_id() -> str:
    return uuid.uuid4().hex
""",
        right="""\
import functools
import uuid

from snapstart_hooks import register_after_restore


@functools.cache
def instance_id() -> str:
    return uuid.uuid4().hex


register_after_restore(instance_id.cache_clear)
""",
    ),
    Rule(
        code="SSH801",
        name="hook-needs-arguments",
        severity=Severity.ERROR,
        summary="A hook requires arguments",
        message="hooks are called without arguments, and `{what}` needs {subject}",
        why=(
            "The runtime calls a hook with the arguments that it was registered with. Without them it raises "
            "TypeError: before the snapshot publishing fails, after it every restore."
        ),
        remedy="Give the arguments when you register it: `register_after_restore(func, ...)`.",
        wrong="""\
from snapstart_hooks import after_restore


@after_restore
def reconnect(client):
    client.connect()
""",
        right="""\
from snapstart_hooks import register_after_restore

from db import client


def reconnect(client):
    client.connect()


register_after_restore(reconnect, client)
""",
    ),
    Rule(
        code="SSH802",
        name="hook-in-handler",
        severity=Severity.ERROR,
        summary="A hook is registered in the handler",
        message="this {subject} hook is registered in an invocation: the hooks have run by then, so it never does",
        why=(
            "Hooks run before the first invocation. One that the handler registers is not there yet, and each "
            "invocation adds another one."
        ),
        remedy="Register it at module level, in a module that the handler's module imports.",
        wrong="""\
from snapstart_hooks import after_restore


def lambda_handler(event, context):
    @after_restore
    def reconnect():
        pass
""",
        right="""\
from snapstart_hooks import after_restore


@after_restore
def reconnect():
    pass


def lambda_handler(event, context):
    return {}
""",
    ),
    Rule(
        code="SSH803",
        name="hook-in-uncalled-function",
        severity=Severity.WARNING,
        summary="A hook is decorated in a function that the module does not call",
        message="this hook exists only once `{subject}` is called, and nothing calls it at import",
        why="A hook that is not registered when the initialisation ends does not run, and nobody is told.",
        remedy="Move it to module level, or call the function at import.",
        wrong="""\
from snapstart_hooks import after_restore


def setup():
    @after_restore
    def reconnect():
        pass
""",
        right="""\
from snapstart_hooks import after_restore


def setup():
    @after_restore
    def reconnect():
        pass


setup()
""",
    ),
    Rule(
        code="SSH804",
        name="generator-hook",
        severity=Severity.ERROR,
        summary="A hook is a generator function",
        message="`{subject}` contains `yield`: calling it runs nothing of its body",
        why="A generator function returns a generator when it is called. The hook succeeds and does nothing.",
        remedy="Make it a plain or async function.",
        wrong="""\
from snapstart_hooks import after_restore


@after_restore
def reconnect():
    yield
""",
        right="""\
from snapstart_hooks import after_restore


@after_restore
async def reconnect():
    pass
""",
    ),
    Rule(
        code="SSH805",
        name="async-hook-not-awaited",
        severity=Severity.ERROR,
        summary="An async hook is registered with a package that does not await it",
        message=(
            "`{subject}` is async, and the Lambda runtime does not await the hooks of snapshot_restore_py: it "
            "never runs"
        ),
        why="The runtime calls the function, gets a coroutine and drops it. The only trace is a RuntimeWarning.",
        remedy="Import the decorators from `snapstart_hooks`, which awaits async hooks on one persistent loop.",
        wrong="""\
from snapshot_restore_py import register_after_restore


@register_after_restore
async def reconnect():
    pass
""",
        right="""\
from snapstart_hooks import register_after_restore


@register_after_restore
async def reconnect():
    pass
""",
    ),
    Rule(
        code="SSH806",
        name="asyncio-run-in-hook",
        severity=Severity.WARNING,
        summary="A hook calls asyncio.run",
        message="{what} closes its event loop when it returns: what the hook opened is bound to a dead loop",
        why=(
            "Pools and clients belong to the loop that opened them. The handler runs on another one, and gets "
            '"attached to a different loop" or "event loop is closed".'
        ),
        remedy=(
            "Make the hook `async def` and register it with `snapstart_hooks`: it is awaited on the loop that "
            "the handler can use."
        ),
        wrong="""\
import asyncio

from snapstart_hooks import after_restore

from db import pool


@after_restore
def reopen():
    asyncio.run(pool.open())
""",
        right="""\
from snapstart_hooks import after_restore

from db import pool


@after_restore
async def reopen():
    await pool.open()
""",
    ),
    Rule(
        code="SSH807",
        name="wrong-hook-module",
        severity=Severity.ERROR,
        summary="Hooks are imported from a module that does not have them",
        message="`{what}` has no such hooks; the module is `{subject}`",
        why=(
            "AWS's package is imported as `snapshot_restore_py`. Behind an `except ImportError` the wrong name "
            "silently switches all hooks off."
        ),
        remedy="Import from `snapstart_hooks`, or from `snapshot_restore_py`.",
        wrong="""\
from snapshot_restore import register_after_restore
""",
        right="""\
from snapshot_restore_py import register_after_restore
""",
    ),
    Rule(
        code="SSH808",
        name="hook-called-not-passed",
        severity=Severity.ERROR,
        summary="The result of a call is registered as a hook",
        message="`{subject}` is called here, and what it returns, nothing, is registered as the hook",
        why=(
            "The function runs now, before the snapshot, and `None` is registered in its place: at the restore "
            "the runtime fails to call it."
        ),
        remedy="Register the function itself, without the parentheses.",
        wrong="""\
from snapshot_restore_py import register_after_restore


def reconnect():
    pass


register_after_restore(reconnect())
""",
        right="""\
from snapshot_restore_py import register_after_restore


def reconnect():
    pass


register_after_restore(reconnect)
""",
    ),
    Rule(
        code="SSH901",
        name="unused-suppression",
        severity=Severity.WARNING,
        summary="A suppression silences nothing",
        message="nothing here needs {subject}",
        why="A suppression that nothing needs hides the next finding in its place. Reported with `--report-unused`.",
        remedy="Remove it.",
        wrong="""\
TIMEOUT = 5  # noqa: SSH101
""",
        right="""\
import uuid

BUILD = uuid.uuid4()  # snapstart: ignore[SSH101] names the published version
""",
    ),
    Rule(
        code="SSH902",
        name="unknown-suppression",
        severity=Severity.WARNING,
        summary="A suppression cannot be understood",
        message="{subject}",
        why="A suppression with a misspelt code, or without codes, silences nothing.",
        remedy="Write `# snapstart: ignore[SSH101] reason`.",
        wrong="""\
import uuid

print(uuid.uuid4())  # snapstart: ignore[SSH999] no such rule
""",
        right="""\
import uuid

BUILD = uuid.uuid4()  # snapstart: ignore[SSH101] names the published version
""",
    ),
)

_BY_CODE: Final = {one.code: one for one in RULES}


def rule(code: str) -> Rule:
    """The rule of a code, or of a name.

    Raises:
        KeyError: There is none.
    """
    found = _BY_CODE.get(code.upper())
    if found is None:
        found = next((one for one in RULES if one.name == code.lower()), None)
    if found is None:
        raise KeyError(code)
    return found
