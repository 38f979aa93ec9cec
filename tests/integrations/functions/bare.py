"""Connections that nobody can close and open again for the application."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

import pika

import snapstart_hooks  # noqa: F401 - it connects itself to the runtime

URL = urlsplit(os.environ["AMQP_URL"])

broker = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = broker.channel()
bare = socket.create_connection((str(URL.hostname), URL.port or 0))


def lambda_handler(event: object, context: object) -> str:
    """Ask the broker for a queue."""
    try:
        channel.queue_declare("orders")
    except pika.exceptions.AMQPError as error:
        return type(error).__name__
    return "fine"
