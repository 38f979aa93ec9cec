"""On which event loop an object's connections are."""

from __future__ import annotations

import gc
import sys
from types import FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

__all__ = ("loop_of",)

_LIMIT: Final = 20_000
"""Objects that are looked at, at most: a transport knows its loop, and is not far from what has it."""

_ELSEWHERE: Final = (FrameType, FunctionType, ModuleType, type)
"""What leads away from an object, to all that its module knows."""


def loop_of(connections: object) -> AbstractEventLoop | None:
    """The event loop that is nearest to what these refer to; ``None`` if there are none, or they are on none.

    No library tells this of its pools.  What an object refers to is known to the garbage
    collector, however the library names it, and also of what is compiled, as uvloop's.
    """
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    seen, near = {id(connections)}, [connections]
    while near and len(seen) < _LIMIT:
        further: list[object] = []
        for each in cast("list[object]", gc.get_referents(*near)):
            if id(each) in seen or issubclass(type(each), _ELSEWHERE):
                continue
            if issubclass(type(each), cast("type", asyncio.AbstractEventLoop)):
                return cast("AbstractEventLoop", each)
            seen.add(id(each))
            further.append(each)
        near = further
    return None
