"""Wrong uses of AWS's own package that nobody sees without our stubs.

The statement below a line `# wrong: why` is the wrong use. `test_typing.py` compares,
and reads it a second time with its import line changed to ours.
"""

from __future__ import annotations

from snapshot_restore_py import register_after_restore, register_before_snapshot


def open_pool(url: str, size: int = 4, *, wait: bool = False) -> int:
    return size if wait else len(url)


# wrong: nobody gives it its argument
@register_after_restore
def reconnect(client: str) -> None: ...


# wrong: nor before the snapshot
@register_before_snapshot
def cleanup(client: str) -> None: ...


# wrong: the function needs its argument
register_before_snapshot(open_pool)

# wrong: the argument has a type
register_after_restore(open_pool, 5)

# wrong: also when it is given by name
register_after_restore(open_pool, "postgresql://", size="4")

# wrong: there is no such argument
register_after_restore(open_pool, "postgresql://", hard=True)

# wrong: a function, not its result
register_after_restore(open_pool("postgresql://"))


# wrong: it has no form with options
@register_before_snapshot(priority=5)
def close() -> None: ...


@register_after_restore
def reseed(seed: int = 0) -> int:
    return seed


# wrong: the decorated function still knows its parameters
reseed("now")

# wrong: and its result
text: str = reseed()
