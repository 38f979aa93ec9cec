"""Finds the event loop of an object's connections."""

from __future__ import annotations

import gc
import sys
from types import FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

__all__ = ("loop_of",)

_LIMIT: Final = 20_000
"""The largest number of objects that are searched: a transport refers to its loop, and is near to its owner."""

_ELSEWHERE: Final = (FrameType, FunctionType, ModuleType, type)
"""Types that are not followed: they lead from an object to everything that its module refers to."""


def loop_of(connections: object) -> AbstractEventLoop | None:
    """Return the event loop nearest to what the connections refer to; ``None`` if they refer to none.

    No library has a function for this.  The garbage collector knows what an object refers to under whatever name,
    also in compiled code such as uvloop's.

    Args:
        connections: The connections, or whatever refers to them.
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
