"""Wrong uses of values that are made anew after each restore: each is an error for every type checker.

The statement below a line `# wrong: why` is the wrong use. `test_typing.py` compares.
"""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from collections.abc import AsyncIterator, Iterator

from snapstart_hooks import Registry
from snapstart_hooks.resources import PerRestore, Resource, cached_until_restore, generation, resource


@resource
def db() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect("orders.db")) as connection:
        yield connection


@resource
async def pool() -> AsyncIterator[list[str]]:
    yield []


instance = PerRestore(uuid.uuid4)


@cached_until_restore
def setting(name: str) -> bytes:
    return b""


# wrong: a factory needs no argument
@resource
def connect(url: str) -> Iterator[str]:
    yield url


# wrong: nor with options
@resource(eager=True)
def connect_eagerly(url: str) -> Iterator[str]:
    yield url


def number() -> int:
    return 1


async def coroutine() -> int:
    return 1


# wrong: a number is nothing that could be closed
resource(number)

# wrong: a coroutine is no generator
resource(coroutine)

# wrong: nor is what it gives
resource(eager=True)(number)

# wrong: there is no such option
resource(lazy=True)

# wrong: true or false
resource(eager="yes")

# wrong: seconds, not text
resource(timeout="2s")

# wrong: the value is what a call gives
db.execute("SELECT 1")

# wrong: a resource takes no argument
db("orders.db")

# wrong: it is what it is
text: str = db()


async def use() -> None:
    # wrong: an async one is awaited
    pool().append("")

    # wrong: the names of its value are not its own
    pool.append("")


# wrong: a resource of something else
other: Resource[str] = db

# wrong: another value is of the same type
Registry().override(db, "fake")

# wrong: also of an async one
Registry().override(pool, 5)

# wrong: also of what is computed
Registry().override(instance, "id")

# wrong: what computes a value needs no argument
PerRestore(uuid.UUID.__str__)

# wrong: it is a UUID
identity: int = instance()

# wrong: the cached function still knows its parameters
setting(5)

# wrong: all of them
setting()

# wrong: and its result
value: str = setting("a")

# wrong: the cache has its methods only
setting.cache_empty()

# wrong: seconds
cached_until_restore(ttl="1h")

# wrong: the generation is a number
name: str = generation()
