"""Uses three libraries that ship hooks, each as an application does, and has no hook of its own for them."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import psycopg_pool
import redis
from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

from snapstart_hooks import Priority, after_restore

if TYPE_CHECKING:
    from collections.abc import Callable

provider = TracerProvider()
provider.add_span_processor(
    BatchSpanProcessor(ConsoleSpanExporter(out=sys.stdout, formatter=lambda span: f"span {span.name}\n"))
)
trace.set_tracer_provider(provider)
tracer = trace.get_tracer(__name__)


def redis_client(name: str) -> redis.Redis:
    """A client that tries once."""
    pool = redis.ConnectionPool.from_url(os.environ["REDIS_URL"], client_name=name)
    return redis.Redis(connection_pool=pool)


cache, sessions = redis_client("cache"), redis_client("sessions")
orders = psycopg_pool.ConnectionPool(os.environ["DATABASE_URL"], name="orders", min_size=1, open=True, timeout=3)
archive = psycopg_pool.ConnectionPool(os.environ["DATABASE_URL"], name="archive", min_size=1, open=True)
archive.close()  # for good

loop = asyncio.new_event_loop()  # stands still, but while something is asked
carts = redis.asyncio.Redis(
    connection_pool=redis.asyncio.ConnectionPool.from_url(os.environ["REDIS_URL"], client_name="carts")
)
stock = psycopg_pool.AsyncConnectionPool(os.environ["DATABASE_URL"], name="stock", min_size=1, open=False, timeout=3)


async def ask_carts() -> object:
    return await carts.ping()


async def ask_stock() -> object:
    async with stock.connection() as connection:
        cursor = await connection.execute("select 1")
        return await cursor.fetchone()


def ask_orders() -> object:
    with orders.connection() as connection:
        return connection.execute("select 1").fetchone()


QUESTIONS: dict[str, Callable[[], object]] = {
    "cache": cache.ping,
    "sessions": sessions.ping,
    "carts": lambda: loop.run_until_complete(ask_carts()),
    "orders": ask_orders,
    "stock": lambda: loop.run_until_complete(ask_stock()),
}

loop.run_until_complete(stock.open())
with tracer.start_as_current_span("warm up"):
    for ask in QUESTIONS.values():
        ask()


@after_restore(after=("psycopg_pool",), priority=Priority.ENTROPY, name="shop")
def look() -> None:
    """Needs a database, and says so."""
    ask_orders()


def lambda_handler(event: object, context: object) -> dict[str, str]:
    """Ask all of them once, and tell what came of it."""
    with tracer.start_as_current_span("question") as span:
        answers = {name: answer(ask) for name, ask in QUESTIONS.items()}
    provider.force_flush()
    return {
        **answers,
        "archive": answer(archive.getconn),
        "trace": trace.format_trace_id(span.get_span_context().trace_id),
        "instance": str(provider.resource.attributes[SERVICE_INSTANCE_ID]),
    }


def answer(ask: Callable[[], object]) -> str:
    """What it answers, or the kind of the error."""
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - what is dead fails in many ways
        return type(error).__name__
    return "fine"
