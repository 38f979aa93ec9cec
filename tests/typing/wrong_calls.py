"""Wrong uses of the call forms: each is an error for every type checker.

The statement below a line `# wrong: why` is the wrong use. `test_typing.py` compares.
"""

from __future__ import annotations

from snapstart_hooks import after_restore, before_snapshot, register_after_restore, register_before_snapshot


def open_pool(url: str, size: int = 4, *, wait: bool = False) -> int:
    return size if wait else len(url)


async def warm(path: str) -> None: ...


class Client:
    def reconnect(self, *, hard: bool) -> None: ...


client = Client()
configured = after_restore(priority=5)

# wrong: the function needs its argument
configured.call(open_pool)

# wrong: an async one, too
configured.call(warm)

# wrong: a method's arguments count, too
configured.call(client.reconnect)

# wrong: the argument has a type
configured.call(open_pool, 5)

# wrong: also when it is given by name
configured.call(open_pool, "postgresql://", wait="yes")

# wrong: there is no such argument
configured.call(open_pool, "postgresql://", hard=True)

# wrong: there are not so many
configured.call(open_pool, "postgresql://", 4, True)

# wrong: options belong in the first pair of brackets
configured.call(open_pool, "postgresql://", priority=5)

# wrong: a function, not its result
configured.call(open_pool("postgresql://"))

# wrong: some function there must be
configured.call()

# wrong: a decorator without options has no call form
after_restore.call(open_pool, "postgresql://")

# wrong: the function that comes back still knows its parameters
configured.call(open_pool, "postgresql://")(5)

# wrong: the function needs its argument
register_after_restore(open_pool)

# wrong: an async one, too
register_before_snapshot(warm)

# wrong: the argument has a type
register_after_restore(open_pool, 5)

# wrong: also when it is given by name
register_after_restore(open_pool, url=5)

# wrong: there is no such argument
register_before_snapshot(client.reconnect, soft=True)

# wrong: there are not so many
register_after_restore(open_pool, "postgresql://", 4, True)

# wrong: options are not for this form
register_after_restore(open_pool, "postgresql://", priority=5)

# wrong: a function, not its result
register_before_snapshot(open_pool("postgresql://"))

# wrong: a function, not its name
register_after_restore("open_pool")


# wrong: as a decorator it gives no argument
@register_after_restore
def reconnect(client: Client) -> None: ...


# wrong: nor does the other one
@register_before_snapshot
async def push(url: str) -> None: ...


# wrong: it has no form with options
@register_before_snapshot(priority=5)
def close() -> None: ...


@register_after_restore
def reseed(seed: int = 0) -> int:
    return seed


# wrong: the decorated function still knows its parameters
reseed("now")

# wrong: and its result
text: str = before_snapshot(priority=5).call(reseed, 1)()
