"""On which event loop an object's connections are."""

from __future__ import annotations

import gc
from asyncio import AbstractEventLoop
from types import FrameType, FunctionType, ModuleType
from typing import Final, cast

__all__ = ("loop_of",)

_LIMIT: Final = 20_000
"""Objects that are looked at, at most: a transport knows its loop, and connections are not far away."""

_ELSEWHERE: Final = (FrameType, FunctionType, ModuleType, type)
"""What leads away from an object, to all that its module knows."""


def loop_of(thing: object) -> AbstractEventLoop | None:
    """The event loop that is nearest to what `thing` refers to; ``None`` if it has opened nothing on any.

    No library tells this of its pools.  What an object refers to is known to the garbage
    collector, however the library names it, and also of what is compiled, as uvloop's.
    """
    seen, near = {id(thing)}, [thing]
    while near and len(seen) < _LIMIT:
        further: list[object] = []
        for each in cast("list[object]", gc.get_referents(*near)):
            if id(each) in seen or issubclass(type(each), _ELSEWHERE):
                continue
            if issubclass(type(each), AbstractEventLoop):
                return cast("AbstractEventLoop", each)
            seen.add(id(each))
            further.append(each)
        near = further
    return None
