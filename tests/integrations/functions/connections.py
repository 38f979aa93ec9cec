"""Clients that keep connections open, each made as applications make them, and asked once before the snapshot."""

from __future__ import annotations

import asyncio
import os
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import aiohttp
import boto3
import httpx
import pymongo
import redis
import requests
import urllib3
from botocore.config import Config
from redis.asyncio.cluster import RedisCluster as AsyncRedisCluster
from redis.backoff import NoBackoff
from redis.retry import Retry

import snapstart_hooks  # noqa: F401 - it connects itself to the runtime

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PARTNERS, TLS, REDIS, CLUSTER, MONGO = (
    os.environ[name] for name in ("PARTNERS_URL", "TLS_URL", "REDIS_URL", "CLUSTER_URL", "MONGO_URL")
)
TRUST = ssl.create_default_context(cafile=os.environ["TLS_CA"])
PATIENCE = float(os.environ.get("PATIENCE", "30"))  # seconds

loop, other = asyncio.new_event_loop(), asyncio.new_event_loop()  # one stands still while the other runs

session = requests.Session()
https = urllib3.PoolManager(retries=False, timeout=PATIENCE, ssl_context=TRUST)
table = boto3.resource(
    "dynamodb",
    region_name="us-east-1",
    config=Config(retries={"total_max_attempts": 1}, read_timeout=PATIENCE),
).Table("receipts")
KEEP = httpx.Limits(keepalive_expiry=None)  # by a clock that a snapshot stops, nothing expires in it
client = httpx.Client(timeout=PATIENCE, limits=KEEP)
tls_client = httpx.Client(timeout=PATIENCE, limits=KEEP, verify=TRUST)
async_client = httpx.AsyncClient(timeout=PATIENCE, limits=KEEP, verify=TRUST)
options = {"socket_timeout": PATIENCE, "retry": Retry(NoBackoff(), 0)}
cache = redis.Redis.from_url(REDIS, **options)
blocking = redis.Redis(connection_pool=redis.BlockingConnectionPool.from_url(REDIS, timeout=2, **options))
carts = redis.asyncio.Redis.from_url(
    REDIS, socket_timeout=PATIENCE, retry=redis.asyncio.retry.Retry(NoBackoff(), 0), single_connection_client=False
)
cluster = redis.RedisCluster.from_url(CLUSTER, socket_timeout=PATIENCE, cluster_error_retry_attempts=0)
async_cluster = AsyncRedisCluster.from_url(CLUSTER, socket_timeout=PATIENCE, cluster_error_retry_attempts=0)
mongo: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(
    MONGO, socketTimeoutMS=int(PATIENCE * 1000), serverSelectionTimeoutMS=int(PATIENCE * 2000)
)
async_mongo: pymongo.AsyncMongoClient[dict[str, object]] = pymongo.AsyncMongoClient(
    MONGO, socketTimeoutMS=int(PATIENCE * 1000), serverSelectionTimeoutMS=int(PATIENCE * 2000)
)


async def make_session() -> aiohttp.ClientSession:
    """It has to be made where its loop runs."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))


async def ask_aiohttp(through: aiohttp.ClientSession, url: str) -> object:
    """Not idempotent, so it is not repeated."""
    async with through.post(url, json={}, ssl=TRUST) as response:
        return await response.read()


aio, tls_aio = loop.run_until_complete(make_session()), other.run_until_complete(make_session())


def on(place: asyncio.AbstractEventLoop, ask: Callable[[], Awaitable[object]]) -> Callable[[], object]:
    """Ask on a loop."""

    async def wait() -> object:
        return await ask()

    return lambda: place.run_until_complete(wait())


def answer(ask: Callable[[], object]) -> str:
    """``fine``, or the kind of the error."""
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - what is dead fails in many ways
        return f"{type(error).__name__}: {error}"[:200]
    return "fine"


QUESTIONS: dict[str, Callable[[], object]] = {
    "requests": lambda: session.post(f"{PARTNERS}/orders", json={}, timeout=PATIENCE),
    "urllib3 tls": lambda: https.request("POST", TLS, body=b"hello"),
    "boto3": lambda: table.put_item(Item={"id": "1"}),
    "httpx": lambda: client.post(f"{PARTNERS}/orders", json={}),
    "httpx tls": lambda: tls_client.post(TLS, content=b"hello"),
    "httpx async": on(loop, lambda: async_client.post(f"{PARTNERS}/orders", json={})),
    "httpx async tls": on(loop, lambda: async_client.post(TLS, content=b"hello")),
    "aiohttp": on(loop, lambda: ask_aiohttp(aio, f"{PARTNERS}/orders")),
    "aiohttp tls": on(other, lambda: ask_aiohttp(tls_aio, TLS)),
    "redis": cache.ping,
    "redis blocking": blocking.ping,
    "redis async": on(loop, carts.ping),
    "redis cluster": lambda: cluster.set("a", "b"),
    "redis cluster async": on(other, lambda: async_cluster.set("a", "b")),
    "pymongo": lambda: mongo.shop.command("ping"),
    "pymongo async": on(loop, lambda: async_mongo.shop.command("ping")),
}

for ask in QUESTIONS.values():
    while answer(ask) != "fine":  # of little patience on a busy machine
        pass
watching = redis.Redis.from_url(REDIS).pubsub()  # keeps a connection for itself
watching.subscribe("news")


def lambda_handler(event: object, context: object) -> dict[str, str]:
    """Ask all of them once, and tell what came of it."""
    loop.set_default_executor(
        ThreadPoolExecutor()
    )  # it looks names up; clones of namespaces lack the old one's threads
    return {name: answer(ask) for name, ask in QUESTIONS.items()}
