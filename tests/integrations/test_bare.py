"""What no integration can close is told of, by name and line: a connection to RabbitMQ, and one that is bare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from integrations.restoring import FUNCTIONS, restored

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("clones")]


def test_each_is_told_when_the_version_is_published(server: Callable[[str], dict[str, str]]) -> None:
    run = restored("bare", server("rabbitmq"))
    run.check()
    assert "fine" not in run.responses  # it is dead
    told = [line for line in run.snapshot.stdout.splitlines() if "the snapshot contains connection" in line]
    source = (FUNCTIONS / "bare.py").read_text().splitlines()
    for name, held in (
        ("broker", "(pika.adapters.blocking_connection.BlockingConnection → socket.socket)"),
        ("bare", "(socket.socket)"),
    ):
        line = next(number for number, text in enumerate(source, 1) if text.startswith(f"{name} = "))
        assert [f"held by bare.{name} {held}, {FUNCTIONS}/bare.py:{line}: " in each for each in told].count(True) == 1
    assert len(told) == 2
