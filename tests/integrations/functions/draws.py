"""Draws from every generator that an integration seeds, and from some that were seeded on purpose."""

from __future__ import annotations

import email.utils
import os
import random
import sqlite3
import ssl
import tempfile
import time
import uuid

import bson
import ddtrace.internal.native
import ddtrace.internal.runtime
import numpy as np
import uuid_utils
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from faker import Faker

import snapstart_hooks  # noqa: F401 - it connects itself to the runtime


class Own(random.Random):
    """A class of the application's."""


if seed := os.environ.get("SEED"):
    random.seed(int(seed))
    np.random.seed(int(seed))

captured = random.getrandbits  # as libraries do
kept, own, nested = random.Random(), Own(), [Own()]
meant, named, timed = random.Random(42), random.Random("benchmark"), random.Random(int(time.time()))
generator, philox, legacy = np.random.default_rng(), np.random.Generator(np.random.Philox()), np.random.RandomState()
children = np.random.default_rng()
meant_np, meant_legacy = np.random.default_rng(42), np.random.RandomState(7)
fake = Faker()
database = sqlite3.connect(":memory:")


def key() -> str:
    """A private key of cryptography's own OpenSSL."""
    made = ec.generate_private_key(ec.SECP256R1())
    return made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()).hex()


def draw() -> dict[str, dict[str, object]]:
    """One draw of each, by integration; ``kept`` are those that were seeded on purpose."""
    stamp = uuid.uuid1()
    return {
        "random": {
            "global": random.getrandbits(64),
            "captured": captured(64),
            "kept": kept.getrandbits(64),
            "own": own.getrandbits(64),
            "nested": nested[0].getrandbits(64),
            "gauss": random.gauss(),
            "timed": timed.random(),
            "message": email.utils.make_msgid(domain="example.org").partition("@")[0].rpartition(".")[2],
            "temporary": tempfile.mkdtemp(),
            "faker": fake.uuid4(),
            "name": fake.pystr(20, 20),
        },
        "numpy": {
            "global": float(np.random.random()),
            "generator": float(generator.random()),
            "philox": float(philox.random()),
            "legacy": float(legacy.random()),
            "child": float(children.spawn(1)[0].random()),
        },
        "openssl": {"ssl": ssl.RAND_bytes(16).hex(), "cryptography": key()},
        "sqlite3": {"blob": database.execute("select hex(randomblob(16))").fetchone()[0]},
        "bson": {"random": str(bson.ObjectId())[8:18], "counter": str(bson.ObjectId())[18:]},
        "uuid": {"node and sequence": [stamp.node, stamp.clock_seq]},
        "uuid-utils": {"4": str(uuid_utils.uuid4()), "7": str(uuid_utils.uuid7())[-12:]},
        "ddtrace": {
            "trace": ddtrace.internal.native.rand64bits(),
            "runtime": ddtrace.internal.runtime.get_runtime_id(),
        },
        "deliberate": {
            "number": meant.random(),
            "text": named.random(),
            "numpy": float(meant_np.random()),
            "legacy": float(meant_legacy.random()),
        },
    }


draw()


def lambda_handler(event: object, context: object) -> dict[str, dict[str, object]]:
    return draw()
