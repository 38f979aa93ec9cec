"""Writes invoices, and tells their total."""

from __future__ import annotations

import datetime as dt
import json
import logging
import random
import uuid
from functools import cache
from typing import TYPE_CHECKING

from django.core.cache import cache as shared
from django.db import connection
from django.http import JsonResponse
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

if TYPE_CHECKING:
    from django.http import HttpRequest

TABLE = """
    CREATE TABLE IF NOT EXISTS invoices (
        number text PRIMARY KEY, customer text NOT NULL, cents integer NOT NULL, due date NOT NULL
    )
"""
INSERT = "INSERT INTO invoices (number, customer, cents, due) VALUES (%s, %s, %s, %s)"

log = logging.getLogger("invoices")


@cache
def today() -> dt.date:
    """Asked for often, and the same all day."""
    return dt.datetime.now(dt.UTC).date()


def node() -> str:
    """The name of this environment, in all that it writes."""
    return str(shared.get_or_set("node", lambda: uuid.uuid4().hex, timeout=None))


def set_up() -> None:
    """Make the table, if it is not there."""
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
    log.info("node %s begins on %s", node(), today())


@require_POST
def invoice(request: HttpRequest) -> JsonResponse:
    """Write one."""
    asked = json.loads(request.body)
    number = f"{today():%Y}-{random.randint(0, 10**9):09}"
    due = today() + dt.timedelta(days=14)
    with connection.cursor() as cursor:
        cursor.execute(INSERT, (number, asked["customer"], asked["cents"], due))
    log.info("invoice %s is due on %s", number, due)
    return JsonResponse({"number": number, "due": due, "node": node()}, status=201)


@require_GET
def totals(request: HttpRequest) -> JsonResponse:
    """How much there is to come."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), sum(cents) FROM invoices WHERE due >= %s", (today(),))
        invoices, cents = cursor.fetchone()
    return JsonResponse({"invoices": invoices, "cents": cents, "since": today(), "node": node()})


urlpatterns = [path("invoices", invoice), path("totals", totals)]
