"""Wrong uses of the decorators: each is an error for every type checker.

The statement below a line `# wrong: why` is the wrong use. `test_typing.py` compares.
"""

from __future__ import annotations

import functools
from typing import overload

from snapstart_hooks import after_restore, before_checkpoint, before_snapshot


def ready() -> None: ...
def needs_client(client: str) -> None: ...
async def warm() -> None: ...


@overload
def status(verbose: str) -> str: ...
@overload
def status(verbose: int) -> int: ...
def status(verbose: str | int) -> int | str:
    return ""


# wrong: a hook is called without arguments
@after_restore
def reconnect(client: str) -> None: ...


# wrong: an async one, too
@before_snapshot
async def push(url: str) -> None: ...


# wrong: nor with keyword arguments
@before_checkpoint
def flush(*, wait: bool) -> None: ...


# wrong: options do not change that
@after_restore(priority=5)
def configured(client: str) -> None: ...


# wrong: the same without decorator syntax
after_restore(needs_client)

# wrong: the same with options and without decorator syntax
after_restore(timeout=1.0)(needs_client)


class Client:
    # wrong: in a class body there is no `self` yet
    @after_restore
    def reconnect(self) -> None: ...

    # wrong: a static one still needs its argument
    @after_restore
    @staticmethod
    def reset(url: str) -> None: ...

    # wrong: in either order
    @staticmethod
    @after_restore
    def reset_outside(url: str) -> None: ...

    # wrong: in a class body there is no class yet, either
    @after_restore
    @classmethod
    def forget(cls) -> None: ...

    # wrong: in either order
    @classmethod
    @before_snapshot
    def forget_outside(cls) -> None: ...

    # wrong: a property is no function
    @after_restore
    @property
    def url(self) -> str:
        return ""

    def close(self) -> None: ...


# wrong: a method of no object
before_snapshot(Client.close)


class Pool:
    def __init__(self, url: str) -> None: ...


class Command:
    def __call__(self, name: str) -> None: ...


# wrong: a class whose constructor needs an argument
after_restore(Pool)

# wrong: the same with options
after_restore(priority=5)(Pool)

# wrong: a callable object that needs an argument
after_restore(Command())

# wrong: a lambda that needs an argument
after_restore(lambda client: client)

# wrong: every overload needs an argument
after_restore(status)

# wrong: a wrapper that looks like the function needs what that needs
after_restore(functools.wraps(needs_client)(needs_client))

# wrong: a coroutine is not the function that makes it
after_restore(warm())

# wrong: the result of a call is no function
after_restore(ready())

# wrong: nor is a number
after_restore(5)

# wrong: nor is a name
before_snapshot("ready")

# wrong: nor are several
after_restore([ready, ready])

# wrong: nor is nothing
after_restore(None)

# wrong: one function at a time
after_restore(ready, ready)

# wrong: options come first, in a call of their own
after_restore(ready, priority=5)

# wrong: a function has no name for a keyword
after_restore(func=ready)

# wrong: there is no such option
after_restore(prio=5)

# wrong: nor has AWS's arguments an option for them
after_restore(args=("orders",))

# wrong: a priority is a number
after_restore(priority="high")

# wrong: a whole number
after_restore(priority=0.5)

# wrong: a name is a string
after_restore(name=5)

# wrong: several names, not the letters of one
after_restore(after="credentials")

# wrong: names of hooks, not hooks
after_restore(after=(ready,))

# wrong: seconds, not text
after_restore(timeout="2s")

# wrong: true or false
after_restore(required="no")

# wrong: true or false, not how many
after_restore(concurrent=4)

# wrong: options are given by name
after_restore(5, "orders.db")


@after_restore
def reseed(seed: int = 0) -> int:
    return seed


@after_restore
@functools.cache
def settings() -> dict[str, str]:
    return {}


@after_restore
class Counter:
    count = 0


# wrong: the decorated function still knows its parameters
reseed("now")

# wrong: and its result
text: str = reseed()

# wrong: the cache still knows its methods
settings.cache_empty()

# wrong: the class is still that class
Counter().total

# wrong: the options are not a function
after_restore(priority=5)()

# wrong: the options are no decorator of the other kind
after_restore(priority=5)(timeout=1.0)

# wrong: a decorator keeps its phase
after_restore.phase = before_snapshot.phase
