"""Draws from all that `random` has, and from generators of its own."""

from __future__ import annotations

import email.utils
import random
import tempfile

import snapstart_hooks  # noqa: F401 - it connects itself to the runtime


class Own(random.Random):
    """A class of the application's."""


captured = random.getrandbits  # as libraries do
kept, own, derived = random.Random(), Own(), [Own()]
for generator in (kept, own, derived[0]):
    generator.random()
tempfile.mkdtemp()


def lambda_handler(event: object, context: object) -> dict[str, object]:
    """One draw of each."""
    return {
        "global": random.getrandbits(64),
        "captured": captured(64),
        "kept": kept.getrandbits(64),
        "own": own.getrandbits(64),
        "derived": derived[0].getrandbits(64),
        "gauss": random.gauss(),
        "shuffled": random.sample(range(10**6), 3),
        "message": email.utils.make_msgid(domain="example.org").partition("@")[0].rpartition(".")[2],
        "temporary": tempfile.mkdtemp(),
    }
